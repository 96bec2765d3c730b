"""A poll ends by bytes too, and otherwise gives what kafka-python's own gives: compared with it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import pytest
from kafka import TopicPartition
from kafka.consumer.fetcher import Fetcher
from kafka.consumer.subscription_state import SubscriptionState
from kafka.errors import CorruptRecordError
from kafka.record import MemoryRecords

from skillstream.sources.kafka import poll_bytes
from skillstream.sources.kafka.poll_bytes import bound_polls
from tests.kafka_batches import packed

PARTS = [TopicPartition("t", partition) for partition in range(2)]

Batches = list[list[bytes]]
Found = dict[int, list[int]]


@dataclass
class Response:
    """What the fetcher keeps of a response until its records are asked for."""

    topic_partition: TopicPartition
    data: bytes
    fetched_offset: int = 0


class Consumer:
    """A fetcher whose responses are there already: record batches as bytes, by partition."""

    def __init__(self, *responses: bytes, bounded: bool = True) -> None:
        self.state = SubscriptionState(offset_reset_strategy="none")
        self.state.assign_from_user(PARTS)
        fetcher = self._fetcher = Fetcher.__new__(Fetcher)
        fetcher.config = {"max_poll_records": 500}
        fetcher._subscriptions, fetcher._sensors = self.state, None
        fetcher._next_in_line_exception_metadata = fetcher._next_partition_records = None
        fetcher._paused_completed_fetches, fetcher._paused_partition_records = {}, {}
        fetcher._completed_fetches = deque(map(Response, PARTS, responses))
        fetcher._parse_fetched_data = lambda response: Fetcher.PartitionRecords(
            0, response.topic_partition, MemoryRecords(response.data), check_crcs=False
        )
        for part in PARTS:
            self.state.seek(part, 0)
        if bounded:
            bound_polls(self)

    def poll(self, most: int) -> tuple[Found, list[int]]:
        """Offsets of the records of one poll by partition, and where the partitions are then."""
        drained, _ = self._fetcher.fetched_records(most)
        found = {part.partition: [record.offset for record in records] for part, records in drained.items()}
        return found, [self.state.assignment[part].position.offset for part in PARTS]

    def polls(self, most: int) -> list[object]:
        """All of them, up to the first one that finds nothing or fails: then its error is the last."""
        done: list[object] = []
        while not done or done[-1][0]:
            try:
                done.append(self.poll(most))
            except CorruptRecordError as error:
                return [*done, str(error)]
        return done


BATCHES: list[Batches] = [
    [[b"a"], [b"b", b"c", b"d"], [b"e"] * 5],
    [[b"f"] * 4, [b"g"]],
]


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
def test_small_records_come_as_without_the_bound(most):
    data = [
        b"".join(packed(4, values, first=10 * n) for n, values in enumerate(batches)) for batches in BATCHES
    ]
    assert Consumer(*data).polls(most) == Consumer(*data, bounded=False).polls(most)


@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
@pytest.mark.parametrize("at", range(5))
def test_a_damaged_record_is_told_when_it_would_be_without_the_bound(most, at):
    data = bytearray(packed(0, [b"value-%d" % n for n in range(5)]))
    data[data.index(b"value-%d" % at) + 7] ^= 4  # the number of its headers
    ours = Consumer(bytes(data)).polls(most)
    assert ours == Consumer(bytes(data), bounded=False).polls(most)
    assert isinstance(ours[-1], str)


def test_a_poll_ends_behind_the_record_that_reaches_the_bound(monkeypatch):
    monkeypatch.setattr(poll_bytes, "POLL_BYTES", 100)
    data = [packed(4, [b"x" * 48, b"x" * 50, b"x" * 200, b"x"]), packed(4, [b"x" * 98, b"x"])]
    assert [found for found, _ in Consumer(*data).polls(100)] == [
        {0: [0, 1]},
        {0: [2]},
        {0: [3], 1: [0]},
        {1: [1]},
        {},
    ]


def test_headers_count(monkeypatch):
    monkeypatch.setattr(poll_bytes, "POLL_BYTES", 100)
    data = packed(0, [b""] * 2, [("name", b"x" * 96)])
    assert [found for found, _ in Consumer(data).polls(100)] == [{0: [0]}, {0: [1]}, {}]
