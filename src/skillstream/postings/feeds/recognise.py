"""Which feed a record is of, and what stands at a feed's paths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from skillstream.postings.feeds.feed import Feed
from skillstream.postings.feeds.systems import SYSTEMS
from skillstream.postings.feeds.tables import TABLES
from skillstream.postings.values import bare_name

__all__ = ["FEED_NAMES", "feed_named", "found_at", "recognise"]

_FEEDS = {feed.name: feed for feed in (*SYSTEMS, *TABLES)}

# In the order in which they are tried: a record with the fields of two feeds is of the first.
FEED_NAMES = tuple(_FEEDS)

_BY_FIELD: dict[str, list[tuple[int, frozenset[str], Feed]]] = {}
for _order, _feed in enumerate(_FEEDS.values()):
    for _signature in _feed.signatures:
        # Each signature is looked for by one of its fields alone, the longest name: it is the rarest.
        _BY_FIELD.setdefault(max(_signature, key=len), []).append((_order, _signature, _feed))


def feed_named(name: str) -> Feed:
    """The feed of that name. Raises KeyError."""
    return _FEEDS[name]


def recognise(names: Mapping[str, object]) -> Feed | None:
    """The feed of a record with these fields, keyed by their bare names; `None` if it is of none."""
    found = [
        (order, feed)
        for name in names
        if name in _BY_FIELD
        for order, signature, feed in _BY_FIELD[name]
        if signature <= names.keys() and feed.absent.isdisjoint(names)
    ]
    return min(found, key=lambda pair: pair[0])[1] if found else None


def found_at(item: object, path: str) -> list[tuple[str, object]]:
    """What is at a path of bare names, each with its path as given; several where it goes through lists."""
    return list(_found(item, path.split("."), ""))


def _found(value: object, names: list[str], given: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, list) and names:
        for item in value:
            yield from _found(item, names, given)
    elif not names:
        yield given, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is not None and bare_name(name) == names[0]:
                yield from _found(inner, names[1:], f"{given}.{name}" if given else str(name))
