"""Chunks are cut to a time of work: short while the reader keeps up, longer under a backlog, bounded."""

from __future__ import annotations

import pytest

from skillstream.sources.kafka.chunk_size import LONG_S, SHORT_S, ChunkSize


def learned(records_per_second: float, most: int = 1000) -> ChunkSize:
    size = ChunkSize(most)
    for _ in range(100):
        size.taken(5, now=10.0)
        size.done(now=10.0 + 5 / records_per_second)
    return size


@pytest.mark.parametrize("rate", [4, 10, 100])
def test_a_reader_that_keeps_up_makes_short_chunks(rate):
    assert learned(rate).records(lag=0) == pytest.approx(rate * SHORT_S, abs=1)


def test_chunks_grow_with_the_backlog_up_to_a_bound():
    size = learned(20)
    found = [size.records(lag) for lag in (0, 40, 80, 200, 10_000)]
    assert found == [10, 10, 20, 50, pytest.approx(20 * LONG_S, abs=1)]


def test_never_more_than_the_user_says_and_at_least_one():
    assert learned(1000, most=7).records(lag=10**9) == 7
    assert learned(0.001).records(lag=0) == 1


def test_chunks_without_records_teach_nothing():
    size = learned(10)
    before = size.records(1000)
    size.taken(0, now=0.0)
    size.done(now=100.0)
    size.done(now=200.0)
    assert size.records(1000) == before


def test_before_the_first_chunk_it_is_short():
    assert ChunkSize(100).records(lag=0) == 10
