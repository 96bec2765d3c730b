"""Rows out of CSV and TSV files, as JSON objects keyed by the header."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec

from skillstream.chunks import Record
from skillstream.delimited import (
    CsvDialect,
    CsvOptions,
    CsvRecord,
    CsvRecords,
    Piece,
    filled_row,
    find_dialect,
    newline_of,
    split_lines,
    too_large,
)
from skillstream.errors import SourceError
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files.decode import SourceReadError, read_blocks
from skillstream.sources.files.json_rows import row_to_json

__all__ = ["csv_records", "csv_row_sizes", "read_dialect"]

_SAMPLE_BYTES = 1 << 20


def read_dialect(
    path: str,
    compression: str | None,
    options: CsvOptions,
    *,
    tab: bool,
    etag: str = "",
    encoding: str | None = None,
) -> CsvDialect | None:
    """The dialect of a file; `None` if it is empty.

    Args:
        path: the file.
        compression: `gzip`, `zstd`, `bzip2` or `None`.
        options: what the user knows.
        tab: whether the delimiter is a tab for certain.
        etag: which content, if the file is an object.
        encoding: see `read_blocks`.

    Raises:
        SourceError: the first row is no header.
        SourceReadError: the file cannot be read.
    """
    blocks = read_blocks(path, compression, etag=etag, encoding=encoding)
    if tab and options.delimiter is None:
        options = msgspec.structs.replace(options, delimiter="\t")
    try:
        first = next(blocks, b"")
        newline = newline_of(first)
        lines = split_lines(itertools.chain([first], blocks), newline)
        return find_dialect(_beginning(lines), options, newline)
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


def csv_records(
    blocks: Iterator[bytes], dialect: CsvDialect, first_row: int, start: int, first_line: int = 1
) -> Iterator[Record]:
    """Records from row `start` on; the blocks begin with row `first_row`, where -1 is the header.

    Good rows are JSON objects of strings; of columns with the same name the first that is filled counts.
    Damaged rows are rejected with their bytes as they came.

    Args:
        blocks: what to read; if it begins with the header, with the lines before it, too.
        dialect: how it is written.
        first_row: number of the first row in `blocks`.
        start: row to start at.
        first_line: number of the first line in the file.

    Raises:
        SourceReadError: after the last row, if quotes were not closed.
    """
    opened: list[str] = []
    for offset, row in enumerate(_rows(blocks, dialect, first_row, first_line), first_row):
        if row.is_open and len(opened) < 2:
            opened.append(f"row {offset + 1:,} (line {row.line:,})")
        if offset < start:
            continue
        rejection = _rejection(row, len(dialect.columns), offset)
        payload = row.raw.data
        if rejection is None and row.cells is not None and payload.strip():
            payload = row_to_json(filled_row(dialect.columns, row.cells))
        yield Record(offset, payload, rejection=rejection)
    if opened:
        others = " and others" if len(opened) > 1 else ""
        raise SourceReadError(
            f"a quote opened in {opened[0]}{others} is not closed: that line is a rejected row, the rest is "
            "read; the options --csv-quote and --csv-escape say how quotes are written"
        )


def csv_row_sizes(blocks: Iterator[bytes], dialect: CsvDialect) -> Iterator[tuple[int, int]]:
    """Number of each row's first line, and the bytes it takes, its newline included: for cutting.

    The first one is the header, with what is before it.
    """
    lines = split_lines(blocks, dialect.newline.encode())
    before = sum(next(lines).length + 1 for _ in range(dialect.skipped))
    for row in CsvRecords(lines, dialect, len(dialect.columns), first_line=1 + dialect.skipped):
        yield row.line, row.raw.length + 1 + before
        before = 0


def _rows(
    blocks: Iterator[bytes], dialect: CsvDialect, first_row: int, first_line: int
) -> Iterator[CsvRecord]:
    lines = split_lines(blocks, dialect.newline.encode())
    if first_row < 0:
        for _ in range(dialect.skipped):
            next(lines, None)
        first_line += dialect.skipped
    return iter(CsvRecords(lines, dialect, len(dialect.columns), first_line=first_line))


def _rejection(row: CsvRecord, width: int, offset: int) -> Rejection | None:
    rejection = too_large(row.raw)
    if rejection is not None or not row.raw.data.strip():
        return rejection  # a blank line is an empty record, as in JSONL
    if row.is_open:
        detail = f"quote opened in row {offset + 1:,} (line {row.line:,}) is not closed"
        return Rejection(RejectionCode.RAGGED_ROW, detail)
    if row.cells is None:
        return Rejection(RejectionCode.RAGGED_ROW, f"{row.fault} (line {row.line:,})")
    if len(row.cells) != width:
        detail = f"expected {width} cells, got {len(row.cells)} (line {row.line:,})"
        return Rejection(RejectionCode.RAGGED_ROW, detail)
    return None


def _beginning(lines: Iterator[Piece]) -> list[Piece]:
    """The lines of about the first MB; a fault behind the first one is found later, by the reader."""
    found: list[Piece] = []
    size = 0
    try:
        for line in lines:
            found.append(line)
            size += len(line.data)
            if size > _SAMPLE_BYTES:
                break
    except SourceReadError:
        if not found:
            raise
    return found
