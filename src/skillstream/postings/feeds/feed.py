"""What is said of a feed."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

__all__ = ["Feed", "Part", "part"]


class Part(NamedTuple):
    """One part of a posting's text: the first of `paths` that holds something, under a heading, if any."""

    paths: tuple[str, ...]
    heading: str


def part(*paths: str, heading: str = "") -> Part:
    """A part; `paths` as in `Feed`, best first."""
    return Part(paths, heading)


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """How the records of one feed look.

    Names are compared without case, `_`, `-` and blanks; a path is names with dots between, and goes through
    lists: `jobs.title` are the titles of all of `jobs`. The paths begin at the posting itself: what is
    around it (`{"job": {...}}`, Elasticsearch's `_source`, JSON:API's `attributes`) is taken off before.

    Attributes:
        name: what `--feed` takes.
        title_of_feed: whose feed it is, for the documentation.
        signatures: a record is of this feed if it has all fields of one of them.
        absent: and none of these.
        titles, ids, times, languages: paths, best first; where they hold nothing, the well-known names count.
        texts: the parts of the description in their order; together they are the posting's text.
    """

    name: str
    title_of_feed: str
    signatures: tuple[frozenset[str], ...] = ()
    absent: frozenset[str] = frozenset()
    titles: tuple[str, ...] = ()
    texts: tuple[Part, ...] = ()
    ids: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()


def fields(*alternatives: str) -> tuple[frozenset[str], ...]:
    """Signatures, each as names with blanks between."""
    return tuple(frozenset(names.split()) for names in alternatives)
