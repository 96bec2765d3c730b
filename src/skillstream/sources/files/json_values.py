"""Values out of a JSON file: the elements of one array, or values one after another.

Only the structure is followed (brackets and strings), so that a value comes out as the bytes that
are in the file, good or bad; parsing it is the business of `skillstream.postings.parse`. Where structure is
damaged, the broken value ends where the next record begins, as far as that can be told (`json_damage`): it
may have taken in that record, or have ended too early, with its rest in pieces behind it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from skillstream.delimited import Gatherer, Piece
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_damage import begins_record, is_broken, next_record

__all__ = ["ValueSplitter", "split_values"]

_BLANK = b" \t\r\n\x1e"  # with the separator of JSON text sequences
_BETWEEN = re.compile(rb'["\[\]{},]')  # what matters between values
_WITHIN = re.compile(rb'["\[\]{}]')  # what matters within a value
_STRING = re.compile(rb'["\\]')  # what matters within a string
_LIKES = 4
_MAX_PENDING = 4 << 20  # bytes that may belong to one damaged record
# A value this long is looked at before its end: it may have lost it. What it has taken in is read again, so
# this is what a damaged record costs.
_LOOK_BYTES = 1 << 16


def split_values(blocks: Iterator[bytes]) -> Iterator[Piece]:
    """The values of a JSON file, white space around them removed.

    If the file begins with `[`, these are the elements of the array, else the values one after
    another, with or without line breaks between them.

    Raises:
        SourceReadError: the array has no end; raised after its last, maybe incomplete, element.
    """
    splitter = ValueSplitter()
    for block in blocks:
        for at in range(0, len(block), _LOOK_BYTES):  # a value is looked at between two of them
            yield from splitter.feed(block[at : at + _LOOK_BYTES])
    yield from splitter.finish()


class _Part(NamedTuple):
    """What may belong to a damaged record: its bytes, what ended it, and whether it is JSON by itself."""

    data: bytes
    end: bytes
    is_whole: bool


class ValueSplitter:
    """Values of a file that comes in blocks.

    Attributes:
        rest: with `once`, what follows the first array or value of the file, as soon as its end was seen.
    """

    def __init__(self, *, once: bool = False, depth: int = 0) -> None:
        """With `once` it ends with the first array or value; with `depth` it begins in so many brackets."""
        self.rest: bytes | None = None
        self._once = once
        self._value = Gatherer()
        self._begun = depth > 0  # anything but white space was seen
        self._array = False  # values are elements of an array that has not ended
        self._depth = depth  # brackets open within the value
        self._string = False  # within a string
        self._escaped = False  # the last block ended with a backslash in a string
        self._checks = depth == 0
        self._likes: deque[bytes] = deque(maxlen=_LIKES)  # the last records that were not broken
        self._look_at = _LOOK_BYTES
        self._pending: list[_Part] = []  # a damaged record whose end was not seen yet
        self._closed_early = False  # a bracket of a damaged record was taken for the array's
        self._again: bytes | None = None  # of a broken value, what is to be read as the next one

    def feed(self, block: bytes) -> Iterator[Piece]:
        """The values that end in this block, the next one of the file."""
        while True:
            yield from self._feed(block)
            if self._again is None:
                return
            block, self._again = self._again, None
            self._depth, self._string, self._escaped = 0, False, False

    def finish(self) -> Iterator[Piece]:
        """The last value, if nothing shows its end. Raises SourceReadError if an array has none."""
        yield from self._take(b"")
        while self._again is not None:
            yield from self.feed(b"")
            yield from self._take(b"")
        yield from self._flush()
        if self._array:
            raise SourceReadError("the JSON array has no end: cut off in the middle?")

    def _feed(self, block: bytes) -> Iterator[Piece]:
        at = 0
        if not self._begun:
            block = block.lstrip(_BLANK)
            self._begun = bool(block)
            self._array = block.startswith(b"[")
            at = 1 if self._array else 0
        start = at  # of the current value's part in this block
        if self._escaped and block:
            at += 1
            self._escaped = False
        while match := self._next(block, at):
            at = match.end()
            token = match[0]
            end = at - 1  # of a value that ends here
            if token == b"\\":
                self._escaped = at == len(block)
                at += 1
                continue
            if token == b'"':
                self._string = not self._string
                continue
            if token in b"{[":
                self._depth += 1
                if self._depth > 1 or self._array:
                    continue
                yield from self._take(block[start:end])  # something before it was no value
                start = end
            elif token == b",":
                if not self._array:
                    continue
                yield from self._take(block[start:end], end=b",", empty=True)
                start = at
            elif self._depth:
                self._depth -= 1
                if self._depth or self._array:
                    continue
                end = at
                yield from self._take(block[start:end])
                start = at
            elif self._array and token == b"]":
                yield from self._take(block[start:end], end=b"]")
                start = at
                self._array = self._again is not None or (self._once and self._goes_on(block[at:]))
                self._closed_early = bool(self._pending)
                if self._array and self._again is None:
                    continue
                if not (self._array or self._once or self._closed_early):
                    self._begun, self._again = False, block[at:]  # another array may follow
                    return
            else:
                continue
            if self._again is not None:
                self._again += block[end:]
                return
            if self._once and token in b"}]":
                yield from self._flush()
                self.rest = block[at:]
                return
        self._value.add(block[start:])
        if self._checks and self._value.length >= self._look_at:
            yield from self._look()

    def _next(self, block: bytes, at: int) -> re.Match[bytes] | None:
        if self._string:
            return _STRING.search(block, at)
        return (_WITHIN if self._depth else _BETWEEN).search(block, at)

    def _take(self, part: bytes, *, end: bytes = b"", empty: bool = False) -> Iterator[Piece]:
        """The value that ends with `part` and then `end`, if it is not blank or may be so."""
        self._value.add(part)
        data, length = self._value.take()
        self._look_at = _LOOK_BYTES
        if length > len(data):
            yield from self._flush()
            yield Piece(data, length)
            return
        stripped = data.strip(_BLANK)
        if stripped == b"," and not self._array:  # behind each value, as lines cut out of an array have it
            return
        if self._closed_early and stripped == b"]":  # the array's own
            return
        broken = self._checks and bool(stripped) and is_broken(stripped)
        if broken and (at := next_record(stripped, self._likes)) is not None:
            yield from self._given_up(stripped, at)
            return
        if self._pending and not begins_record(stripped, self._likes, self._pending[0].data):
            self._pending.append(_Part(data, end, not broken))
            if sum(len(one.data) for one in self._pending) > _MAX_PENDING:
                yield from self._flush()
            return
        yield from self._flush()
        if broken and stripped.startswith(b"{"):
            self._pending = [_Part(data, end, is_whole=False)]
            return
        if self._checks and not broken and stripped.startswith(b"{"):
            self._likes.append(stripped)
        if stripped or empty:
            yield Piece(stripped, len(stripped))

    def _look(self) -> Iterator[Piece]:
        """Gives up a long value whose beginning is broken already."""
        data, length = self._value.take()
        stripped = data.lstrip(_BLANK)
        if length == len(data) and is_broken(stripped, whole=False):
            at = next_record(stripped, self._likes)
            if at is not None:
                yield from self._given_up(stripped, at)
                return
        self._value.put_back(data, length)
        self._look_at = 2 * length

    def _given_up(self, data: bytes, at: int) -> Iterator[Piece]:
        """Ends the broken record within `data`, where the next one begins."""
        if self._pending and begins_record(data, self._likes, self._pending[0].data):
            yield from self._flush()
        self._pending.append(_Part(data[:at].rstrip(_BLANK + b","), b"", is_whole=False))
        yield from self._flush()
        self._again = data[at:]

    def _flush(self) -> Iterator[Piece]:
        """The damaged record with all pieces of it: the last one is no JSON by itself. Then the others."""
        parts, self._pending = self._pending, []
        if not parts:
            return
        count = max(number for number, one in enumerate(parts, 1) if not one.is_whole)
        record = b"".join(one.data + one.end for one in parts[: count - 1]) + parts[count - 1].data
        between = _BLANK + b"," if self._closed_early else _BLANK
        for data in (record.strip(between), *(one.data.strip(_BLANK) for one in parts[count:])):
            if data:
                yield Piece(data, len(data))

    def _goes_on(self, following: bytes) -> bool:
        """Whether a bracket that closes the list is a damaged record's: there are records behind it.

        For a list in an object, whose other fields are not read. It looks no further than one block.
        """
        return bool(self._pending) and next_record(b" " + following, self._likes) is not None
