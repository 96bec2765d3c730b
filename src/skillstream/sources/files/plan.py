"""Which files are read, as which source, cut into which ranges.

The cuts of a file depend on its content and on `range_bytes` alone, not on workers or names around
it: the same file gives the same ranges again, and so each range resumes where its chain ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import msgspec
import xxhash

from skillstream.errors import SourceError
from skillstream.postings import FieldMapping
from skillstream.sources.files.columns import check_columns, text_columns
from skillstream.sources.files.csv_rows import csv_row_sizes, read_csv_header
from skillstream.sources.files.decode import BLOCK_BYTES, SourceReadError, read_blocks
from skillstream.sources.files.inputs import InputKind, expand_inputs, input_kind
from skillstream.sources.files.parquet_rows import open_parquet
from skillstream.sources.files.records_path import records_path
from skillstream.storage import ObjectURL, input_state, open_input

__all__ = ["RANGE_BYTES", "FilePlan", "FileRange", "InputFile", "plan_files"]

# Small enough that a 1 GB file keeps 30 workers busy, large enough that a range is minutes of work.
RANGE_BYTES = 32 << 20

_MAX_STEM_LENGTH = 120  # of the encoded name: folders' names end at 255 bytes
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class FileRange(msgspec.Struct, frozen=True, array_like=True):
    """Rows of a file that one worker reads: a partition of the source.

    Attributes:
        source: `<name>-<fingerprint>` of the file.
        partition: the range's number in the file, from 0.
        path: where the file lies; an address, if in an object store.
        format: `jsonl`, `json` (an array, or values one after another), `csv`, `tsv` or `parquet`.
        compression: `gzip`, `zstd` or `None`.
        start: first row, counted from 0 over the whole file; offsets are row numbers.
        end: row behind the last one; `None` if only reading tells.
        byte_start: where row `start` begins (0 with the first one: a header is before it).
        byte_end: where the range ends; `None` for the end of the file.
        size, mtime_ns, etag: the whole file's, as it was planned: readers compare them.
        text_columns: of a Parquet file, those whose text must be UTF-8.
        records_path: of `json`, path of the lists in its objects whose elements are the rows; `None` if its
            values are.
    """

    source: str
    partition: int
    path: str
    format: str
    compression: str | None
    start: int
    end: int | None
    byte_start: int
    byte_end: int | None
    size: int
    mtime_ns: int
    etag: str = ""
    text_columns: tuple[str, ...] = ()
    records_path: str | None = None


@dataclass(frozen=True)
class InputFile:
    """One input file: where it lies, the source it is, its size and, if planning told, its rows."""

    path: str
    source: str
    bytes: int
    rows: int | None


@dataclass(frozen=True)
class FilePlan:
    """What will be read.

    Attributes:
        files: the input files in order, empty ones included.
        ranges: the ranges of all files; none for an empty file.
        duplicates: paths left out because a file of the same name and content is in `files`.
        range_bytes: the size of a range that the plan was made with; it belongs to the output.
    """

    files: list[InputFile]
    ranges: list[FileRange]
    duplicates: list[str]
    range_bytes: int


class _Cut(msgspec.Struct, frozen=True):
    """Where a range begins: its first row, and that row's first byte."""

    row: int
    byte: int


def plan_files(
    inputs: Sequence[str],
    fields: FieldMapping | None = None,
    *,
    output: str | None = None,
    range_bytes: int = RANGE_BYTES,
) -> FilePlan:
    """The plan for input files, folders and glob patterns. Reads every file once, for its fingerprint.

    Args:
        inputs: files, folders (searched for files of known kinds) and glob patterns; also in object stores.
        fields: which columns hold title and text, to refuse tables without them.
        output: folder whose files are never inputs, even if it lies within an input folder.
        range_bytes: size of the ranges that large files are cut into; keep it for an output.

    Raises:
        SourceError: nothing matches, a file is missing, unreadable, of an unknown kind, or a table
            without a column to tag.
    """
    files: list[InputFile] = []
    ranges: list[FileRange] = []
    duplicates: list[str] = []
    sources: set[str] = set()
    for path in expand_inputs(inputs, output):
        try:
            file, file_ranges = _plan_file(path, fields or FieldMapping(), range_bytes)
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
        except SourceReadError as error:
            raise SourceError(f"{path}: {error}") from error
        if file.source in sources:
            duplicates.append(str(path))
            continue
        sources.add(file.source)
        files.append(file)
        ranges.extend(file_ranges)
    return FilePlan(files, ranges, duplicates, range_bytes)


def _plan_file(
    where: Path | ObjectURL, fields: FieldMapping, range_bytes: int
) -> tuple[InputFile, list[FileRange]]:
    kind = input_kind(where)
    # Workers may have another current folder.
    path = str(where.absolute() if isinstance(where, Path) else where)
    before = input_state(path)
    size, etag = before.size, before.etag
    rows: int | None = None
    cuts = [_Cut(0, 0)]
    file_format = kind.format
    texts: tuple[str, ...] = ()
    list_path: str | None = None
    if size == 0:
        fingerprint, rows = _fingerprint(path, etag), 0
    elif kind.format == "parquet":
        fingerprint = _fingerprint(path, etag)
        rows, cuts, texts = _plan_parquet(path, etag, fields, range_bytes)
    else:
        if kind.format == "json":
            blocks = read_blocks(path, kind.compression, etag=etag)
            list_path = records_path(path, blocks, fields.records_path)
        file_format = "json" if list_path is not None else _check_text(path, etag, kind, fields)
        if kind.compression is None and file_format == "jsonl":
            fingerprint, rows, cuts = _scan_lines(path, etag, size, range_bytes)
        else:
            fingerprint = _fingerprint(path, etag)
            if kind.compression is None and file_format in ("csv", "tsv") and size > range_bytes:
                rows, cuts = _scan_csv(path, etag, range_bytes, tab=file_format == "tsv")
    if input_state(path) != before:
        raise SourceError(f"{path}: it changed while it was read; wait until it is whole, or tag a copy")
    if list_path is not None:  # other rows than those of the same file without a path
        fingerprint = xxhash.xxh3_64_hexdigest(f"{fingerprint} {list_path}".encode())
    source = f"{_readable(kind.stem)}-{fingerprint}"
    ends = [*cuts[1:], None]
    ranges = [
        FileRange(
            source=source,
            partition=partition,
            path=path,
            format=file_format,
            compression=kind.compression,
            start=cut.row,
            end=rows if end is None else end.row,
            byte_start=cut.byte,
            byte_end=None if end is None else end.byte,
            size=size,
            mtime_ns=before.mtime_ns,
            etag=etag,
            text_columns=texts,
            records_path=list_path,
        )
        for partition, (cut, end) in enumerate(zip(cuts, ends, strict=True))
    ]
    return InputFile(str(where), source, size, rows), ranges if rows != 0 else []


def _check_text(path: str, etag: str, kind: InputKind, fields: FieldMapping) -> str:
    """The format of a text file that is not empty, after a look at its beginning."""
    beginning = next(read_blocks(path, kind.compression, etag=etag), b"")
    if beginning.startswith(_UTF16_MARKS):
        raise SourceError(
            f"{path}: expected UTF-8, got UTF-16; convert it, e.g. with iconv -f utf-16 -t utf-8"
        )
    if kind.format in ("csv", "tsv"):
        header = read_csv_header(path, kind.compression, tab=kind.format == "tsv", etag=etag)
        if header is not None:
            check_columns(path, header.columns, fields)
    if kind.format == "json" and _is_line_of_json(beginning.split(b"\n", 1)[0]):
        return "jsonl"
    return kind.format


def _is_line_of_json(line: bytes) -> bool:
    """Whether a `.json` file whose first line this is holds one object a line, as Spark and others write."""
    if not line.startswith(b"{"):
        return False
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _fingerprint(path: str, etag: str) -> str:
    digest = xxhash.xxh3_64()
    with open_input(path, etag) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _scan_lines(path: str, etag: str, size: int, range_bytes: int) -> tuple[str, int, list[_Cut]]:
    """Fingerprint, number of lines, and where ranges begin: at the first line after each `range_bytes`."""
    digest = xxhash.xxh3_64()
    cuts = [_Cut(0, 0)]
    rows = position = 0
    block = b""
    with open_input(path, etag) as file:
        while following := file.read(BLOCK_BYTES):
            block = following
            digest.update(block)
            while (at := block.find(b"\n", max(cuts[-1].byte + range_bytes - 1 - position, 0))) >= 0:
                if position + at + 1 == size:
                    break
                cuts.append(_Cut(rows + block.count(b"\n", 0, at + 1), position + at + 1))
            rows += block.count(b"\n")
            position += len(block)
    if not block.endswith(b"\n"):
        rows += 1
    return digest.hexdigest(), rows, cuts


def _scan_csv(path: str, etag: str, range_bytes: int, *, tab: bool) -> tuple[int, list[_Cut]]:
    """Number of rows, and where ranges begin, found by the reader itself: quotes may hold line breaks."""
    header = read_csv_header(path, None, tab=tab, etag=etag)
    if header is None:
        return 0, [_Cut(0, 0)]
    cuts = [_Cut(0, 0)]
    with open_input(path, etag) as file:
        position = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
    rows = -1  # the header is none
    for row_bytes in csv_row_sizes(read_blocks(path, None, etag=etag), header.delimiter):
        if rows > 0 and position >= cuts[-1].byte + range_bytes:
            cuts.append(_Cut(rows, position))
        rows += 1
        position += row_bytes
    return rows, cuts


def _plan_parquet(
    path: str, etag: str, fields: FieldMapping, range_bytes: int
) -> tuple[int, list[_Cut], tuple[str, ...]]:
    """Number of rows, where ranges begin (at row groups), and the columns that hold text."""
    with open_parquet(path, etag) as file:
        check_columns(path, file.schema_arrow.names, fields)
        cuts = [_Cut(0, 0)]
        rows = position = 0
        for number in range(file.num_row_groups):
            group = file.metadata.row_group(number)
            if rows > cuts[-1].row and position >= cuts[-1].byte + range_bytes:
                cuts.append(_Cut(rows, position))
            rows += group.num_rows
            position += sum(group.column(i).total_compressed_size for i in range(group.num_columns))
        return rows, cuts, text_columns(file.schema_arrow.names, fields)


def _readable(stem: str) -> str:
    """A name that stays readable as a folder's, where it is percent-encoded."""
    name = re.sub(r"[^\w.-]+", "_", stem)
    while len(quote(name, safe="")) > _MAX_STEM_LENGTH:
        name = name[:-1]
    return name.strip(".") or "file"
