"""A reader as an integer: its share of the topic, and a salt that sends it to a subtask of its own.

A savepoint (or Dataflow's `--update`) keeps the elements of the old job and hands them to the new one, which
may have more or fewer readers. So an element says everything by itself: number, readers. It stays an
integer, since a runner restores elements by the coder that wrote them, and is laid out as

    salt (22 bits) | readers (20 bits) | number (20 bits)

Elements of skillstream before ADR 20 are the bare number: readers is 0 there. A number that is not below
readers has nothing to read.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count

from skillstream.errors import UsageError
from skillstream.flink import subtask_of
from skillstream.sources.kafka import Share

__all__ = ["NOTHING", "reader_elements", "share_of"]

BITS = 20
MASK = (1 << BITS) - 1

# Reader 1 of 1: a companion for a lone reader, which has nothing to read.
NOTHING = 1 << BITS | 1


def reader_elements(
    readers: int, parallelism: int | None = None, max_parallelism: int | None = None
) -> list[int]:
    """The elements of a new job's readers, in the order of their numbers.

    On Flink each subtask gets one of the first `parallelism` readers, one of the next, and so on. Elsewhere
    it does not matter. The same arguments always give the same elements.

    Args:
        readers: how many.
        parallelism: subtasks that read; by default as many as readers.
        max_parallelism: Flink's number of key groups, if the job sets it.

    Raises:
        UsageError: more readers than an element can name.
    """
    if readers > MASK:
        raise UsageError(f"at most {MASK:,} readers, got {readers:,}")
    subtasks = parallelism or readers
    free: set[int] = set()
    elements = []
    for number in range(readers):
        if not free:
            # More subtasks than key groups: Flink refuses such a job, in its own words.
            free = set(range(subtasks)) if subtasks <= (max_parallelism or subtasks) else {0}
        for salt in count():
            element = (salt << BITS | readers) << BITS | number
            subtask = subtask_of(element, subtasks, max_parallelism)
            if subtask in free:
                break
        free.remove(subtask)
        elements.append(element)
    return elements


def share_of(element: int, job: Share) -> Share | None:
    """What of the topic the reader of this element reads, if anything; the rest of the share is the `job`'s.

    A bare number does not tell how many readers there were, and taking the new job's number for it would
    leave partitions unread after a change. What is safe whatever there was: number 0, which every job had,
    reads all partitions, and the others none (`None`).
    """
    number, readers = element & MASK, element >> BITS & MASK
    if readers:
        return replace(job, number=number, readers=readers) if number < readers else None
    return replace(job, number=0, readers=1) if number == 0 else None
