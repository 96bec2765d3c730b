"""How the first records of each file are read, judged by its beginning alone: for `skillstream inspect`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from skillstream.chunks import Chunk
from skillstream.delimited import CsvDialect, describe_dialect
from skillstream.errors import SourceError
from skillstream.postings import FieldMapping, RecordsReport, inspect_records, missing_fields
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.formats import ReadOptions
from skillstream.sources.files.inputs import find_inputs
from skillstream.sources.files.plan import FileRange, first_range
from skillstream.sources.files.reader import MAX_CHUNK_BYTES, read_chunks
from skillstream.storage import ObjectURL

__all__ = ["Dialect", "FileReport", "FilesReport", "first_chunk", "inspect_files"]


class Dialect(msgspec.Struct, frozen=True):
    """How a CSV or TSV file is written, for people and as an object in `--json`.

    `CsvDialect` is an array in JSON and stays one: fingerprints of sources are made of it. `""` as quote or
    escape: there is none.
    """

    delimiter: str
    quote: str
    escape: str
    newline: str
    skipped: int
    columns: tuple[str, ...]


class FileReport(msgspec.Struct, frozen=True):
    """How one file is read.

    Attributes:
        path: as it was named.
        format: `jsonl`, `json`, `csv`, `tsv`, `xml` or `parquet`; `None` if it is refused or empty.
        compression: `gzip`, `zstd`, `bzip2` or `None`.
        encoding: Python's name of it; `None` for Parquet.
        dialect: of a CSV or TSV file.
        element: name of an XML feed's element that is a record.
        records_path: path of the lists in a `.json` file whose elements are the records.
        notes: what is worth knowing of it, a line each.
        refused: why `skillstream tag` would refuse it, before the first record.
        fault: why its first records could not all be read.
        whole: whether all its records were looked at.
        records: its first records.
    """

    path: str
    format: str | None = None
    compression: str | None = None
    encoding: str | None = None
    dialect: Dialect | None = None
    element: str | None = None
    records_path: str | None = None
    notes: list[str] = []
    refused: str | None = None
    fault: str | None = None
    whole: bool = False
    records: RecordsReport | None = None


class FilesReport(msgspec.Struct, frozen=True):
    """How files are read.

    Attributes:
        files: one entry for each file that was looked at.
        not_looked_at: number of further files.
        left_out: a line for each folder that holds what is not read, and why.
    """

    files: list[FileReport]
    not_looked_at: int
    left_out: list[str]


def inspect_files(
    inputs: Sequence[str],
    fields: FieldMapping,
    options: ReadOptions,
    *,
    records: int,
    files: int,
    max_record_bytes: int,
) -> FilesReport:
    """Reads the first `records` of the first `files` that the inputs name.

    Raises:
        SourceError: an input names nothing.
    """
    found = find_inputs(inputs)
    looked_at = found.files[:files]
    reports = [_inspect(where, fields, options, records, max_record_bytes) for where in looked_at]
    return FilesReport(reports, len(found.files) - len(looked_at), found.left_out)


def first_chunk(file_range: FileRange, records: int) -> tuple[Chunk, str | None]:
    """The first records of a file, and why there are no more, if that is a fault."""
    chunks = read_chunks(file_range, 0, records)
    taken = Chunk("", 0, 0, 0, [])
    fault = None
    try:
        taken = next(chunks, taken)
        if len(taken.records) < records and _bytes(taken) < MAX_CHUNK_BYTES:
            next(chunks, None)  # says why it ended
    except SourceReadError as error:
        fault = str(error)
    return taken, fault


def _bytes(chunk: Chunk) -> int:
    return sum(len(record.payload or b"") for record in chunk.records)


def _inspect(
    where: Path | ObjectURL, fields: FieldMapping, options: ReadOptions, records: int, max_record_bytes: int
) -> FileReport:
    path = str(where)
    try:
        file_range, notes = first_range(where, fields, options)
    except SourceError as error:
        return FileReport(path, refused=str(error))
    if file_range is None:
        return FileReport(path, notes=["the file is empty"], whole=True)
    how = file_range.how
    chunk, fault = first_chunk(file_range, records)
    readable = [record.payload for record in chunk.records if record.rejection is None]
    missing = missing_fields(readable, fields)
    # What the report says in fields of its own is no note.
    said = f"each <{how.element}> is a record", how.dialect and describe_dialect(how.dialect, tab=False)
    return FileReport(
        path=path,
        format=how.format,
        compression=how.compression,
        encoding=None if how.format == "parquet" else how.encoding or "utf-8",
        dialect=None if how.dialect is None else _dialect(how.dialect),
        element=how.element or None,
        records_path=how.records_path,
        notes=[line for note in notes if (line := note.removeprefix(f"{where}: ")) not in said],
        refused=missing[0] if missing else None,
        fault=fault and fault.removeprefix(f"{file_range.path}: "),
        whole=fault is None and len(chunk.records) < records,
        records=inspect_records([chunk], fields, max_record_bytes),
    )


def _dialect(found: CsvDialect) -> Dialect:
    return Dialect(**{name: getattr(found, name) for name in Dialect.__struct_fields__})
