"""When a posting was posted, in the forms in which feeds write it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from skillstream.times import readable_time

__all__ = ["posting_time"]

_MAX_LENGTH = 64  # characters: no form of a date is longer, and no parser gets to see more
_NUMBER = re.compile(r"[+-]?\d{9,19}(?:\.\d{1,9})?")  # fewer digits may be a year or a day
_DAY_NUMBER = re.compile(r"(?:19|20)\d{6}")
_MICROSOFT = re.compile(r"/?Date\((-?\d{1,18})(?:[+-]\d{4})?\)/?")
_ZONE_NAME = re.compile(r"\s*(?:UTC|GMT|\[[A-Za-z/_]+\]|Z\[UTC\])$")
_CLOCK = r"(?:,?\s+(?:at\s+)?(\d{1,2}:\d{2}(?::\d{2})?)\s*([AaPp][Mm])?)?"
_SLASHED = re.compile(r"(\d{1,2})([/.])(\d{1,2})\2(\d{4})" + _CLOCK)
_MONTH_FIRST = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})" + _CLOCK
)
_DAY_FIRST = re.compile(
    r"(?:[A-Za-z]{3,9},?\s+)?(\d{1,2})(?:st|nd|rd|th)?[\s.-]+([A-Za-z]{3,9})\.?,?[\s-]+(\d{4})" + _CLOCK
)
# Java's and Unix's `Sat Jan 31 10:00:00 UTC 2026`; JavaScript's `Sat Jan 31 2026 10:00:00 GMT+0100 (...)`.
_UNIX = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (?:(?:UTC|GMT|Z) )?(\d{4})")
_SCRIPT = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d\d:\d\d:\d\d) (?:GMT|UTC)([+-]\d{4})(?: \([^()]*\))?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def posting_time(value: object) -> int | None:
    """Milliseconds since the epoch, UTC; `None` if it cannot be read for sure. Never raises.

    Read are seconds and milliseconds since the epoch (numbers or digits), ISO 8601 with and without a zone,
    RFC 2822, dates of Java and JavaScript, months by their English names, `31.01.2026`, and `01/31/2026`
    where only one order of day and month is possible. Without a zone it is UTC. `01/02/2026` and
    "3 days ago" are not read.
    """
    if isinstance(value, Mapping):  # MongoDB's extended JSON, XML with attributes
        value = next(
            (value[name] for name in ("$date", "$numberLong", "#text", "value") if name in value), None
        )
        if isinstance(value, Mapping):
            value = value.get("$numberLong")
    if isinstance(value, list) and 3 <= len(value) <= 7 and all(type(one) is int for one in value):
        value = _of_numbers(value)  # as Java's Jackson writes LocalDate and LocalDateTime
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _of_number(value)
    if not isinstance(value, str) or len(value) > _MAX_LENGTH:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _of_number(float(text) if "." in text else int(text))
    if found := _MICROSOFT.fullmatch(text):
        return readable_time(int(found[1]))
    try:
        time = _of_text(text)
        if time is None:
            return None
        return readable_time((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _of_number(value: float) -> int | None:
    if isinstance(value, int) and _DAY_NUMBER.fullmatch(str(value) if 0 < value < 10**8 else ""):
        try:  # 20260131: as seconds it would be a day in 1970
            return posting_time(datetime.strptime(str(value), "%Y%m%d").replace(tzinfo=UTC).isoformat())
        except ValueError:
            return None
    # 1e11 s is the year 5138. Micro- and nanoseconds are beyond all years, as in Kafka's record times.
    return readable_time(value if abs(value) >= 1e11 else value * 1000)


def _of_numbers(parts: list[int]) -> str:
    year, month, day, hour, minute, second = (*parts[:6], 0, 0, 0)[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def _of_text(text: str) -> datetime | None:
    if found := _SCRIPT.fullmatch(text):
        month, day, year, clock, zone = found.groups()
        text = f"{day} {month} {year} {clock} {zone}"
    elif found := _UNIX.fullmatch(text):
        month, day, clock, year = found.groups()
        text = f"{month} {day}, {year} {clock}"
    bare = _ZONE_NAME.sub("", text)
    try:
        return datetime.fromisoformat(bare)
    except ValueError:
        pass
    if found := _SLASHED.fullmatch(bare):
        return _of_slashed(found)
    if "," in text[:5] or re.search(r"[+-]\d{4}$", text):  # Sat, 31 Jan 2026 10:00:00 +0100
        try:
            return parsedate_to_datetime(text)
        except ValueError:
            pass
    if found := _MONTH_FIRST.fullmatch(bare):
        month, day, year, clock, half = found.groups()
    elif found := _DAY_FIRST.fullmatch(bare):
        day, month, year, clock, half = found.groups()
    else:
        return _of_odd_iso(bare)
    if (name := month[:3].lower()) not in _MONTHS:
        return None
    return _day(year, str(_MONTHS.index(name) + 1), day, clock, half)


def _day(year: str, month: str, day: str, clock: str | None, half: str | None) -> datetime:
    """Raises ValueError if there is no such day or hour."""
    time = datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T00:00")
    if clock is None:
        return time
    hour, *minutes = map(int, clock.split(":"))
    if half is not None and not 1 <= hour <= 12:
        raise ValueError(clock)
    hour = hour if half is None else hour % 12 + (12 if half.lower() == "pm" else 0)
    return time.replace(hour=hour, minute=minutes[0], second=minutes[1] if len(minutes) > 1 else 0)


def _of_odd_iso(text: str) -> datetime | None:
    """Such as `2026/01/31 10:00`, `2026-1-31`, `2026-01-31 10:00:00 +0100`."""
    found = re.fullmatch(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]+(\S+))?(?:\s+(\S+))?", text)
    if found is None:
        return None
    year, month, day, clock, zone = found.groups()
    if zone is not None and zone.lower() in ("am", "pm"):
        return _day(year, month, day, clock, zone)
    return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{clock or '00:00'}{zone or ''}")


def _of_slashed(found: re.Match[str]) -> datetime | None:
    """Day and month where the dot (day first) or a number beyond 12 says which is which."""
    first, mark, second, year, clock, half = found.groups()
    day, month = (first, second) if mark == "." or int(first) > 12 else (second, first)
    if mark == "/" and int(first) <= 12 and int(second) <= 12 and first != second:
        return None
    return _day(year, month, day, clock, half)
