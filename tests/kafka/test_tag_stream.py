"""The whole stream, and its safety net: what does not fit is refused in one line, and nothing is written."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from skillstream.errors import OutputError, RunError, SkillstreamError, SourceError, UsageError
from skillstream.output.chain_check import verify_chain
from skillstream.output.run_info import read_run
from skillstream.pipelines import tag_stream
from skillstream.tagging.replay import ReplayConfig, replay
from skillstream.tagging.stream_config import StreamConfig
from tests.data import make_posting
from tests.faults.ledger import assert_exactly_once, published
from tests.loads import WARM, counted
from tests.servers.kafka import create_topic

pytestmark = pytest.mark.kafka


def postings(count: int, first: int = 0) -> list[bytes]:
    import json

    return [json.dumps(make_posting(number)).encode() for number in range(first, first + count)]


@pytest.fixture
def stream(kafka, hash_model, index_folder, tmp_path):
    """Tags a topic to its end; the summary."""

    def run(topic: str, **options) -> tag_stream.StreamSummary:
        defaults = {
            "bootstrap_servers": kafka.bootstrap,
            "output": str(tmp_path / "out"),
            "index": str(index_folder),
            "stop_at_end": True,
            "linger": 0.1,
        }
        return tag_stream.run(StreamConfig(topic=topic, **(defaults | options)))

    return run


def test_a_topic_becomes_rows_and_goes_on_later(stream, new_topic, produce, tmp_path):
    topic = new_topic(partitions=2)
    produce(topic, [*postings(30), b"{broken", None], keys=[b"k"] * 32)
    produce(topic, postings(20, 30), partition=1)
    summary = stream(topic)
    assert summary.records == 52
    assert summary.lag == {0: 0, 1: 0}
    assert_exactly_once(tmp_path / "out", 52)
    produce(topic, postings(5, 50))
    assert stream(topic).positions == {0: 37, 1: 20}
    assert_exactly_once(tmp_path / "out", 57)
    run_info = read_run(tmp_path / "out")
    assert run_info is not None
    assert run_info.identity["topic"] == topic


def test_start_latest_holds_although_nothing_was_published(stream, new_topic, produce, tmp_path):
    topic = new_topic(partitions=2)
    produce(topic, postings(3))
    stream(topic, start="latest")
    produce(topic, postings(2))
    produce(topic, postings(2), partition=1)
    stream(topic, start="latest")
    assert sorted(published(tmp_path / "out")) == [(topic, 0, 3), (topic, 0, 4), (topic, 1, 0), (topic, 1, 1)]


def test_start_at_a_time(stream, new_topic, produce, tmp_path):
    topic = new_topic()
    produce(topic, postings(3), timestamp_ms=1_700_000_000_000)
    produce(topic, postings(3), timestamp_ms=1_700_000_100_000)
    stream(topic, start="2023-11-14T22:14:00Z")
    assert sorted(published(tmp_path / "out")) == [(topic, 0, 3), (topic, 0, 4), (topic, 0, 5)]


def test_replay_reads_tagged_records_again(stream, new_topic, produce, tmp_path, index_folder):
    topic = new_topic()
    produce(topic, [*postings(10), b"{broken"])
    stream(topic)
    config = ReplayConfig(
        output=str(tmp_path / "new"), select="all", offsets="0:4-10", index=str(index_folder)
    )
    summary = replay(str(tmp_path / "out"), config)
    assert summary.records == 7
    assert sorted(published(tmp_path / "new")) == [(topic, 0, offset) for offset in range(4, 11)]


def test_a_warm_start_loads_one_encoder_and_reads_the_index_once(
    kafka, new_topic, produce, exported_model, tmp_path, monkeypatch
):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "own.csv").write_text("id,label\n1,weld pipes\n2,bake bread\n", "utf-8")
    topic = new_topic()
    produce(topic, postings(3))
    for name in ("cold", "warm"):
        config = StreamConfig(
            bootstrap_servers=kafka.bootstrap,
            topic=topic,
            output=str(tmp_path / name),
            model=str(exported_model),
            taxonomy=str(tmp_path / "own.csv"),
            stop_at_end=True,
        )
        with counted() as counts:
            assert tag_stream.run(config).records == 3
    assert counts == WARM
    run = read_run(tmp_path / "warm")
    assert run.sources == {topic: f"kafka://{kafka.bootstrap}/{topic}"}


# --- the safety net --------------------------------------------------------------------------------------


def nothing_new(output: Path) -> bool:
    return not (output / "tags").exists() or verify_chain(output).files == 0


def test_no_such_topic(stream, tmp_path):
    with pytest.raises(SourceError, match="there is no topic 'nowhere'"):
        stream("nowhere")
    assert nothing_new(tmp_path / "out")


def test_no_kafka_there(stream, tmp_path):
    with pytest.raises(SourceError, match=r"Kafka at 127\.0\.0\.1:1 cannot be used: .*ECONNREFUSED"):
        stream("t", bootstrap_servers="127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_a_missing_index(stream, new_topic, tmp_path):
    with pytest.raises(UsageError, match="nowhere"):
        stream(new_topic(), index=str(tmp_path / "nowhere"))
    assert not (tmp_path / "out").exists()


def test_another_topic_into_the_same_output(stream, new_topic, produce):
    stream(new_topic())
    with pytest.raises(OutputError, match=r"was made with topic .*--force"):
        stream(new_topic())


def test_a_topic_made_again(stream, new_topic, produce, kafka):
    topic = new_topic()
    produce(topic, postings(5))
    stream(topic)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([topic])
    for _ in range(50):
        if topic not in admin.list_topics():
            break
    admin.close()
    create_topic(kafka.bootstrap, topic)
    with pytest.raises(SourceError, match="ends at 0, but the output already reaches 5: the topic was"):
        stream(topic)
    produce(topic, postings(9))
    with pytest.raises(OutputError, match="was made with topic_id"):
        stream(topic)


def test_a_full_disk_stops_with_a_clear_line_and_room_mends_it(stream, new_topic, produce, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        topic = new_topic()
        produce(topic, postings(2000))
        output = disk / "out"
        with pytest.raises(RunError, match="No space left on device"):
            stream(topic, output=str(output), max_chunk_rows=20)
        done = published(output)
        assert 0 < len(done) < 2000
        assert verify_chain(output).findings == []
        subprocess.run(["mount", "-o", "remount,size=50m", disk], check=True)
        stream(topic, output=str(output), max_chunk_rows=100)
        assert_exactly_once(output, 2000)
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_unwritable_output(stream, new_topic, produce, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SkillstreamError, match="Not a directory"):
        stream(new_topic(), output=str(tmp_path / "file" / "out"))


def test_wrong_options():
    with pytest.raises(UsageError, match="--output is missing"):
        StreamConfig(topic="t")
    with pytest.raises(UsageError, match="--topic is missing"):
        StreamConfig(output="o")
    with pytest.raises(UsageError, match="--readers must be at least 1"):
        StreamConfig(topic="t", output="o", readers=0)
    with pytest.raises(UsageError, match="--metrics-port"):
        StreamConfig(topic="t", output="o", metrics_port=70000)
