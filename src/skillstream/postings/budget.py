"""Processor time that reading one record may take: the last line of defence against text nobody thought of.

Reading is linear in the size of a record, which is bounded, so only a bug of ours can spend the budget. It is
looked at between sentences, without signals or threads, and counts processor time of this thread: a busy
machine or a slow disk rejects nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Budget", "TooComplexError"]

# The largest record that is read by default (10 MB) takes a sixth of it on a slow core.
SECONDS = 120.0


class TooComplexError(Exception):
    """Reading a record took more than its budget; the record is rejected as `too_complex`."""


class Budget:
    """What is left of the processor time of one record, in seconds; begins when it is made."""

    def __init__(
        self,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.thread_time,
        passing: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds = seconds
        self._clock, self._passing = clock, passing
        self._end = clock() + seconds
        self._earliest = passing() + seconds

    def check(self) -> None:
        """Raises `TooComplexError` if nothing is left."""
        # No thread has more processor time than time passes, and the clock for that is many times quicker.
        if self._passing() > self._earliest and self._clock() > self._end:
            raise TooComplexError(f"reading took more than {self._seconds:g} seconds of processor time")
