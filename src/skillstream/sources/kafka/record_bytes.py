"""How many bytes a record of a topic has, by those seen lately: it makes bytes of a lag in offsets."""

from __future__ import annotations

__all__ = ["RecordBytes"]

# Before the first record: a posting as JSON.
ASSUMED = 4_000

# Number of offsets that the mean is taken over, so that it follows what comes.
WINDOW = 1_000


class RecordBytes:
    """The mean size of recent records, at least 1 byte: what is left to read is never nothing."""

    def __init__(self) -> None:
        self._offsets = self._bytes = 0.0

    @property
    def mean(self) -> float:
        """Bytes an offset; those without a record (compaction, transaction markers) count as offsets."""
        return max(1.0, self._bytes / self._offsets) if self._offsets else float(ASSUMED)

    def saw(self, offsets: int, size: int) -> None:
        """Takes in that `offsets` offsets held records of `size` bytes together."""
        self._offsets += offsets
        self._bytes += size
        if self._offsets > WINDOW:
            share = WINDOW / self._offsets
            self._offsets *= share
            self._bytes *= share
