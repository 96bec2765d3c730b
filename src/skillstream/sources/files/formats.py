"""What a file is and how it is read: by its name, its first bytes and what the user says."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

import msgspec

from skillstream.delimited import CsvDialect, CsvOptions, describe_dialect
from skillstream.errors import SourceError, UsageError
from skillstream.postings import FieldMapping
from skillstream.sources.files import sniff
from skillstream.sources.files.columns import check_columns
from skillstream.sources.files.csv_rows import read_dialect
from skillstream.sources.files.decode import read_blocks
from skillstream.sources.files.inputs import InputKind, input_kind, named_kind
from skillstream.sources.files.records_path import records_path
from skillstream.sources.files.xml_records import record_element
from skillstream.storage import ObjectURL, open_input

__all__ = ["FileFormat", "ReadOptions", "find_format"]

_XML_SAMPLE_BYTES = 4 << 20


class ReadOptions(msgspec.Struct, frozen=True, array_like=True):
    """What the user says of the inputs; `None`: found out.

    Attributes:
        encoding: of text files; `None` for UTF-8.
        csv: how CSV and TSV files are written.
    """

    encoding: str | None = None
    csv: CsvOptions = CsvOptions()

    def check(self) -> None:
        """Raises `UsageError` if a value cannot be."""
        self.csv.check()
        if self.encoding is not None:
            try:
                codecs.getincrementaldecoder(self.encoding)
                b"some text".decode(self.encoding, "replace")
            except LookupError:
                raise UsageError(f"--encoding: no such encoding of text: {self.encoding!r}") from None


class FileFormat(msgspec.Struct, frozen=True, array_like=True):
    """How one file is read.

    Attributes:
        format: `jsonl`, `json` (an array, or values one after another), `csv`, `tsv`, `xml` or `parquet`.
        compression: `gzip`, `zstd`, `bzip2` or `None`.
        encoding: Python's name of it; `None` for UTF-8.
        dialect: of a CSV or TSV file.
        element: name of an XML feed's element that is a record.
        nested: whether one of that name may be within another.
        text_columns: of a Parquet file, those whose text must be UTF-8.
        records_path: of `json`, path of the lists in its objects whose elements are the rows; `None` if its
            values are.
    """

    format: str
    compression: str | None = None
    encoding: str | None = None
    dialect: CsvDialect | None = None
    element: str = ""
    nested: bool = False
    text_columns: tuple[str, ...] = ()
    records_path: str | None = None


def find_format(
    where: Path | ObjectURL, path: str, etag: str, fields: FieldMapping, options: ReadOptions
) -> tuple[InputKind, FileFormat, list[str]]:
    """What the name says, how the file is read, and notes on it. The file is not empty.

    Args:
        where: as the user named it.
        path: as it is opened.
        etag: which content, if it is an object.
        fields: which columns hold title and text, to refuse tables without them.
        options: what the user knows.

    Raises:
        SourceError: it is of no known kind, of an encoding that has to be named, or has no column to tag.
        SourceReadError: its beginning cannot be read.
    """
    named = named_kind(where)
    with open_input(path, etag) as file:
        head = file.read(4096)
    notes: list[str] = []
    if head.startswith(b"PAR1") or (named.format == "parquet" and named.compression is None):
        return InputKind(named.stem, "parquet", None), FileFormat("parquet"), notes
    compression = sniff.compression_of(head)
    if compression != named.compression:
        if compression is None and not _reads_as(named.format, head, options):
            raise SourceError(f"{where}: is no {named.compression} data, whatever its name says")
        found = "not compressed" if compression is None else f"{compression} data"
        notes.append(f"{where}: is {found}, whatever its name says; read as such")
    beginning = head
    if compression is not None:
        beginning = next(read_blocks(path, compression, etag=etag), b"")
    kind = sniff.not_text(beginning)
    if kind is not None:
        raise SourceError(f"{where}: expected text or Parquet, got {kind}")
    encoding = _encoding(where, named.format, beginning, options)
    beginning = next(read_blocks(path, compression, etag=etag, encoding=encoding), b"")
    file_format = sniff.format_of(named.format, beginning)
    if file_format is None:
        input_kind(where)  # says which kinds there are
        raise SourceError(f"{where}: unknown kind of file")
    list_path: str | None = None
    if named.format == "json" and file_format in ("json", "jsonl"):
        blocks = read_blocks(path, compression, etag=etag, encoding=encoding)
        list_path = records_path(path, blocks, fields.records_path)
        file_format = file_format if list_path is None else "json"
    if named.format is not None and {file_format, named.format} not in ({"json", "jsonl"}, {file_format}):
        notes.append(f"{where}: read as {file_format}, which its content is")
    dialect, element, nested = None, "", False
    if file_format in ("csv", "tsv"):
        tab = file_format == "tsv"
        dialect = read_dialect(path, compression, options.csv, tab=tab, etag=etag, encoding=encoding)
        if dialect is not None:
            check_columns(path, dialect.columns, fields)
            described = describe_dialect(dialect, tab=tab)
            notes += [f"{where}: {described}"] if described else []
    elif file_format == "xml":
        element, nested = _element(
            where, read_blocks(path, compression, etag=etag, encoding=encoding), fields
        )
        notes.append(f"{where}: each <{element}> is a record")
    found_format = FileFormat(
        file_format, compression, encoding, dialect, element, nested, records_path=list_path
    )
    return InputKind(named.stem, file_format, compression), found_format, notes


def _reads_as(file_format: str | None, head: bytes, options: ReadOptions) -> bool:
    """Whether a file that is not compressed, though its name says so, is what the rest of its name says."""
    if options.encoding is not None or file_format in ("csv", "tsv"):
        return sniff.is_text(head)
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[", b"<"))


def _encoding(
    where: Path | ObjectURL, file_format: str | None, beginning: bytes, options: ReadOptions
) -> str | None:
    if options.encoding is not None:
        name = codecs.lookup(options.encoding).name
        return None if name in ("utf-8", "utf-8-sig", "ascii") else name
    wide = sniff.utf16_or_32(beginning)
    if wide is not None and file_format != "xml":
        iconv = wide.replace("-le", "le").replace("-be", "be")
        raise SourceError(
            f"{where}: expected UTF-8, got {wide[:6].upper()}; convert it, e.g. with iconv -f {iconv} "
            f"-t utf-8, or say --encoding {wide}"
        )
    return wide or sniff.declared_encoding(beginning)


def _element(where: Path | ObjectURL, blocks: Iterator[bytes], fields: FieldMapping) -> tuple[str, bool]:
    beginning = bytearray()
    for block in blocks:
        beginning += block
        if len(beginning) > _XML_SAMPLE_BYTES:
            break
    element = record_element(bytes(beginning), fields)
    if element is None:
        raise SourceError(
            f"{where}: no element of this XML is repeated or has a title or description; "
            "name one with --records-path, such as source.job"
        )
    return element
