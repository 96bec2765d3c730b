"""The reader without Kafka: what its bounds, its fairness and its checks of the topic promise."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from kafka import TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord
from kafka.structs import OffsetAndMetadata

from skillstream.chunks import Record
from skillstream.errors import RunError
from skillstream.sources.kafka import KafkaConfig, Share
from skillstream.sources.kafka import reader as reader_module
from skillstream.sources.kafka.client import TopicFacts
from skillstream.sources.kafka.client_settings import ClientSettings
from skillstream.sources.kafka.partition_buffer import GATHER_S
from skillstream.sources.kafka.reader import REFRESH_S, KafkaReader
from skillstream.sources.kafka.record_bytes import ASSUMED, RecordBytes
from skillstream.sources.kafka.values import RegistryAwayError


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Chain:
    leader_epoch: int | None = None

    def __init__(self, head: int | None = 0) -> None:
        self.at = head

    def head(self) -> int | None:
        return self.at

    def claim(self, start: int) -> int:
        self.at = start if self.at is None else self.at
        return self.at


class Topic:
    """Kafka's clients in one: `waiting` records by partition, handed out whole at the next poll."""

    def __init__(self, partitions: int) -> None:
        self.facts = TopicFacts("one", tuple(range(partitions)))
        self.waiting: dict[int, list[ConsumerRecord]] = {}
        self.polled: dict[int, list[ConsumerRecord]] = {}
        self.positions = dict.fromkeys(range(partitions), 0)
        self.assigned: set[TopicPartition] = set()
        self.epoch = -1
        self.sought: list[tuple[int, object]] = []
        self.error: Exception | None = None
        self.firsts = dict.fromkeys(range(partitions), 0)
        self.ends = dict.fromkeys(range(partitions), 0)
        self.asked_for_ends = 0
        self.waits_ms: list[float] = []
        self.committed: list[dict] = []
        self.closed = 0
        self._subscription = self

    def send(
        self,
        partition: int,
        count: int = 1,
        size: int = 2,
        headers: list | None = None,
        letter: bytes = b"x",
    ) -> None:
        waiting = self.waiting.setdefault(partition, [])
        for _ in range(count):
            offset = self.positions[partition] + len(waiting)
            record = (
                "t",
                partition,
                self.epoch,
                offset,
                1000,
                0,
                None,
                letter * size,
                headers or [],
                None,
                -1,
                1,
                -1,
            )
            waiting.append(ConsumerRecord(*record))

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert {part.topic for part in partitions} == {"t"}
        self.assigned = set(partitions)

    def seek(self, part: TopicPartition, to: int | OffsetAndMetadata) -> None:
        """Records that were polled and are sought again wait again."""
        assert part.topic == "t"
        self.sought.append((part.partition, to))
        offset = to if isinstance(to, int) else to.offset
        polled = self.polled.get(part.partition, [])
        again = [record for record in polled if record.offset >= offset]
        self.waiting[part.partition] = again + self.waiting.get(part.partition, [])
        self.positions[part.partition] = offset

    def poll(self, timeout_ms: float, max_records: int) -> dict[TopicPartition, list[ConsumerRecord]]:
        self.waits_ms.append(timeout_ms)
        if self.error is not None:
            raise self.error
        polled = {TopicPartition("t", p): records for p, records in self.waiting.items()}
        self.polled = self.waiting
        for part, records in polled.items():
            self.positions[part.partition] += len(records)
        self.waiting = {}
        return polled

    def position(self, part: TopicPartition, timeout_ms: int = 0) -> int:
        return self.positions[part.partition]

    def highwater(self, part: TopicPartition) -> int:
        return self.positions[part.partition]

    def beginning_offsets(self, asked: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        return {part: self.firsts[part.partition] for part in asked if part.topic == "t"}

    def end_offsets(self, asked: list[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        self.asked_for_ends += 1
        return {part: self.ends[part.partition] for part in asked if part.topic == "t"}

    def alter_group_offsets(self, group: str, offsets: dict) -> dict:
        self.committed.append(
            {"group": group} | {part.partition: told.offset for part, told in offsets.items()}
        )
        return dict.fromkeys(offsets, kafka_errors.NoError)

    def close(self) -> None:
        self.closed += 1
        self.assigned = set()


@pytest.fixture
def topic() -> Topic:
    return Topic(2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(monkeypatch, topic, clock) -> Iterator:
    monkeypatch.setattr(reader_module, "make_admin", lambda _: topic)
    monkeypatch.setattr(reader_module, "make_consumer", lambda _: topic)
    monkeypatch.setattr(reader_module, "topic_facts", lambda *_: topic.facts)

    def make_reader(
        share: Share = reader_module.WHOLE, chain_of=lambda _: Chain(), **options: object
    ) -> KafkaReader:
        config = KafkaConfig(**({"topic": "t", "group": "", "linger": 60.0} | options))
        settings = ClientSettings({"bootstrap_servers": ["nowhere:1"]})
        return KafkaReader(
            config,
            chain_of,
            share,
            settings=settings,
            now=clock,
            wall=lambda: 2.0,
            sleep=pytest.fail,
        )

    return make_reader


def drained(reader: KafkaReader) -> list[tuple[int, int, int]]:
    chunks = []
    while (chunk := reader.next_chunk()) is not None:
        reader.take(chunk)
        chunks.append((chunk.partition, chunk.start, chunk.end))
    return chunks


def test_open_chunks_together_are_bounded_and_the_largest_gives_way(make, topic, monkeypatch):
    monkeypatch.setattr(reader_module, "IN_HAND_BYTES", 1000)
    reader = make()
    topic.send(0, size=400)
    topic.send(1, size=600)
    reader.poll(0)
    assert drained(reader) == []
    topic.send(0, size=1)
    reader.poll(0)
    assert drained(reader) == [(1, 0, 1)]


def test_headers_count_in_both_bounds(make, topic, monkeypatch):
    reader = make(max_chunk_bytes=1000)
    topic.send(0, count=2, headers=[("h", b"x" * 600)])
    reader.poll(0)
    assert drained(reader) == [(0, 0, 1)]
    monkeypatch.setattr(reader_module, "IN_HAND_BYTES", 1000)
    topic.send(1, headers=[("", b"")] * 6)
    reader.poll(0)
    assert drained(reader) == [(1, 0, 1)]


def test_a_busy_partition_does_not_keep_the_others_waiting(make, topic):
    reader = make(max_chunk_rows=1)
    topic.send(0, count=3)
    topic.send(1, count=2)
    reader.poll(0)
    assert [partition for partition, _, _ in drained(reader)] == [0, 1, 0, 1, 0]


def test_a_record_alone_is_handed_out_at_once_and_the_next_after_the_linger(make, topic, clock):
    reader = make(linger=0.5)
    topic.send(0)
    reader.poll(0)
    clock.now += 0.05
    reader.poll(0)
    assert drained(reader) == [(0, 0, 1)]
    clock.now += 0.05
    topic.send(0)
    reader.poll(0)
    assert drained(reader) == []
    clock.now += 0.46
    reader.poll(0)
    assert drained(reader) == [(0, 1, 2)]


def test_what_came_while_a_chunk_was_tagged_has_waited_already(make, topic, clock):
    reader = make(linger=0.5)
    topic.send(0)
    reader.poll(0)
    clock.now += 0.05
    reader.poll(0)
    assert drained(reader) == [(0, 0, 1)]
    clock.now += 3.0  # it took so long
    topic.send(0)
    reader.poll(0)
    assert drained(reader) == [(0, 1, 2)]


def test_slow_chunks_become_smaller_and_a_backlog_makes_them_larger(make, topic, clock):
    reader = make(max_chunk_rows=50, linger=0.5)
    for _ in range(20):
        topic.send(0, count=50)
        reader.poll(0)
        while (chunk := reader.next_chunk()) is not None:
            reader.take(chunk)
            clock.now += 0.25 * len(chunk.records)
    topic.send(0, count=20)
    reader.poll(0)
    assert [end - start for _, start, end in drained(reader)] == [2] * 10
    reader.ends[0] += 40
    topic.send(0, count=20)
    reader.poll(0)
    sizes = [end - start for _, start, end in drained(reader)]
    assert max(sizes) > 2


@pytest.mark.parametrize("told", [None, "one"])
def test_a_topic_made_again_while_running_is_refused(make, topic, clock, told):
    reader = make(Share(topic_id=told))
    reader.poll(0)
    topic.facts = TopicFacts("two", (0, 1))
    reader.poll(0)
    clock.now += REFRESH_S
    with pytest.raises(RunError, match="was deleted and recreated"):
        reader.poll(0)


def test_a_topic_made_again_before_the_reader_begins_is_refused(make):
    with pytest.raises(RunError, match="was deleted and recreated"):
        make(Share(topic_id="another")).poll(0)


@pytest.mark.parametrize(("first", "then"), [("", "one"), ("one", ""), ("", "")])
def test_an_unknown_id_is_neither_the_same_nor_another(make, topic, clock, first, then):
    topic.facts = TopicFacts(first, (0, 1))
    reader = make(Share(topic_id=first))
    reader.poll(0)
    topic.facts = TopicFacts(then, (0, 1))
    clock.now += REFRESH_S
    reader.poll(0)
    clock.now += REFRESH_S
    topic.facts = TopicFacts("two", (0, 1))
    if "one" in (first, then):
        with pytest.raises(RunError, match="was deleted and recreated"):
            reader.poll(0)


def test_the_epoch_of_what_was_read_is_kept_and_given_to_the_first_fetch(make, topic, monkeypatch):
    monkeypatch.setattr(Chain, "leader_epoch", 4)
    topic.ends = {0: 9, 1: 9}
    reader = make(max_chunk_rows=1)
    reader.poll(0)
    assert topic.sought == [(p, OffsetAndMetadata(0, "", 4)) for p in (0, 1)]
    topic.epoch = 5
    topic.send(0)
    reader.poll(0)
    assert reader.next_chunk().leader_epoch == 5
    topic.error = OSError("away")
    reader.poll(0)  # a new client begins behind what was read
    topic.error = None
    reader._retries._at = 0.0
    reader._sleep = lambda _: None
    reader.poll(0)
    assert topic.sought[2:] == [(0, OffsetAndMetadata(1, "", 5)), (1, OffsetAndMetadata(0, "", 4))]


def test_a_chunk_is_closed_in_time_while_kafka_is_away(make, topic, clock):
    reader = make(linger=1.0)
    reader._sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    topic.send(0)
    reader.poll(0)  # its chunk is due when its batch is complete
    topic.error = OSError("away")
    reader.poll(0)
    reader._retries._at = clock.now + 10  # when the next attempt is made
    reader.poll(5.0)
    assert drained(reader) == [(0, 0, 1)]
    assert clock.now == pytest.approx(100.0 + GATHER_S)


def test_without_an_epoch_nothing_is_asked(make, topic):
    """Old brokers and old files state none."""
    reader = make(max_chunk_rows=1)
    topic.send(0)
    reader.poll(0)
    assert topic.sought == [(0, 0), (1, 0)]
    assert reader.next_chunk().leader_epoch is None


def test_an_unclean_election_is_told(make, topic):
    reader = make()
    topic.error = kafka_errors.LogTruncationError({TopicPartition("t", 0): OffsetAndMetadata(3, "", 4)})
    with pytest.raises(RunError, match="has lost records that were read already: .*unclean"):
        reader.poll(0)


def test_an_epoch_that_the_broker_does_not_know_is_told(make, topic):
    reader = make()
    topic.error = kafka_errors.OffsetOutOfRangeError()
    for _ in range(reader_module.OUT_OF_RANGE_ATTEMPTS - 1):
        reader.poll(0)
    with pytest.raises(RunError, match="has lost records that were read already"):
        reader.poll(0)


def test_nothing_grows_with_the_number_of_chunks(make, topic, clock):
    reader = make(max_chunk_rows=1)
    reader.poll(0)
    sizes = []
    for turn in range(100_000):
        topic.send(turn % 2)
        reader.poll(0)
        assert len(drained(reader)) == 1
        clock.now += 0.01
        if turn in (10, 99_999):
            sizes.append(
                {name: len(value) for name, value in vars(reader).items() if hasattr(value, "__len__")}
            )
    assert sizes[0] == sizes[1]
    assert [len(buffer.closed) + buffer.bytes for buffer in reader._buffers.values()] == [0, 0]


class Registry:
    """In place of the decoder: away for values that say so, until it is `there`."""

    there = False
    asked = 0

    def __call__(self, record: Record) -> Record:
        if record.payload.startswith(b"yy"):
            self.asked += 1
            if not self.there:
                raise RegistryAwayError("schema registry http://r is away: HTTP 503")
        return record


def test_a_registry_that_is_away_is_waited_for_and_nothing_is_lost_or_doubled(make, topic, clock, caplog):
    waits: list[float] = []
    reader = make(max_chunk_rows=1)
    reader._sleep = waits.append
    registry = reader._decode = Registry()
    topic.send(0, count=2)
    topic.send(0, letter=b"y")
    topic.send(0)
    topic.send(1)
    reader.poll(0)
    assert reader.problem == "schema registry http://r is away: HTTP 503"
    assert drained(reader) == []  # the first two of partition 0 are not handed out in a half batch
    reader.poll(0.5)
    assert (registry.asked, len(waits)) == (1, 1)  # it waits, and asks nobody meanwhile
    for turn in range(50):
        clock.now += 10
        topic.send(1, count=1)  # the other partition's records come all the time
        reader.poll(0)
        assert reader.problem is not None, turn
    assert registry.asked == 51
    assert len([line for line in caplog.messages if "is away" in line]) == 1
    before = drained(reader)
    registry.there = True
    clock.now += 10
    reader.poll(0)
    assert reader.problem is None
    found = before + drained(reader)
    for partition, end in ((0, 4), (1, 51)):
        spans = [(start, stop) for number, start, stop in found if number == partition]
        assert spans == [(offset, offset + 1) for offset in range(end)]


def test_what_values_unpack_to_is_bounded_at_once(make, topic, monkeypatch):
    monkeypatch.setattr(reader_module, "IN_HAND_BYTES", 1000)
    reader = make(max_chunk_rows=100)
    decoded: list[int] = []

    def unpack(record: Record) -> Record:
        decoded.append(record.offset)
        return msgspec.structs.replace(record, value=b"x" * 600)

    reader._decode = unpack
    topic.send(0, count=5)
    reader.poll(0)
    assert decoded == [0, 1]
    reader.poll(0)
    reader.poll(0)
    reader.flush()
    assert decoded == [0, 1, 2, 3, 4]
    assert drained(reader) == [(0, 0, 2), (0, 2, 4), (0, 4, 5)]


def test_the_backlog_is_the_lag_by_the_size_of_what_was_read(make, topic):
    reader = make(max_chunk_rows=10)
    assert reader.backlog_bytes is None  # nothing is known, which is not nothing
    reader.poll(0)
    assert reader.backlog_bytes == 0
    reader.ends = {0: 5, 1: 0}
    assert reader.backlog_bytes == 5 * ASSUMED
    topic.send(0, count=10, size=300)
    topic.send(1, count=10, size=100)
    reader.poll(0)
    assert reader.backlog_bytes == 20 * 200  # in hand, but not handed out
    drained(reader)
    assert reader.backlog_bytes == 0
    reader.ends[1] += 7
    assert reader.backlog_bytes == 7 * 200


def test_the_backlog_of_a_back_fill_ends_where_it_does(make, topic):
    reader = make(Share(stop_at={0: 3}))
    reader.poll(0)
    reader.ends[0] = 1_000_000
    assert reader.backlog_bytes == 3 * ASSUMED


def test_a_backlog_outlives_its_connection(make, topic):
    reader = make()
    reader.poll(0)
    reader.ends[0] = 5
    topic.error = OSError("away")
    reader.poll(0)
    assert reader.backlog_bytes == 5 * ASSUMED


def test_a_reader_without_partitions_has_no_backlog(make):
    reader = make(Share(number=5, readers=6))
    reader.poll(0)
    assert reader.backlog_bytes == 0


def test_the_size_of_records_follows_what_comes():
    sizes = RecordBytes()
    assert sizes.mean == ASSUMED
    sizes.saw(10, 1_000)
    assert sizes.mean == 100
    for _ in range(100):
        sizes.saw(100, 900_000)
    assert 8_900 < sizes.mean <= 9_000
    sizes.saw(1_000_000, 0)  # a compacted log
    assert 1 <= sizes.mean < 10


@pytest.mark.parametrize("sent", [3, 5])
def test_a_back_fill_ends_at_its_end_and_waits_for_nothing_more(make, topic, sent):
    reader = make(Share(stop_at={0: 3, 1: 0}))
    topic.send(0, count=sent)
    reader.poll(0)
    chunk = reader.next_chunk()  # without lingering
    assert [record.offset for record in chunk.records] == [0, 1, 2]
    assert not reader.finished
    assert drained(reader) == [(0, 0, 3)]
    assert reader.finished
    topic.send(0)
    reader.poll(0)
    reader.flush()
    assert drained(reader) == []


def test_each_partition_goes_on_where_its_chain_ends_or_is_rooted_where_the_topic_begins(make, topic):
    topic.firsts, topic.ends = {0: 4, 1: 4}, {0: 20, 1: 20}
    chains = {0: Chain(head=7), 1: Chain(head=None)}
    reader = make(chain_of=chains.__getitem__)
    reader.poll(0)
    assert topic.sought == [(0, 7), (1, 4)]
    assert [chains[p].at for p in (0, 1)] == [7, 4]
    assert reader.lag == {0: 13, 1: 16}
    topic.send(1)
    reader.poll(0)
    reader.flush()
    chunk = reader.next_chunk()
    assert (chunk.source, chunk.partition, chunk.start, chunk.end) == ("t", 1, 4, 5)


def test_a_gap_ends_the_stream_unless_it_is_to_be_skipped(make, topic):
    topic.firsts, topic.ends = {0: 10, 1: 0}, {0: 20, 1: 0}
    chains = {0: Chain(head=5), 1: Chain()}
    said = "topic 't' partition 0: offsets 5 to 10 were lost to retention .*; --on-gap skip goes on behind"
    with pytest.raises(RunError, match=said):
        make(chain_of=chains.__getitem__).poll(0)


def test_a_skipped_gap_is_a_chunk_without_records(make, topic, caplog):
    topic.firsts, topic.ends = {0: 10, 1: 0}, {0: 20, 1: 0}
    chains = {0: Chain(head=5), 1: Chain()}
    chains[0].leader_epoch = 3  # of records that are gone: asking for it would be in vain
    reader = make(chain_of=chains.__getitem__, on_gap="skip")
    reader.poll(0)
    assert drained(reader) == [(0, 5, 10)]
    assert topic.sought == [(0, 10), (1, 0)]
    [line] = caplog.messages
    assert line.startswith("topic 't' partition 0: offsets 5 to 10 were lost")
    assert line.endswith(": skipped")


def test_a_topic_that_ends_before_the_output_is_asked_again(make, topic):
    """A broker that has just started may not know all it has: told at once, fatal only if it stays so."""
    topic.ends = {0: 9, 1: 0}
    reader = make(chain_of=lambda partition: Chain(head=50 if partition == 0 else 0))
    reader.poll(0)
    assert "ends at 9, but the output already reaches 50" in reader.problem
    topic.ends = {0: 60, 1: 0}
    reader._sleep = lambda _: None
    reader._retries._at = 0.0
    reader.poll(0)
    assert reader.problem is None
    assert reader.positions == {0: 50, 1: 0}


def test_an_error_throws_both_clients_away_even_if_they_cannot_be_closed(make, topic):
    reader = make()
    reader.poll(0)
    topic.error = OSError("away")

    def close() -> None:
        topic.closed += 1
        raise OSError("stuck")

    topic.close = close
    reader.poll(0)
    assert topic.closed == 2
    assert reader.problem.endswith("away")
    reader.close()  # nothing is left to close


def test_closing_closes_both_clients(make, topic):
    reader = make()
    reader.poll(0)
    reader.close()
    assert topic.closed == 2


def test_a_poll_waits_for_nothing_while_a_chunk_is_ready(make, topic):
    reader = make(max_chunk_rows=1)
    topic.send(0)
    reader.poll(0.5)
    reader.poll(0.5)
    assert topic.waits_ms == [500, 0]


def test_a_busy_reader_asks_for_ends_once_a_second_and_an_idle_one_every_five(make, topic, clock):
    reader = make(max_chunk_rows=1)
    reader.poll(0)
    for _ in range(20):
        topic.send(0)
        reader.poll(0)
        drained(reader)
        clock.now += 0.2
    assert topic.asked_for_ends == 4
    reader.poll(0)
    before = topic.asked_for_ends
    for _ in range(10):
        clock.now += 1
        reader.poll(0)
    assert topic.asked_for_ends - before == 2


def test_offsets_are_committed_for_the_group(make, topic, clock):
    reader = make(group="g", max_chunk_rows=1)
    topic.send(0, count=2)
    reader.poll(0)
    drained(reader)
    reader.commit()
    assert topic.committed[-1] == {"group": "g", 0: 2}
    reader.close()
    reader.commit()  # without a connection there is nobody to tell
    assert topic.committed[-1] == {"group": "g", 0: 2}


def test_the_first_epoch_of_all_is_one(make, topic):
    reader = make(max_chunk_rows=1)
    topic.epoch = 0
    topic.send(0)
    reader.poll(0)
    assert reader.next_chunk().leader_epoch == 0


def test_the_watermark_is_never_in_the_future(make, topic):
    reader = make(Share(number=0, readers=2), max_chunk_rows=1)
    reader._wall = lambda: 0.5  # half a second before the records' time
    topic.send(0, count=2)
    reader.poll(0)
    reader.take(reader.next_chunk())
    assert reader.watermark() == 500


def test_what_does_not_fit_is_read_again_from_behind_what_did(make, topic, monkeypatch):
    monkeypatch.setattr(reader_module, "IN_HAND_BYTES", 1000)
    reader = make(max_chunk_rows=100)
    topic.send(0, count=4, size=600)
    reader.poll(0)
    assert topic.sought[-1] == (0, 2)
    assert reader.backlog_bytes == 2 * 600
    reader.poll(0)
    reader.flush()
    assert drained(reader) == [(0, 0, 2), (0, 2, 4)]
    assert topic.sought[-1] == (0, 2)  # the last ones just fit
