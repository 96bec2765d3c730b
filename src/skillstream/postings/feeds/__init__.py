"""Well-known feeds: how the records of each look, as one small table a feed."""

from __future__ import annotations

from skillstream.postings.feeds.feed import Feed, Part, part
from skillstream.postings.feeds.recognise import FEED_NAMES, feed_named, found_at, recognise
from skillstream.postings.feeds.systems import SYSTEMS
from skillstream.postings.feeds.tables import TABLES

__all__ = ["FEED_NAMES", "SYSTEMS", "TABLES", "Feed", "Part", "feed_named", "found_at", "part", "recognise"]
