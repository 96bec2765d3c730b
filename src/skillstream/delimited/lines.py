"""Lines out of blocks of bytes, however long they are, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["KEPT_BYTES", "MAX_PIECE_BYTES", "Gatherer", "Piece", "newline_of", "split_lines", "too_large"]

# A record is held in memory whole, so there has to be an end. Postings have a limit of their own
# (10 MB by default) and become rejected rows with their whole payload; beyond this one only the
# beginning is kept, enough to see what it was.
MAX_PIECE_BYTES = 64 << 20
KEPT_BYTES = 64 << 10


class Piece(NamedTuple):
    """A line or a JSON value: `length` bytes in the file, of which `data` may be only the beginning."""

    data: bytes
    length: int


class Gatherer:
    """Puts a piece together from parts, and keeps only its beginning once it is too long."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.length = 0

    def add(self, part: bytes) -> None:
        self.length += len(part)
        if self.length <= MAX_PIECE_BYTES:
            self._parts.append(part)
        else:
            kept = b"".join(self._parts)[:KEPT_BYTES]
            self._parts = [kept + part[: KEPT_BYTES - len(kept)]]

    def put_back(self, data: bytes, length: int) -> None:
        """What `take` gave, as the beginning of the piece again."""
        self._parts, self.length = [data], length

    def take(self) -> Piece:
        """The piece gathered so far; the next one starts empty."""
        piece = Piece(b"".join(self._parts), self.length)
        self._parts = []
        self.length = 0
        return piece


def newline_of(beginning: bytes) -> bytes:
    """What ends the lines of a file that begins so: a newline, or a carriage return alone (old Macs)."""
    return b"\r" if b"\r" in beginning[:-1] and b"\n" not in beginning else b"\n"


def split_lines(blocks: Iterator[bytes], newline: bytes = b"\n") -> Iterator[Piece]:
    """Lines without their newline; an empty line is one, too, but nothing after the last newline is none."""
    gatherer = Gatherer()
    for block in blocks:
        first, *others = block.split(newline)
        gatherer.add(first)
        if not others:
            continue
        yield gatherer.take()
        *whole, last = others
        for line in whole:
            yield Piece(line, len(line))
        gatherer.add(last)
    if gatherer.length:
        yield gatherer.take()


def too_large(piece: Piece) -> Rejection | None:
    """The rejection of a piece that was too long to keep whole, else `None`."""
    if piece.length == len(piece.data):
        return None
    detail = f"{piece.length:,} bytes, over {MAX_PIECE_BYTES:,}; its first {len(piece.data):,} are kept"
    return Rejection(RejectionCode.TOO_LARGE, detail)
