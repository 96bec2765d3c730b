"""Records out of XML feeds: each occurrence of one element, by its name, as a JSON object.

The file is cut into elements before anything is parsed, so that one that is not well-formed is one rejected
row, and what a document type declares is never seen: no entity is expanded but those of HTML, each of
which is one character, and nothing is fetched. Memory is bounded by the size of one element.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator
from xml.parsers import expat

from skillstream.chunks import Record
from skillstream.delimited import Gatherer, Piece, too_large
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_rows import row_to_json
from skillstream.sources.files.xml_values import Element, element_value

__all__ = ["element_records", "parse_element", "split_elements"]

_MAX_ELEMENTS = 100_000  # of one record
_MAX_DEPTH = 100
_MAX_HELD_BYTES = 16 << 20  # of a section whose end has not come
_MAX_BETWEEN_BYTES = 4096  # of white space between a record and the next
_MAX_TAG_BYTES = 1 << 20  # what is longer is no tag
_ENTITIES = "".join(
    f'<!ENTITY {name} "&#{code};">'
    for name, code in html.entities.name2codepoint.items()
    if name not in ("lt", "gt", "amp", "quot", "apos")
)
_PROLOG = f"<!DOCTYPE r [{_ENTITIES}]><r>".encode()
# Declaring 250 entities takes longer than all else.
_NEEDS_PROLOG = re.compile(rb"&(?!(?:lt|gt|amp|quot|apos);|#)")
_CDATA = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_BARE_AMPERSAND = re.compile(rb"&(?!#[0-9]{1,7};|#x[0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_CONTROLS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)


def element_records(
    blocks: Iterator[bytes], name: str, start: int, *, nested: bool = False
) -> Iterator[Record]:
    """Records of the elements called `name`, from number `start` on.

    An element that is not well-formed is rejected with its bytes as they came.

    Raises:
        SourceReadError: the last element has no end; raised after it was given.
    """
    for offset, piece in enumerate(split_elements(blocks, name, nested=nested)):
        if offset < start:
            continue
        rejection = too_large(piece)
        payload = piece.data
        if rejection is None:
            parsed = parse_element(payload)
            if isinstance(parsed, Rejection):
                rejection = parsed
            else:
                payload = row_to_json(parsed)
        yield Record(offset, payload, rejection=rejection)


def parse_element(data: bytes) -> dict[str, object] | Rejection:
    """The element as a JSON object, or why it is none. Bare `&` and control characters are put up with."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Rejection(RejectionCode.INVALID_UTF8, f"{error.reason} (byte {error.start})")
    try:
        return element_value(_tree(data))
    except _TooMuchError as error:
        return Rejection(error.code, str(error))
    except expat.ExpatError as error:
        first = error
    parts = _CDATA.split(_CONTROLS.sub(b" ", data))
    parts[::2] = [_BARE_AMPERSAND.sub(b"&amp;", part) for part in parts[::2]]
    try:
        return element_value(_tree(b"".join(parts)))
    except _TooMuchError as error:
        return Rejection(error.code, str(error))
    except expat.ExpatError:
        reason = expat.errors.messages.get(first.code, "not well-formed")
        return Rejection(RejectionCode.INVALID_XML, f"{reason} (line {first.lineno} of the element)")


class _TooMuchError(Exception):
    def __init__(self, code: RejectionCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def _tree(data: bytes) -> Element:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    root = Element("r", {})
    open_elements = [root]
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_elements) > _MAX_DEPTH:
            raise _TooMuchError(RejectionCode.TOO_DEEP, f"elements nested more than {_MAX_DEPTH} deep")
        if count > _MAX_ELEMENTS:
            raise _TooMuchError(
                RejectionCode.TOO_LARGE, f"more than {_MAX_ELEMENTS:,} elements in one record"
            )
        element = Element(name, attributes)
        open_elements[-1].parts.append(element)
        open_elements.append(element)

    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: open_elements.pop()
    parser.CharacterDataHandler = lambda text: open_elements[-1].parts.append(text)
    prolog = _PROLOG if _NEEDS_PROLOG.search(data) else b"<r>"
    parser.Parse(prolog + data + b"</r>", True)
    inner = [
        part for r in root.parts if isinstance(r, Element) for part in r.parts if isinstance(part, Element)
    ]
    if len(inner) != 1:
        raise expat.ExpatError("not one element")
    return inner[0]


def split_elements(blocks: Iterator[bytes], name: str, *, nested: bool = False) -> Iterator[Piece]:
    """The elements called `name` as their bytes, from `<name` to `</name>`.

    `nested`: one within another belongs to it; else it says that the other has lost its end.

    Raises:
        SourceReadError: the last one has no end; raised after what there is of it.
    """
    splitter = _Splitter(name, nested)
    for block in blocks:
        yield from splitter.feed(block)
    yield from splitter.finish()


class _Splitter:
    """Follows comments, CDATA and the tags of one element, and nothing else."""

    def __init__(self, name: str, nested: bool) -> None:
        self._nested = nested
        tag = re.escape(name.encode())
        self._token = re.compile(rb"<!--|<!\[CDATA\[|<(/?)" + tag + rb"(?=[\s/>])")
        self._next_record = re.compile(rb"</" + tag + rb"\s*+>\s*+<" + tag + rb"[\s>]")
        self._margin = len(name) + 12  # bytes that a token may need after its `<`
        self._buffer = b""
        self._at = 0  # what is before was looked at
        self._begin = (
            0  # of what belongs to the element, or is behind the last one, and is still in the buffer
        )
        self._until = b""  # end of the comment or CDATA section that is open
        self._opening = b""  # how that one began
        self._content = 0  # where its content begins
        self._depth = 0
        self._element = Gatherer()

    def feed(self, block: bytes, *, last: bool = False) -> Iterator[Piece]:
        self._buffer += block
        while True:
            if self._until:
                end = self._buffer.find(self._until, self._at)
                again = self._buffer.find(self._opening, self._at, None if end < 0 else end + 2)
                enough = again + len(self._opening) + len(self._until) <= len(self._buffer)
                if end < 0 <= again and not enough and not last:  # the two may overlap: "<!-->"
                    self._at = again
                    break
                # Whole records may be commented out, but no comment holds another, and between records is no
                # CDATA that holds any.
                hides = (self._depth or self._opening == b"<![CDATA[") and self._holds_next_record(end)
                if self._content >= 0 and (again >= 0 or hides):
                    # It has lost its end, and is read as text: none of them may hold another one.
                    self._at, self._until = self._content, b""
                    continue
                if end < 0:
                    self._at = max(self._at, len(self._buffer) - len(self._opening) + 1)
                    break
                self._at = end + len(self._until)
                self._until = b""
            token = self._token.search(self._buffer, self._at)
            if token is None:
                # The beginning of a token may be at the end of the buffer.
                mark = self._buffer.rfind(b"<", max(self._at, len(self._buffer) - self._margin))
                self._at = max(self._at, len(self._buffer) if mark < 0 else mark)
                break
            if token[0] in _ENDS:
                self._until, self._opening = _ENDS[token[0]], token[0]
                self._at = self._content = token.end()
                continue
            end = self._end_of_tag(token.end())
            if end < 0 and not last and len(self._buffer) - token.start() < _MAX_TAG_BYTES:
                self._at = token.start()
                break
            if end < 0:  # no tag
                self._at = token.end()
                continue
            yield from self._tag(token, end)
        self._shift()

    def _holds_next_record(self, end: int) -> bool:
        """Whether a section within a record goes on to the next record, as far as it is there."""
        begin = max(self._content, self._at - _MAX_BETWEEN_BYTES)
        return (
            self._next_record.search(self._buffer, begin, len(self._buffer) if end < 0 else end) is not None
        )

    def finish(self) -> Iterator[Piece]:
        yield from self.feed(b"", last=True)
        while self._until and self._content >= 0:  # opened and never closed: read as text
            self._at, self._until = self._content, b""
            yield from self.feed(b"", last=True)
        if self._until and not self._depth:
            opened = self._opening.decode()
            raise SourceReadError(f"a {opened!r} between elements is not closed: what follows is not read")
        if self._depth:
            self._element.add(self._buffer[self._begin :])
            yield self._element.take()
            raise SourceReadError("the last element has no end: cut off in the middle?")

    def _tag(self, token: re.Match[bytes], end: int) -> Iterator[Piece]:
        self._at = end
        if token[1]:
            # An end without a beginning is that of a record whose own tag is damaged.
            self._depth = max(self._depth - 1, 0)
        else:
            if self._depth and not self._nested:  # the one before has lost its end
                self._element.add(self._buffer[self._begin : token.start()])
                yield self._element.take()
                self._depth = 0
            if not self._depth:
                self._element.take()  # what was between two records
                self._begin = token.start()
            if self._buffer[end - 2 : end - 1] != b"/":
                self._depth += 1
        if not self._depth:
            self._element.add(self._buffer[self._begin : end])
            self._begin = end
            yield self._element.take()

    def _end_of_tag(self, at: int) -> int:
        """Behind the `>` of a tag, which may be in quotes; -1 if it has not come."""
        while found := _TAG_PART.search(self._buffer, at, at + _MAX_TAG_BYTES):
            if found[0] == b">":
                return found.end()
            at = self._buffer.find(found[0], found.end()) + 1
            if not at:
                return -1
        return -1

    def _shift(self) -> None:
        """Drops what was looked at from the buffer, but not the content of an open CDATA section."""
        upto = self._at
        if self._until and self._content >= 0 and self._at - self._content < _MAX_HELD_BYTES:
            upto = self._content
        self._element.add(self._buffer[self._begin : upto])
        self._buffer = self._buffer[upto:]
        self._at -= upto
        self._content = self._content - upto if self._content >= upto else -1
        self._begin = 0


_ENDS = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}
_TAG_PART = re.compile(rb"[>\"']")
