"""The splittable DoFn on the local runner, a real broker and the real chain; only tagging is left out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import pyarrow.parquet as pq
import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker

from skillstream.chunks import Chunk
from skillstream.monitoring.live import DRAIN, LIVE
from skillstream.rows import Row, TaggedChunk
from skillstream.sources.kafka import Share
from skillstream.sources.kafka.config import KafkaConfig
from skillstream.transforms import read_kafka
from skillstream.transforms.kafka_restriction import KafkaRestriction, KafkaRestrictionProvider, KafkaTracker
from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_kafka import ReadKafka
from skillstream.transforms.reader_elements import reader_elements

pytestmark = pytest.mark.kafka


def untagged(chunk: Chunk) -> TaggedChunk:
    rows = [
        Row(chunk.source, chunk.partition, record.offset, record.event_time, 0, f"{record.payload!r}",
            None, None, [], None, record.key, "m", "t", "s")
        for record in chunk.records
    ]  # fmt: skip
    return TaggedChunk(chunk.source, chunk.partition, chunk.start, chunk.end, rows)


def run(config: KafkaConfig, output: Path, **options) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner())
    _ = (
        pipeline
        | ReadKafka(config, str(output), **options)
        | beam.Map(untagged).with_output_types(TaggedChunk)
        | PublishChunks(str(output))
    )
    pipeline.run().wait_until_finish()


def offsets(output: Path) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for file in sorted(output.glob("tags/**/*.parquet")):
        rows = pq.ParquetFile(file).read(columns=["partition", "offset"]).to_pylist()
        for row in rows:
            found.setdefault(row["partition"], []).append(row["offset"])
    return found


@pytest.fixture(autouse=True)
def no_drain() -> Iterator[None]:
    DRAIN.clear()
    yield
    DRAIN.clear()


def test_a_back_fill_ends_and_goes_on_at_the_next_start(kafka, new_topic, produce, tmp_path):
    topic = new_topic(partitions=3)
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap, topic=topic, linger=0.2, max_chunk_rows=30)
    for partition in range(3):
        produce(topic, [b"%d" % i for i in range(100)], partition=partition)
    run(config, tmp_path, share=Share(stop_at=dict.fromkeys(range(3), 100)))
    assert offsets(tmp_path) == {p: list(range(100)) for p in range(3)}
    produce(topic, [b"%d" % i for i in range(50)], partition=1)
    run(config, tmp_path, share=Share(stop_at={0: 100, 1: 150, 2: 100}))
    assert offsets(tmp_path) == {0: list(range(100)), 1: list(range(150)), 2: list(range(100))}


def test_rows_appear_while_it_runs_over_many_bundles_and_a_drain_publishes_what_is_in_hand(
    kafka, new_topic, produce, tmp_path
):
    topic = new_topic(partitions=2)
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap, topic=topic, linger=0.2)
    job = threading.Thread(
        target=run, args=(config, tmp_path), kwargs={"bundle_s": 0.5, "share": Share(readers=2)}
    )
    job.start()
    try:
        sent = 0
        for _ in range(8):
            produce(topic, [b"x"] * 5, partition=0)
            produce(topic, [b"x"] * 5, partition=1)
            sent += 5
            time.sleep(0.5)
        deadline = time.monotonic() + 20
        while offsets(tmp_path) != {0: list(range(sent)), 1: list(range(sent))}:
            assert time.monotonic() < deadline, offsets(tmp_path)
            time.sleep(0.2)
        assert job.is_alive()
        snapshot = LIVE.snapshot()
        assert snapshot.lag == {0: 0, 1: 0}
        assert snapshot.age_p99 is not None
        assert snapshot.stuck is None
    finally:
        DRAIN.set()
        job.join(20)
    assert not job.is_alive()


def test_a_drain_flushes_records_that_linger(kafka, new_topic, produce, tmp_path):
    topic = new_topic()
    produce(topic, [b"x"] * 3)
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap, topic=topic, linger=3600)
    job = threading.Thread(target=run, args=(config, tmp_path))
    job.start()
    while not offsets(tmp_path):  # the first do not linger
        time.sleep(0.1)
    produce(topic, [b"x"] * 4)
    time.sleep(2)  # to show that nothing comes takes time; without a linger they come at once
    assert offsets(tmp_path) == {0: [0, 1, 2]}
    DRAIN.set()
    job.join(20)
    assert offsets(tmp_path) == {0: list(range(7))}


def test_a_failing_sink_ends_the_job_and_nothing_is_lost(kafka, new_topic, produce, tmp_path):
    topic = new_topic()
    produce(topic, [b"%d" % i for i in range(40)])
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap, topic=topic, linger=0.1, max_chunk_rows=10)

    def fail_once(chunk: TaggedChunk) -> TaggedChunk:
        if chunk.start == 20 and not (tmp_path / "failed").exists():
            (tmp_path / "failed").touch()
            raise OSError("no space left")
        return chunk

    def attempt() -> None:
        pipeline = beam.Pipeline(runner=FnApiRunner())
        _ = (
            pipeline
            | ReadKafka(config, str(tmp_path), Share(stop_at={0: 40}))
            | beam.Map(untagged).with_output_types(TaggedChunk)
            | "Fail" >> beam.Map(fail_once).with_output_types(TaggedChunk)
            | PublishChunks(str(tmp_path))
        )
        pipeline.run().wait_until_finish()

    with pytest.raises(Exception, match="no space left"):
        attempt()
    attempt()
    assert offsets(tmp_path) == {0: list(range(40))}


def test_size_and_progress_are_the_lag_in_bytes(kafka, new_topic, produce, tmp_path, monkeypatch):
    """Bundles as a worker runs them, against what the broker really holds."""
    topic = new_topic(partitions=2)
    config = KafkaConfig(bootstrap_servers=kafka.bootstrap, topic=topic, max_chunk_rows=50, linger=0.2)
    for partition in range(2):
        produce(topic, [b"x" * 1000] * 300, partition=partition)
    monkeypatch.setattr(read_kafka, "_readers", cache := read_kafka._ReaderCache())
    provider, [element] = KafkaRestrictionProvider(), reader_elements(1)
    read = read_kafka._Read(ReadKafka(config, str(tmp_path), bundle_s=1.0, flush=True))
    handed_out = 0

    def bundle(restriction: KafkaRestriction, chunks: int | None = None) -> KafkaRestriction:
        """Runs one bundle, for so many chunks at most; what is left after it."""
        nonlocal handed_out
        tracker = ThreadsafeRestrictionTracker(provider.create_tracker(restriction))
        outputs = read.process(element, RestrictionTrackerView(tracker), ManualWatermarkEstimator(None))
        for count, output in enumerate(outputs):
            if count:
                assert tracker.current_progress().remaining_work == (600 - handed_out) * 1000
            handed_out += len(output.value.records)
            if count + 1 == chunks:
                tracker.defer_remainder()
        tracker.check_done()
        return tracker.deferred_status()[0]

    rest = provider.initial_restriction(element)
    while not handed_out:  # nothing may have come in the first second
        rest = bundle(rest, chunks=3)
    assert handed_out < 600
    assert (600 - handed_out) * 1000 <= provider.restriction_size(element, rest) < 600 * 1000
    while handed_out < 600:
        rest = bundle(rest)
    assert provider.restriction_size(element, rest) == 0.0
    produce(topic, [b"x" * 1000] * 70)
    kept = cache.take(read._key(Share()))
    for _ in range(40):
        if kept.backlog_bytes != 70 * 1000:  # seen by the fetches, or by asking for the ends
            kept.poll(0.5)
    assert kept.backlog_bytes == 70 * 1000
    kept.close()


def test_the_tracker_splits_at_zero_only_and_then_refuses_claims():
    tracker = KafkaTracker(KafkaRestriction({0: 5}))
    assert tracker.try_split(0.5) is None
    assert tracker.try_claim((0, 9))
    assert tracker.try_claim((1, 3))
    assert tracker.try_split(0) == (
        KafkaRestriction({0: 9, 1: 3}, ended=True),
        KafkaRestriction({0: 9, 1: 3}),
    )
    assert not tracker.try_claim((0, 10))
    tracker.check_done()


def test_the_tracker_knows_an_unfinished_reader():
    tracker = KafkaTracker(KafkaRestriction())
    with pytest.raises(ValueError, match="stopped before its end"):
        tracker.check_done()
    assert tracker.try_claim(None)
    tracker.check_done()
    assert tracker.try_split(0) is None
