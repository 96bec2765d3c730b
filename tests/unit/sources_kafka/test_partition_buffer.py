"""Chunks of a partition: contiguous, within the limits, nothing lost, whatever comes in however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.chunks import Chunk, Record
from skillstream.sources.kafka.partition_buffer import GATHER_S, ChunkLimits, PartitionBuffer

LIMITS = ChunkLimits(rows=3, bytes=10, linger_s=2.0)


def record(offset: int, payload: bytes | None = b"x") -> Record:
    return Record(offset, payload)


def closed(buffer: PartitionBuffer) -> list[Chunk]:
    chunks = list(buffer.closed)
    buffer.closed.clear()
    return chunks


def test_rows_close_a_chunk():
    buffer = PartitionBuffer("t", 0, 5, LIMITS)
    buffer.extend([record(5), record(6), record(7), record(8)], 9, now=0.0)
    assert closed(buffer) == [Chunk("t", 0, 5, 8, [record(5), record(6), record(7)])]
    buffer.flush()
    assert closed(buffer) == [Chunk("t", 0, 8, 9, [record(8)])]


def test_bytes_close_a_chunk_and_a_larger_record_is_one_by_itself():
    buffer = PartitionBuffer("t", 0, 0, LIMITS)
    buffer.extend([record(0, b"123456"), record(1, b"123456"), record(2, b"x" * 50)], 3, now=0.0)
    assert [(c.start, c.end) for c in closed(buffer)] == [(0, 1), (1, 2), (2, 3)]


def test_a_record_after_a_quiet_while_waits_only_for_its_batch():
    buffer = PartitionBuffer("t", 0, 0, LIMITS)
    assert buffer.due_in(0.0) is None
    buffer.extend([record(0)], 1, now=10.0)
    assert buffer.due_in(10.0) == pytest.approx(GATHER_S)
    buffer.extend([record(1)], 2, now=10.0 + GATHER_S / 2)
    buffer.close_if_due(10.0 + GATHER_S / 2)
    assert closed(buffer) == []
    buffer.close_if_due(10.0 + GATHER_S)
    assert [(c.start, c.end) for c in closed(buffer)] == [(0, 2)]
    assert buffer.due_in(11.0) is None


def test_between_two_chunks_that_are_not_full_lies_the_linger():
    buffer = PartitionBuffer("t", 0, 0, LIMITS)
    buffer.extend([record(0)], 1, now=10.0)
    buffer.close_if_due(11.0)
    buffer.extend([record(1)], 2, now=11.5)
    assert buffer.due_in(11.5) == 1.5
    buffer.close_if_due(12.9)
    assert [c.end for c in closed(buffer)] == [1]
    buffer.close_if_due(13.0)
    assert [c.end for c in closed(buffer)] == [2]


def test_no_record_waits_longer_than_the_linger():
    buffer = PartitionBuffer("t", 0, 0, ChunkLimits(rows=3, bytes=10, linger_s=0.01))
    buffer.extend([record(0)], 1, now=10.0)
    assert buffer.due_in(10.0) == pytest.approx(0.01)


def test_fewer_rows_close_a_chunk_when_told():
    buffer = PartitionBuffer("t", 0, 0, LIMITS)
    buffer.rows = 2
    buffer.extend([record(0), record(1), record(2)], 3, now=0.0)
    assert [(c.start, c.end) for c in closed(buffer)] == [(0, 2)]


def test_offsets_without_records_become_a_chunk_of_their_own_or_the_end_of_one():
    buffer = PartitionBuffer("t", 0, 0, LIMITS)
    buffer.extend([record(2)], 7, now=0.0)
    buffer.close_if_due(2.0)
    buffer.extend([], 9, now=3.0)
    buffer.close_if_due(5.0)
    assert closed(buffer) == [Chunk("t", 0, 0, 7, [record(2)]), Chunk("t", 0, 7, 9, [])]


def test_flushing_nothing_makes_nothing():
    buffer = PartitionBuffer("t", 0, 4, LIMITS)
    buffer.flush()
    buffer.extend([], 4, now=0.0)
    buffer.flush()
    assert closed(buffer) == []
    assert (buffer.position, buffer.handed_out) == (4, 4)


@given(
    start=st.integers(0, 100),
    batches=st.lists(
        st.tuples(
            st.lists(st.tuples(st.integers(1, 4), st.integers(0, 12)), max_size=8),  # (step, size)
            st.integers(0, 3),  # hole behind the batch
            st.floats(0, 3),  # seconds until the next
            st.booleans(),  # flush behind it
        ),
        max_size=12,
    ),
)
def test_chunks_are_contiguous_and_hold_every_record_once(start, batches):
    buffer = PartitionBuffer("t", 3, start, LIMITS)
    sent, position, now = [], start, 0.0
    chunks: list[Chunk] = []
    for steps, hole, seconds, flush in batches:
        records = []
        for step, size in steps:
            position += step
            records.append(record(position - 1, b"x" * size))
        position += hole
        sent += records
        buffer.extend(records, position, now)
        now += seconds
        buffer.close_if_due(now)
        if flush:
            buffer.flush()
        chunks += closed(buffer)
    buffer.flush()
    chunks += closed(buffer)
    assert [r for chunk in chunks for r in chunk.records] == sent
    ends = [start, *(chunk.end for chunk in chunks)]
    assert [chunk.start for chunk in chunks] == ends[:-1]
    assert ends[-1] == position
    for chunk in chunks:
        assert chunk.start < chunk.end
        assert len(chunk.records) <= LIMITS.rows
        assert sum(len(r.payload) for r in chunk.records) <= LIMITS.bytes or len(chunk.records) == 1
