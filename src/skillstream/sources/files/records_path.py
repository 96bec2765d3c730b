"""Where in a .json file the postings are: in the objects that it holds, or in a list within each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from skillstream.errors import SourceError
from skillstream.postings import find_postings, is_job_posting, listed
from skillstream.sources.files.json_lists import lists_of, path_names
from skillstream.sources.files.json_values import ValueSplitter

__all__ = ["records_path"]

# Of a file: enough for the first object or, if that is larger, for the first elements of its lists.
_LOOKED_AT_BYTES = 4 << 20
_ELEMENTS = 20


def records_path(path: str, blocks: Iterator[bytes], wanted: str | None) -> str | None:
    """The path of the lists whose elements are the file's records; `None` if its values are.

    Args:
        path: the file, for messages.
        blocks: its content from the beginning.
        wanted: the path that the user gave.

    Raises:
        SourceError: the file's first object has nothing at `wanted`.
    """
    data = b""
    for block in blocks:
        data += block
        if not data.lstrip().startswith(b"{"):
            if data.strip():
                return None
        elif len(data) >= _LOOKED_AT_BYTES:
            break
    data = data.lstrip()
    first = _first_value(data)
    if wanted is not None:
        return _wanted(path, data, first, wanted)
    if first is None:
        first = _beginning(data)
    graph = first.get("@graph")
    if isinstance(graph, list):
        is_sure = len(graph) > 1 and all(isinstance(item, Mapping) and is_job_posting(item) for item in graph)
        return "@graph" if is_sure else None
    found = find_postings(first)
    return None if found is None or not found.can_be_said else found.path


def _wanted(path: str, data: bytes, first: Mapping[str, object] | None, wanted: str) -> str | None:
    names = path_names(wanted)
    if any(found.names and found.names == names[: len(found.names)] for found in lists_of(data)):
        return wanted
    value: object = first
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    if first is not None and value is None and names[-1] not in first:
        have = listed([str(name)[:40] for name in first])
        raise SourceError(f"{path}: nothing is at {wanted!r} (--records-path); the first object has {have}")
    return wanted if first is None else None  # too large to tell, or each object holds one posting there


def _first_value(data: bytes) -> Mapping[str, object] | None:
    """The first object of the data, if it is whole and can be read."""
    splitter = ValueSplitter(once=True)
    value = next(iter(splitter.feed(data)), None)
    try:
        decoded = msgspec.json.decode(value.data) if value is not None else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _beginning(data: bytes) -> dict[str, object]:
    """The first list of objects in an object that is cut off, with the list's first elements."""
    for found in lists_of(data):
        elements: list[object] = []
        for piece, _ in zip(ValueSplitter(once=True).feed(data[found.at :]), range(_ELEMENTS), strict=False):
            try:
                elements.append(msgspec.json.decode(piece.data))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
        nested: object = elements
        for name in reversed(found.names):
            nested = {name: nested}
        if found.names and isinstance(nested, dict) and find_postings(nested) is not None:
            return nested
    return {}
