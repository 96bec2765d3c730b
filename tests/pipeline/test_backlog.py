"""What a runner is told of the work that is left, and for how long an idle reader is put off.

Beam's own trackers and views stand around ours, as they do in a worker.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec
import pytest
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.runners.sdf_utils import RestrictionTrackerView, ThreadsafeRestrictionTracker
from apache_beam.utils.timestamp import Duration

from skillstream.chunks import Chunk, Record
from skillstream.monitoring.live import DRAIN
from skillstream.sources.kafka import KafkaConfig
from skillstream.transforms import read_kafka
from skillstream.transforms.kafka_restriction import (
    NOT_KNOWN,
    Backlog,
    KafkaRestriction,
    KafkaRestrictionProvider,
    KafkaTracker,
)
from skillstream.transforms.read_kafka import IDLE_DELAY_S, KEPT_S, POLL_S, ReadKafka, _Read, _ReaderCache
from skillstream.transforms.reader_elements import reader_elements

PROVIDER = KafkaRestrictionProvider()
[ELEMENT] = reader_elements(1)


class Reader:
    """In place of `KafkaReader`: records of 100 bytes come at these seconds; each poll takes its time."""

    last_contact, problem, finished = 0.0, None, False

    def __init__(self, clock: Clock, comes_at: list[float], waiting: int = 0) -> None:
        self.clock, self.comes_at, self.waiting = clock, comes_at, waiting
        self.at = self.polls = 0
        self.closed = False
        self.connected = True

    @property
    def positions(self) -> dict[int, int]:
        return {0: self.at}

    @property
    def lag(self) -> dict[int, int]:
        return {0: self.waiting + sum(1 for at in self.comes_at[self.at :] if at <= self.clock.now)}

    @property
    def backlog_bytes(self) -> int | None:
        return self.lag[0] * 100 if self.connected else None

    def watermark(self) -> None:
        return None

    def poll(self, timeout_s: float) -> None:
        self.polls += 1
        self.clock.now += timeout_s

    def next_chunk(self) -> Chunk | None:
        if self.at < len(self.comes_at) and self.comes_at[self.at] <= self.clock.now:
            return Chunk("t", 0, self.at, self.at + 1, [Record(self.at, b"x" * 100)])
        return None

    def take(self, chunk: Chunk) -> None:
        self.at = chunk.end

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Clock:
    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Iterator[Clock]:
    clock = Clock()
    monkeypatch.setattr(read_kafka, "time", clock)
    monkeypatch.setattr(read_kafka, "_readers", _ReaderCache(clock.monotonic))
    DRAIN.clear()
    yield clock
    DRAIN.clear()


class Bundle:
    """One bundle of one reader, as Beam's worker runs it."""

    def __init__(self, reader: Reader, monkeypatch, restriction: KafkaRestriction | None = None, **options):
        monkeypatch.setattr(read_kafka, "KafkaReader", lambda *_: reader)
        self.tracker = ThreadsafeRestrictionTracker(
            PROVIDER.create_tracker(restriction or PROVIDER.initial_restriction(ELEMENT))
        )
        self.read = _Read(ReadKafka(KafkaConfig(topic="t"), "out", flush=True, **options))
        self.outputs = self.read.process(
            ELEMENT, RestrictionTrackerView(self.tracker), ManualWatermarkEstimator(None)
        )

    def rest(self) -> tuple[KafkaRestriction, float, Duration]:
        """What is left after the bundle, its size, and when to go on with it."""
        self.tracker.check_done()
        delay = self.tracker._deferred_timestamp  # Beam takes off what has passed since
        restriction, _ = self.tracker.deferred_status()
        return restriction, PROVIDER.restriction_size(ELEMENT, restriction), delay


def test_what_is_given_back_has_the_size_of_the_lag_and_goes_on_at_once(clock, monkeypatch):
    bundle = Bundle(Reader(clock, [0.5] * 3, waiting=20), monkeypatch, bundle_s=2.0)
    assert len(list(bundle.outputs)) == 3
    assert bundle.rest() == (KafkaRestriction({0: 3}, backlog=2000), 2000.0, Duration(0))


def test_progress_follows_what_comes_and_what_is_published(clock, monkeypatch):
    reader = Reader(clock, [0.5, 0.5, 1.0, 1.0, 1.0])
    bundle = Bundle(reader, monkeypatch, bundle_s=60.0)
    seen = []
    for _ in bundle.outputs:
        seen.append(bundle.tracker.current_progress().remaining_work)
        if len(seen) == 5:
            break
    # Each is seen before the fused sink has the chunk that it came with.
    assert seen == [NOT_KNOWN, 100.0, 0.0, 200.0, 100.0]


def test_a_backlog_nobody_has_told_yet_is_neither_nothing_nor_forgotten(clock, monkeypatch):
    reader = Reader(clock, [])
    reader.connected = False  # the broker is away
    bundle = Bundle(reader, monkeypatch, KafkaRestriction({0: 0}, backlog=7_000_000), bundle_s=2.0)
    assert list(bundle.outputs) == []
    assert bundle.rest() == (KafkaRestriction({0: 0}, backlog=7_000_000), 7_000_000.0, Duration(0))
    assert PROVIDER.restriction_size(ELEMENT, PROVIDER.initial_restriction(ELEMENT)) == NOT_KNOWN


def test_a_reader_with_a_subtask_of_its_own_is_never_put_off(clock, monkeypatch):
    """As on Flink: what comes after an idle turn would wait for no reason."""
    reader = Reader(clock, [])
    bundle = Bundle(reader, monkeypatch, bundle_s=2.0)
    assert list(bundle.outputs) == []
    assert bundle.rest() == (KafkaRestriction(backlog=0), 0.0, Duration(0))
    assert clock.now == 2.0
    assert not reader.closed  # it keeps its connections


def test_where_readers_share_threads_it_does_not_wait_for_the_end_of_its_turn(clock, monkeypatch):
    reader = Reader(clock, [0.5])
    bundle = Bundle(reader, monkeypatch, bundle_s=60.0, idle_s=1.0)
    assert len(list(bundle.outputs)) == 1
    assert bundle.rest() == (KafkaRestriction({0: 1}, backlog=0), 0.0, Duration(IDLE_DELAY_S))
    assert clock.now == 1.5


def test_with_a_lag_but_nothing_in_hand_it_keeps_its_turn(clock, monkeypatch):
    """Its records are on their way: the broker is slow."""
    bundle = Bundle(Reader(clock, [], waiting=3), monkeypatch, bundle_s=5.0, idle_s=1.0)
    assert list(bundle.outputs) == []
    assert bundle.rest()[2] == Duration(0)
    assert clock.now == 5.0


def test_one_bundle_for_ever_never_gives_the_rest_back(clock, monkeypatch):
    reader = Reader(clock, [5_000.0])
    bundle = Bundle(reader, monkeypatch, bundle_s=math.inf)
    next(bundle.outputs)
    assert reader.polls == 5_000 / POLL_S
    assert bundle.tracker.deferred_status() is None


def test_a_split_by_the_runner_ends_an_idle_bundle_with_the_next_poll(clock, monkeypatch):
    """Another worker has the rest: reading on here would be for nothing."""
    reader = Reader(clock, [])
    bundle = Bundle(reader, monkeypatch, bundle_s=60.0)
    reader.poll = lambda _: bundle.tracker.try_split(0)
    assert list(bundle.outputs) == []
    bundle.tracker.check_done()
    assert clock.now == 0.0


def test_only_what_is_left_has_a_size():
    tracker = KafkaTracker(KafkaRestriction({0: 5}))
    assert tracker.try_claim(Backlog(900))
    assert tracker.current_restriction() == KafkaRestriction({0: 5}, backlog=900)
    done, rest = tracker.try_split(0)
    assert [PROVIDER.restriction_size(ELEMENT, part) for part in (done, rest)] == [0.0, 900.0]
    assert tracker.current_progress().remaining_work == 0.0  # of this bundle
    assert not tracker.try_claim(Backlog(1))
    ended = KafkaTracker(rest)
    assert ended.try_claim(None)
    assert ended.current_progress().remaining_work == 0.0


@pytest.mark.parametrize("fields", [[{0: 5}], [{0: 5}, False], [{0: 5}, False, 900], [{0: 5}, False, 900, 1]])
def test_restrictions_of_other_versions_are_read(fields):
    """A savepoint, or Dataflow's --update: fields may be missing at the end, or be more than we know."""
    coder = PROVIDER.restriction_coder()
    read = coder.decode(msgspec.msgpack.encode(fields))
    assert read == KafkaRestriction({0: 5}, backlog=900 if len(fields) > 2 else None)
    assert coder.decode(coder.encode(read)) == read


def test_a_kept_reader_that_goes_on_elsewhere_is_closed(clock):
    cache = _ReaderCache(clock.monotonic)
    gone, kept = Reader(clock, []), Reader(clock, [])
    for name, reader in (("gone", gone), ("kept", kept)):
        cache.put((name,), reader)
    for _ in range(2):
        assert not gone.closed
        clock.now += KEPT_S / 2 + 1
        assert cache.take(("kept",)) is kept
        cache.put(("kept",), kept)
    assert gone.closed
    assert not kept.closed
    assert cache.take(("gone",)) is None
