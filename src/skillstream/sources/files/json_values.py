"""Values out of a JSON file: the elements of one array, or values one after another.

Only the structure is followed (brackets and strings), so that a value comes out as the bytes that
stand in the file, good or bad; parsing it is the business of `skillstream.postings.parse`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.lines import Gatherer, Piece

__all__ = ["ValueSplitter", "split_values"]

_BLANK = b" \t\r\n"
_BETWEEN = re.compile(rb'["\[\]{},]')  # what matters between values
_WITHIN = re.compile(rb'["\[\]{}]')  # what matters within a value
_STRING = re.compile(rb'["\\]')  # what matters within a string


def split_values(blocks: Iterator[bytes]) -> Iterator[Piece]:
    """The values of a JSON file, white space around them removed.

    If the file begins with `[`, these are the elements of the array, else the values one after
    another, with or without line breaks between them.

    Raises:
        SourceReadError: the array has no end; raised after its last, maybe incomplete, element.
    """
    splitter = ValueSplitter()
    for block in blocks:
        yield from splitter.feed(block)
    yield from splitter.finish()


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

    def feed(self, block: bytes) -> Iterator[Piece]:
        """The values that end in this block, the next one of the file."""
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
            if token == b"\\":
                self._escaped = at == len(block)
                at += 1
            elif token == b'"':
                self._string = not self._string
            elif token in b"{[":
                if self._depth == 0 and not self._array:  # something before it was no value
                    yield from self._take(block[start : at - 1])
                    start = at - 1
                self._depth += 1
            elif token == b",":
                if self._array:
                    yield from self._take(block[start : at - 1], empty=True)
                    start = at
            elif self._depth:
                self._depth -= 1
                if self._depth == 0 and not self._array:
                    yield from self._take(block[start:at])
                    start = at
                    if self._once:
                        self.rest = block[at:]
                        return
            elif self._array and token == b"]":
                yield from self._take(block[start : at - 1])
                start = at
                self._array = False
                if self._once:
                    self.rest = block[at:]
                    return
        self._value.add(block[start:])

    def finish(self) -> Iterator[Piece]:
        """The last value, if nothing shows its end. Raises SourceReadError if an array has none."""
        yield from self._take(b"")
        if self._array:
            raise SourceReadError("the JSON array has no end: cut off in the middle?")

    def _next(self, block: bytes, at: int) -> re.Match[bytes] | None:
        if self._string:
            return _STRING.search(block, at)
        return (_WITHIN if self._depth else _BETWEEN).search(block, at)

    def _take(self, part: bytes, *, empty: bool = False) -> Iterator[Piece]:
        """The value that ends with `part`, if it is not blank or may be so."""
        self._value.add(part)
        data, length = self._value.take()
        if length > len(data):
            yield Piece(data, length)
        elif (stripped := data.strip(_BLANK)) or empty:
            yield Piece(stripped, len(stripped))
