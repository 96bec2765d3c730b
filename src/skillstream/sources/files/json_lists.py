"""Lists within JSON objects: where they begin, and their elements one by one, whatever the file's size.

A file of postings may be one object with a list in it (`{"jobs": [...], "total": 9}`), or several of these,
one for each page of results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from skillstream.delimited import MAX_PIECE_BYTES, Piece
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_values import ValueSplitter

__all__ = ["FoundList", "lists_of", "path_names", "split_list_elements"]

# Strings are taken whole; a quote alone begins one that has no end yet. Possessive: linear for any input.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\],]', re.DOTALL)
_BLANK = b" \t\r\n"


class FoundList(NamedTuple):
    """A list that is reached through objects alone: the fields' names, and where its `[` is.

    Without names it is the end of the object, and `at` is behind it.
    """

    names: tuple[str, ...]
    at: int


def path_names(path: str) -> tuple[str, ...]:
    """The names of a path: `hits.hits[]._source` are three."""
    return tuple(path.replace("[]", "").split("."))


def lists_of(data: bytes) -> Iterator[FoundList]:
    """Lists of the object that `data` begins with, in order, and its end. Ends where `data` is cut off."""
    names: list[str] = []  # of the objects that are open below the outermost
    open_brackets: list[bytes] = []
    key: bytes | None = None
    is_key = False
    for match in _TOKEN.finditer(data):
        token = match[0]
        in_objects = len(open_brackets) == len(names) + 1
        if token == b'"':
            return
        if token[:1] == b'"':
            if is_key:
                key, is_key = token, False
        elif token == b",":
            is_key = bool(open_brackets) and open_brackets[-1] == b"{"
        elif token in b"{[":
            if in_objects and key is not None:
                name = _text(key)
                if token == b"[":
                    yield FoundList((*names, name), match.start())
                else:
                    names.append(name)
            open_brackets.append(token)
            key, is_key = None, token == b"{"
        else:
            if in_objects and names:
                names.pop()
            if open_brackets:
                open_brackets.pop()
            if not open_brackets:
                yield FoundList((), match.end())
                return
            key, is_key = None, False


def _text(key: bytes) -> str:
    try:
        return msgspec.json.decode(key, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return key.decode("utf-8", "replace")


def split_list_elements(blocks: Iterator[bytes], path: str) -> Iterator[Piece]:
    """The elements of the lists at `path` of all objects of a file, as the bytes that are in the file.

    What is no object with such a list is given whole: it becomes a row that says so.

    Raises:
        SourceReadError: a list or object has no end, or its list does not begin within `MAX_PIECE_BYTES`.
    """
    names = path_names(path)
    source = _Source(blocks)
    while True:
        found, head = _next_list(source, names)
        if found is None:
            if head.strip(_BLANK):
                yield Piece(head.strip(_BLANK), len(head.strip(_BLANK)))
            if source.at_end:
                return
            continue
        source.put_back(head[found.at :])
        yield from _values(
            source, ValueSplitter(once=True), "the JSON array has no end: cut off in the middle?"
        )
        # Whatever follows the list in its object is of no interest, but for where the object ends.
        for _ in _values(
            source, ValueSplitter(once=True, depth=len(found.names)), "the JSON object has no end: cut off?"
        ):
            pass


class _Source:
    """Blocks, of which some may be put back."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._returned = b""
        self.at_end = False

    def take(self) -> bytes:
        """The next block; `b""` at the end."""
        block, self._returned = self._returned, b""
        block = block or next(self._blocks, b"")
        self.at_end = not block
        return block

    def put_back(self, block: bytes) -> None:
        self._returned = block
        self.at_end = False


def _next_list(source: _Source, names: tuple[str, ...]) -> tuple[FoundList | None, bytes]:
    """The next list at the path, with all bytes up to it and more; or `None` with a value without it."""
    data, looked_at = b"", 0
    while block := source.take():
        data += block
        if not data.strip(_BLANK):
            data = b""
        elif not data.lstrip(_BLANK).startswith(b"{"):
            at = data.find(b"{")
            if at >= 0:
                source.put_back(data[at:])
                return None, data[:at]
        elif len(data) >= 2 * looked_at:  # so that each byte is looked at twice at most
            looked_at = len(data)
            found = _matching(data, names)
            if found is not None and found.names:
                return found, data
            if found is not None:
                source.put_back(data[found.at :])
                return None, data[: found.at]
        if len(data) > MAX_PIECE_BYTES:
            raise SourceReadError(f"no list at {'.'.join(names)!r} within {MAX_PIECE_BYTES:,} bytes")
    found = _matching(data, names)
    if found is not None:
        source.put_back(data[found.at :])
        return (found, data) if found.names else (None, data[: found.at])
    return None, data


def _matching(data: bytes, names: tuple[str, ...]) -> FoundList | None:
    """The list at the path, or at its beginning where elements have the rest; or the end of the object."""
    lists = lists_of(data)
    return next((found for found in lists if found.names == names[: len(found.names)]), None)


def _values(source: _Source, splitter: ValueSplitter, problem: str) -> Iterator[Piece]:
    while block := source.take():
        yield from splitter.feed(block)
        if splitter.rest is not None:
            source.put_back(splitter.rest)
            return
    yield from splitter.finish()
    raise SourceReadError(problem)
