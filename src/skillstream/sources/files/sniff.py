"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import codecs
import re

import msgspec

from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_values import split_values

__all__ = ["compression_of", "declared_encoding", "format_of", "is_text", "not_text", "utf16_or_32"]

_COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}
_OTHERS = {
    b"PK\x03\x04": "a ZIP archive or a workbook: unpack it, or save the sheet as CSV",
    b"\xfd7zXZ": "xz data: unpack it",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
}
_UTF16_SAMPLE = 32  # bytes; fewer tell nothing
_XML_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


def compression_of(head: bytes) -> str | None:
    """The compression that a file's first bytes tell, if any."""
    return next((name for magic, name in _COMPRESSIONS.items() if head.startswith(magic)), None)


def not_text(head: bytes) -> str | None:
    """What a file is that is no text, in words; `None` if nothing is known against it."""
    return next((name for magic, name in _OTHERS.items() if head.startswith(magic)), None)


def is_text(beginning: bytes) -> bool:
    """Whether these bytes may be text: no NUL among them."""
    return b"\0" not in beginning[:4096]


def utf16_or_32(beginning: bytes) -> str | None:
    """`utf-16` or `utf-32` (a mark says so), `utf-16-le` or `utf-16-be` if a file begins as such."""
    if beginning.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if beginning.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = beginning[:1000]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(sample) < _UTF16_SAMPLE or min(even, odd) * 10 > len(sample) or max(even, odd) * 4 < len(sample):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def declared_encoding(beginning: bytes) -> str | None:
    """The encoding that an XML declaration states, as Python calls it; `None` for UTF-8."""
    found = _XML_ENCODING.match(beginning.lstrip())
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1].decode()).name
    except LookupError:
        return None
    return None if name in ("utf-8", "ascii") else name


def format_of(named: str | None, beginning: bytes) -> str | None:
    """The format of a text file that begins so: what its name says, unless the content says otherwise.

    `None` if neither tells. Arrays are found under the name of lines, lines under that of one JSON value.
    """
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if named in ("csv", "tsv"):
        return named
    if text.startswith(b"<") and named != "jsonl":
        return "xml"
    if named == "xml":
        return "json" if text.startswith((b"{", b"[")) else named
    if text.startswith((b"[", b"{")):
        line, _, rest = text.partition(b"\n")
        if named != "jsonl":
            return "jsonl" if text.startswith(b"{") and _is_json(line) else "json"
        if _is_json(line) and (rest.strip() or text.startswith(b"{")):
            return "jsonl"
        return "json" if _first_value_is_object(text) else "jsonl"
    return named


def _first_value_is_object(text: bytes) -> bool:
    """Whether lines that are no JSON each are an array of objects, or objects over several lines."""
    try:
        first = next(split_values(iter([text])), None)
    except SourceReadError:  # an array without end, since this is the beginning alone
        return False
    return first is not None and first.data.startswith(b"{") and _is_json(first.data)


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True
