"""A reader kept between two bundles against the restriction that the next one is given."""

from __future__ import annotations

import pytest

from skillstream.sources.kafka import KafkaConfig, Share
from skillstream.transforms import read_kafka
from skillstream.transforms.kafka_restriction import KafkaRestriction
from skillstream.transforms.read_kafka import ReadKafka


class Reader:
    """Stands in for `KafkaReader`: where it is, and whether it was closed."""

    def __init__(self, *_: object, positions: dict[int, int] | None = None) -> None:
        self.positions = positions or {}
        self.closed = False

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def take(monkeypatch):
    """Takes a reader for the restriction, after one with these positions was kept; gives both."""
    monkeypatch.setattr(read_kafka, "KafkaReader", Reader)
    monkeypatch.setattr(read_kafka, "_readers", read_kafka._ReaderCache())
    share = Share(readers=2)
    do = read_kafka._Read(ReadKafka(KafkaConfig(topic="t"), "out", share))

    def take(kept: dict[int, int], restriction: dict[int, int]) -> tuple[Reader, Reader]:
        before = Reader(positions=kept)
        read_kafka._readers.put(do._key(share), before)
        return before, do._take_reader(share, KafkaRestriction(restriction))

    return take


@pytest.mark.parametrize(
    ("kept", "restriction"), [({0: 5, 2: 7}, {0: 5, 2: 7}), ({0: 5, 2: 7}, {0: 5}), ({0: 5}, {})]
)
def test_a_reader_that_is_where_the_restriction_is_goes_on(take, kept, restriction):
    before, taken = take(kept, restriction)
    assert taken is before
    assert not before.closed


@pytest.mark.parametrize(
    ("kept", "restriction"),
    [({0: 9}, {0: 5}), ({0: 5}, {0: 9}), ({0: 5, 2: 8}, {0: 5, 2: 7}), ({0: 5}, {0: 5, 2: 7}), ({}, {0: 1})],
    ids=["ahead", "behind", "ahead in one", "without a partition", "not begun"],
)
def test_a_reader_that_is_elsewhere_gives_way_to_one_from_the_chains_ends(take, kept, restriction):
    """Ahead it would leave out records, behind it would hand out some that lie outside the restriction."""
    before, taken = take(kept, restriction)
    assert before.closed
    assert taken is not before
    assert taken.positions == {}
