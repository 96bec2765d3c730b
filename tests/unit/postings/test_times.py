from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.postings.times import posting_time
from skillstream.times import FIRST_TIME, LAST_TIME, readable_time


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (1769853600, "2026-01-31T10:00"), (1769853600.0, "2026-01-31T10:00"), (1769853600000,
        "2026-01-31T10:00"),
        ("1769853600", "2026-01-31T10:00"), ("1769853600000", "2026-01-31T10:00"),
        ("1769853600.5", "2026-01-31T10:00:00.5"),
        ("2026-01-31", "2026-01-31T00:00"), ("20260131", "2026-01-31T00:00"), (20260131, "2026-01-31T00:00"),
        ("2026-01-31 10:00", "2026-01-31T10:00"), (" 2026-01-31T10:00:00Z ", "2026-01-31T10:00"),
        ("2026-01-31T12:00:00+02:00", "2026-01-31T10:00"), ("2026-01-31T12:00:00.000+0200",
        "2026-01-31T10:00"),
        ("2026-01-31 12:00:00 +0200", "2026-01-31T10:00"), ("2026-01-31 10:00:00 UTC", "2026-01-31T10:00"),
        ("2026-01-31T10:00:00.1234567Z", "2026-01-31T10:00:00.123"), ("2026-1-31", "2026-01-31T00:00"),
        ("2026/01/31 10:00", "2026-01-31T10:00"), ("31.01.2026", "2026-01-31T00:00"),
        ("01.02.2026", "2026-02-01T00:00"), ("01/31/2026", "2026-01-31T00:00"), ("31/01/2026",
        "2026-01-31T00:00"),
        ("1/31/2026 9:05", "2026-01-31T09:05"), ("02/02/2026", "2026-02-02T00:00"),
        ("Jan 31, 2026", "2026-01-31T00:00"), ("January 31, 2026", "2026-01-31T00:00"),
        ("January 31st, 2026 at 10:00 AM", "2026-01-31T10:00"), ("Jan. 31 2026, 12:30 pm",
        "2026-01-31T12:30"),
        ("31 Jan 2026", "2026-01-31T00:00"), ("31-Jan-2026", "2026-01-31T00:00"),
        ("Saturday, January 31, 2026", "2026-01-31T00:00"), ("Sat, 31 Jan 2026 10:00:00 GMT",
        "2026-01-31T10:00"),
        ("Sat, 31 Jan 2026 12:00:00 +0200", "2026-01-31T10:00"), ("31 Jan 2026 12:00:00 +0200",
        "2026-01-31T10:00"),
        ("/Date(1769853600000)/", "2026-01-31T10:00"), ({"$date": "2026-01-31T10:00:00Z"},
        "2026-01-31T10:00"),
        ({"$date": {"$numberLong": "1769853600000"}}, "2026-01-31T10:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59"),
        ("Sat Jan 31 10:00:00 UTC 2026", "2026-01-31T10:00"),
        ("Sat Jan  3 10:00:00 2026", "2026-01-03T10:00"),
        ("Sat Jan 31 2026 12:00:00 GMT+0200 (Central European Summer Time)", "2026-01-31T10:00"),
        ("2026-01-31 10:00 PM", "2026-01-31T22:00"), ([2026, 1, 31], "2026-01-31T00:00"),
        ([2026, 1, 31, 10, 5], "2026-01-31T10:05"),
        ([2026, 1, 31, 10, 5, 7, 123000000], "2026-01-31T10:05:07"),
    ],
)  # fmt: skip
def test_dates_as_feeds_write_them(written: object, expected: str) -> None:
    assert posting_time(written) == int(
        datetime.fromisoformat(expected).replace(tzinfo=UTC).timestamp() * 1000
    )


@pytest.mark.parametrize(
    "written",
    ["", "yesterday", "3 days ago", "01/02/2026", "2026-02-30", "31.13.2026", "Foo 31, 2026", "Jan 32, 2026",
     "Jan 31, 2026 25:00", "Jan 31, 2026 13:00 PM", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-01:00",
     "10000-01-01", "nan", True, None, [], [1769853600],
     [2026, 1], [2026, 13, 1], [1, 2, 3, 4, 5, 6, 7, 8], {},
     "Sat Jan 31 10:00:00 CET 2026", {"$date": None}, float("nan"), float("inf"),
     1e300,
     10**400, 1769853600000000, "1769853600000000", -(10**18), "1" * 100_000, "Jan " * 10_000],
)  # fmt: skip
def test_what_cannot_be_read_for_sure_is_no_time(written: object) -> None:
    assert posting_time(written) is None


def test_one_rule_for_all_times() -> None:
    assert readable_time(FIRST_TIME) == FIRST_TIME
    assert readable_time(LAST_TIME) == LAST_TIME
    for beyond in (FIRST_TIME - 1, LAST_TIME + 1, 9_300_000_000_000_000, 2**63 - 1, float("nan"), None):
        assert readable_time(beyond) is None


@given(st.text(max_size=40) | st.from_regex(r"[A-Za-z]{3,4}[ .,]*\d{1,4}[ ,/.-]+\d{1,4}.{0,12}",
fullmatch=True)
       | st.floats() | st.integers())  # fmt: skip
def test_whatever_is_written_nothing_is_raised_and_nothing_is_out_of_range(written: object) -> None:
    time = posting_time(written)
    assert time is None or FIRST_TIME <= time <= LAST_TIME
