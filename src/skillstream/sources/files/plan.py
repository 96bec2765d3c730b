"""Which files are read, as which source, cut into which ranges.

The cuts of a file depend on its content and on `range_bytes` alone, not on workers or names around
it: the same file gives the same ranges again, and so each range resumes where its chain ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import msgspec
import xxhash

from skillstream.delimited import CsvDialect
from skillstream.errors import SourceError
from skillstream.postings import FieldMapping
from skillstream.sources.files.columns import check_columns, text_columns
from skillstream.sources.files.csv_rows import csv_row_sizes
from skillstream.sources.files.decode import BLOCK_BYTES, SourceReadError, read_blocks
from skillstream.sources.files.formats import FileFormat, ReadOptions, find_format
from skillstream.sources.files.inputs import find_inputs, input_kind
from skillstream.sources.files.parquet_rows import open_parquet
from skillstream.storage import ObjectURL, input_state, open_input

__all__ = ["RANGE_BYTES", "FilePlan", "FileRange", "InputFile", "first_range", "plan_files"]

# Small enough that a 1 GB file keeps 30 workers busy, large enough that a range is minutes of work.
RANGE_BYTES = 32 << 20

_MAX_STEM_LENGTH = 120  # of the encoded name: folders' names end at 255 bytes


class FileRange(msgspec.Struct, frozen=True, array_like=True):
    """Rows of a file that one worker reads: a partition of the source.

    Attributes:
        source: `<name>-<fingerprint>` of the file.
        partition: the range's number in the file, from 0.
        path: where the file lies; an address, if in an object store.
        how: its format, and how it is read.
        start: first row, counted from 0 over the whole file; offsets are row numbers.
        end: row behind the last one; `None` if only reading tells.
        byte_start: where row `start` begins (0 with the first one: a header is before it).
        byte_end: where the range ends; `None` for the end of the file.
        size, mtime_ns, etag: the whole file's, as it was planned: readers compare them.
        line: number of the line that row `start` begins in, for CSV.
    """

    source: str
    partition: int
    path: str
    how: FileFormat
    start: int
    end: int | None
    byte_start: int
    byte_end: int | None
    size: int
    mtime_ns: int
    etag: str = ""
    line: int = 1


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
        notes: one line for each thing worth knowing of a file or of what folders hold beside.
        duplicates: paths left out because a file of the same name and content is in `files`.
        range_bytes: the size of a range that the plan was made with; it belongs to the output.
    """

    files: list[InputFile]
    ranges: list[FileRange]
    duplicates: list[str]
    range_bytes: int
    notes: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int | None:
        """Rows of all files; `None` if one of them does not tell before it is read."""
        rows = [file.rows for file in self.files]
        return None if None in rows else sum(filter(None, rows))


class _Cut(msgspec.Struct, frozen=True):
    """Where a range begins: its first row, and that row's first byte."""

    row: int
    byte: int
    line: int = 1


def plan_files(
    inputs: Sequence[str],
    fields: FieldMapping | None = None,
    *,
    output: str | None = None,
    range_bytes: int = RANGE_BYTES,
    options: ReadOptions | None = None,
) -> FilePlan:
    """The plan for input files, folders and glob patterns. Reads every file once, for its fingerprint.

    Args:
        inputs: files, folders (searched for files of known kinds) and glob patterns; also in object stores.
        fields: which columns hold title and text, to refuse tables without them.
        output: folder whose files are never inputs, even if it lies within an input folder.
        range_bytes: size of the ranges that large files are cut into; keep it for an output.
        options: what the user knows of the files.

    Raises:
        SourceError: nothing matches, a file is missing, unreadable, of an unknown kind, or a table
            without a column to tag.
    """
    files: list[InputFile] = []
    ranges: list[FileRange] = []
    duplicates: list[str] = []
    sources: set[str] = set()
    found = find_inputs(inputs, output)
    notes = list(found.left_out)
    for path in found.files:
        try:
            file, file_ranges, file_notes = _plan_file(
                path, fields or FieldMapping(), range_bytes, options or ReadOptions()
            )
        except OSError as error:
            raise SourceError(f"{path}: cannot be read: {error.strerror or error}") from error
        except SourceReadError as error:
            raise SourceError(f"{path}: {error}") from error
        if file.source in sources:
            duplicates.append(str(path))
            continue
        sources.add(file.source)
        files.append(file)
        notes += file_notes
        ranges.extend(file_ranges)
    return FilePlan(files, ranges, duplicates, range_bytes, notes)


def _plan_file(
    where: Path | ObjectURL, fields: FieldMapping, range_bytes: int, options: ReadOptions
) -> tuple[InputFile, list[FileRange], list[str]]:
    # Workers may have another current folder.
    path = str(where.absolute() if isinstance(where, Path) else where)
    before = input_state(path)
    size, etag = before.size, before.etag
    rows: int | None = None
    cuts = [_Cut(0, 0)]
    if size == 0:
        kind, how, notes = input_kind(where), FileFormat("jsonl"), list[str]()
        fingerprint, rows = _fingerprint(path, etag), 0
    else:
        kind, how, notes = find_format(where, path, etag, fields, options)
        is_plain = how.compression is None and how.encoding is None
        if how.format == "jsonl" and is_plain:
            fingerprint, rows, cuts = _scan_lines(path, etag, size, range_bytes)
        else:
            fingerprint = _fingerprint(path, etag)
        if how.format == "parquet":
            rows, cuts, texts = _plan_parquet(path, etag, fields, range_bytes)
            how = msgspec.structs.replace(how, text_columns=texts)
        elif how.dialect is not None and is_plain and size > range_bytes:
            rows, cuts = _scan_csv(path, etag, range_bytes, how.dialect)
        fingerprint = _read_otherwise(fingerprint, how, options)
    if input_state(path) != before:
        raise SourceError(f"{path}: it changed while it was read; wait until it is whole, or tag a copy")
    if how.records_path is not None:  # other rows than those of the same file without a path
        fingerprint = xxhash.xxh3_64_hexdigest(f"{fingerprint} {how.records_path}".encode())
    source = f"{_readable(kind.stem)}-{fingerprint}"
    ends = [*cuts[1:], None]
    ranges = [
        FileRange(
            source=source,
            partition=partition,
            path=path,
            how=how,
            start=cut.row,
            end=rows if end is None else end.row,
            byte_start=cut.byte,
            byte_end=None if end is None else end.byte,
            size=size,
            mtime_ns=before.mtime_ns,
            etag=etag,
            line=cut.line,
        )
        for partition, (cut, end) in enumerate(zip(cuts, ends, strict=True))
    ]
    return InputFile(str(where), source, size, rows), ranges if rows != 0 else [], notes


def first_range(
    where: Path | ObjectURL, fields: FieldMapping, options: ReadOptions
) -> tuple[FileRange | None, list[str]]:
    """A whole file as one range of no source, by its beginning alone; `None` if it is empty. Notes on it.

    Raises:
        SourceError: it is unreadable, of an unknown kind, or a table without a column to tag.
    """
    path = str(where.absolute() if isinstance(where, Path) else where)
    try:
        state = input_state(path)
        if state.size == 0:
            input_kind(where)
            return None, []
        _, how, notes = find_format(where, path, state.etag, fields, options)
        rows: int | None = None
        if how.format == "parquet":
            rows, _, texts = _plan_parquet(path, state.etag, fields, state.size)
            how = msgspec.structs.replace(how, text_columns=texts)
    except OSError as error:
        raise SourceError(f"{where}: cannot be read: {error.strerror or error}") from error
    except SourceReadError as error:
        raise SourceError(f"{where}: {error}") from error
    whole = FileRange(
        source="",
        partition=0,
        path=path,
        how=how,
        start=0,
        end=rows,
        byte_start=0,
        byte_end=None,
        size=state.size,
        mtime_ns=state.mtime_ns,
        etag=state.etag,
    )
    return whole, notes


def _read_otherwise(fingerprint: str, how: FileFormat, options: ReadOptions) -> str:
    """The fingerprint of a file in the reading that the user asked for: other rows are another source."""
    if how.format == "parquet" or options == ReadOptions():
        return fingerprint
    stated = (how.encoding, how.dialect and msgspec.structs.replace(how.dialect, columns=()))
    return xxhash.xxh3_64(fingerprint.encode() + msgspec.msgpack.encode(stated)).hexdigest()


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


def _scan_csv(path: str, etag: str, range_bytes: int, dialect: CsvDialect) -> tuple[int, list[_Cut]]:
    """Number of rows, and where ranges begin, found by the reader itself: quotes may hold line breaks."""
    cuts = [_Cut(0, 0)]
    with open_input(path, etag) as file:
        position = 3 if file.read(3) == b"\xef\xbb\xbf" else 0
    rows = -1  # the header is none
    for line, row_bytes in csv_row_sizes(read_blocks(path, None, etag=etag), dialect):
        if rows > 0 and position >= cuts[-1].byte + range_bytes:
            cuts.append(_Cut(rows, position, line))
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
