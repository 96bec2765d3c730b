"""How many records a chunk should have now: few while there is little to do, many under a backlog.

What waits behind a chunk waits for all of it, so a chunk is cut to a time of work, not to a number of
records. A backlog is late already, and is worked off in larger chunks, of which each makes one file.
"""

from __future__ import annotations

__all__ = ["ChunkSize"]

# Work in one chunk: while the reader keeps up, and with a backlog. The second bounds how long a drain takes,
# and how old the figures of a reader can be.
SHORT_S = 0.5
LONG_S = 5.0

# A chunk is at most this part of what waits in its partition.
BACKLOG_SHARE = 0.25

# Until one chunk has been timed: records a second.
FIRST_GUESS = 20.0

# How much the newest chunk counts.
WEIGHT = 0.2


class ChunkSize:
    """Learns how long a record takes, from chunk to chunk.

    Args:
        most: maximum number of records, as the user says.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._record_s = 1 / FIRST_GUESS
        self._taken: tuple[int, float] | None = None

    def taken(self, records: int, now: float) -> None:
        """A chunk of `records` records is handed out."""
        self._taken = (records, now)

    def done(self, now: float) -> None:
        """Whatever was handed out has been tagged and published."""
        if self._taken is None:
            return
        records, since = self._taken
        self._taken = None
        if records > 0:
            self._record_s += WEIGHT * (max(now - since, 1e-6) / records - self._record_s)

    def records(self, lag: int) -> int:
        """The most records that the next chunk of a partition should have, if `lag` of them wait there."""
        short, long = SHORT_S / self._record_s, LONG_S / self._record_s
        return max(1, min(self._most, int(max(short, min(BACKLOG_SHARE * lag, long)))))
