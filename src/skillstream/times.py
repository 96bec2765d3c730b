"""The one rule for times, wherever they come from: what no reader could show is no time."""

from __future__ import annotations

__all__ = ["FIRST_TIME", "LAST_TIME", "readable_time"]

FIRST_TIME = -62_135_596_800_000  # 0001-01-01T00:00:00Z
LAST_TIME = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def readable_time(milliseconds: float | None) -> int | None:
    """The time, milliseconds since the epoch, if it lies in the years 1 to 9999 (UTC); else `None`.

    Python, Polars and pandas can show no others, and Beam's timestamps overflow at 9.2e15 ms. Microseconds
    given for milliseconds are such times.
    """
    if milliseconds is None or not FIRST_TIME <= milliseconds <= LAST_TIME:
        return None
    return int(milliseconds)
