"""One record of a file, or the posting that a file is: for `skillstream explain`."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

from skillstream.chunks import Record
from skillstream.errors import RunError, SourceError
from skillstream.postings import FieldMapping
from skillstream.sources.files import sniff
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.formats import ReadOptions
from skillstream.sources.files.inputs import named_kind
from skillstream.sources.files.plan import first_range
from skillstream.sources.files.reader import read_chunks
from skillstream.storage import ObjectURL, input_exists, input_state, is_url, open_input, parse_url

__all__ = ["read_record"]

_MAX_TEXT_BYTES = 64 << 20
# JSON begins so; text in brackets ("[Remote] Cook") does not.
_JSON = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_XML = (b"<?xml", b"<rss", b"<feed")
# What no text has: control characters beside white space, as in PDFs, archives and pictures.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def read_record(name: str, record: int, fields: FieldMapping, options: ReadOptions) -> Record | str:
    """The record with this offset, if the file holds records as `skillstream tag` reads them; else its text.

    Records are recognised by a name such as `jobs.csv`, or by the content: JSON, an XML feed, Parquet,
    compressed data. Anything else is one posting as HTML or plain text.

    Raises:
        SourceError: there is no such file or record, or the file is no text.
    """
    where = parse_url(name) if is_url(name) else Path(name)
    if isinstance(where, Path) and not where.is_file():
        found = "a folder" if where.is_dir() else "no such file"
        raise SourceError(f"cannot read {name}: {found}")
    try:
        if isinstance(where, ObjectURL) and not input_exists(where):
            raise SourceError(f"cannot read {name}: there is no such object")
        if _holds_records(where):
            return _record(name, where, record, fields, options)
        return _text(name, where, options)
    except OSError as error:
        raise SourceError(f"cannot read {name}: {error.strerror or error}") from error
    except RunError as error:
        raise SourceError(str(error)) from error


def _holds_records(where: Path | ObjectURL) -> bool:
    if named_kind(where).format is not None:
        return True
    head = _content(where, 4096)
    if sniff.compression_of(head) is not None or head.startswith(b"PAR1"):
        return True
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return _JSON.match(text) is not None or text.startswith(_XML)


def _record(
    name: str, where: Path | ObjectURL, number: int, fields: FieldMapping, options: ReadOptions
) -> Record:
    file_range, _ = first_range(where, fields, options)
    count = 0
    try:
        chunks = () if file_range is None else read_chunks(file_range, 0, 200)
        for record in chain.from_iterable(chunk.records for chunk in chunks):
            if record.offset == number:
                return record
            count += 1
    except SourceReadError as error:
        raise SourceError(str(error)) from error
    raise SourceError(f"{name} has {count} records; --record {number} is not one of them")


def _text(name: str, where: Path | ObjectURL, options: ReadOptions) -> str:
    content = _content(where, _MAX_TEXT_BYTES)
    expected = f"{name}: expected a posting as JSON, HTML or plain text in UTF-8, got"
    if (kind := sniff.not_text(content)) is not None:
        raise SourceError(f"{expected} {kind}")
    if options.encoding is None and (wide := sniff.utf16_or_32(content)) is not None:
        raise SourceError(f"{expected} {wide[:6].upper()}; say --encoding {wide}")
    try:
        text = content.decode(options.encoding or "utf-8-sig")
    except UnicodeError as error:
        at = f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "something"
        raise SourceError(f"{expected} what is not: {at} cannot be decoded (--encoding)") from error
    if control := _NO_TEXT.search(text):
        raise SourceError(f"{expected} a control character at {control.start()}")
    return text


def _content(where: Path | ObjectURL, size: int) -> bytes:
    path = str(where)
    with open_input(path, input_state(path).etag) as file:
        return file.read(size)
