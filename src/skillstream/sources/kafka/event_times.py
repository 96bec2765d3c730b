"""The newest event time of each partition, and the watermark that follows from them."""

from __future__ import annotations

from collections.abc import Mapping

from skillstream.chunks import Chunk

__all__ = ["EventTimes"]


class EventTimes:
    """What was handed out of each partition: milliseconds, UTC."""

    def __init__(self) -> None:
        self._newest: dict[int, int] = {}

    def took(self, chunk: Chunk, now: int) -> None:
        """Takes in the times of a chunk's records; none counts as later than `now`."""
        times = [record.event_time for record in chunk.records if record.event_time is not None]
        if times:
            newest = min(max(times), now)
            self._newest[chunk.partition] = max(newest, self._newest.get(chunk.partition, 0))

    def watermark(self, idle: Mapping[int, bool], latest: int) -> int | None:
        """The least of the newest times; `None` if that of a partition is not known.

        Args:
            idle: every partition, and whether it has nothing left to read: its time is `latest` then.
            latest: of an idle partition.
        """
        marks = [latest if quiet else self._newest.get(partition) for partition, quiet in idle.items()]
        known = [mark for mark in marks if mark is not None]
        return min(known) if known and len(known) == len(marks) else None
