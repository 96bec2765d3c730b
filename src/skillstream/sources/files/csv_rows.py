"""Rows out of CSV and TSV files, as JSON objects keyed by the header."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skillstream.chunks import Record
from skillstream.errors import SourceError
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files.decode import read_blocks
from skillstream.sources.files.json_rows import row_to_json
from skillstream.sources.files.lines import KEPT_BYTES, MAX_PIECE_BYTES, Piece, split_lines, too_large

__all__ = ["CsvHeader", "csv_records", "csv_row_sizes", "read_csv_header"]

_DELIMITERS = ",;\t"  # in case of a tie the first


@dataclass(frozen=True)
class CsvHeader:
    """The first row: names of the columns and the delimiter."""

    columns: tuple[str, ...]
    delimiter: str


@dataclass(frozen=True)
class _CsvRow:
    """One row: its cells, or why it has none, and its bytes as they came, without the last newline."""

    cells: list[str] | csv.Error
    raw: Piece


def read_csv_header(path: str, compression: str | None, *, tab: bool, etag: str = "") -> CsvHeader | None:
    """The header of a file; `None` if the file is empty.

    Args:
        path: the file.
        compression: `gzip`, `zstd` or `None`.
        tab: whether the delimiter is a tab for certain; else it is the most frequent one of comma,
            semicolon and tab in the first line.
        etag: which content, if the file is an object.

    Raises:
        SourceError: the first row is no header.
        SourceReadError: the file cannot be read.
    """
    lines = split_lines(read_blocks(path, compression, etag=etag))
    first = next(lines, None)
    if first is None:
        return None
    text = first.data.decode("utf-8", "replace")
    delimiter = "\t" if tab else max(_DELIMITERS, key=text.count)
    row = next(_csv_rows(_chain(first, lines), delimiter))
    if isinstance(row.cells, csv.Error) or too_large(row.raw) or not any(row.cells):
        raise SourceError(
            f"{path}: expected a header with the columns' names in the first row, got {text[:80]!r}"
        )
    return CsvHeader(tuple(cell.strip() for cell in row.cells), delimiter)


def csv_records(blocks: Iterator[bytes], header: CsvHeader, first_row: int, start: int) -> Iterator[Record]:
    """Records from row `start` on; the blocks begin with row `first_row`, where -1 is the header.

    Good rows are JSON objects of strings; of columns with the same name the first counts. Ragged rows
    and such as the CSV reader refuses are rejected with their bytes as they came.
    """
    columns = _distinct(header.columns)
    for offset, row in enumerate(_csv_rows(split_lines(blocks), header.delimiter), first_row):
        if offset < start:
            continue
        cells = row.cells
        rejection = too_large(row.raw)
        payload = row.raw.data
        if rejection is not None or not payload.strip():
            pass  # a blank line is an empty record, as in JSONL
        elif isinstance(cells, csv.Error):
            rejection = Rejection(RejectionCode.RAGGED_ROW, f"not a CSV row: {cells}")
        elif len(cells) != len(header.columns):
            expected = len(header.columns)
            rejection = Rejection(RejectionCode.RAGGED_ROW, f"expected {expected} cells, got {len(cells)}")
        else:
            payload = row_to_json({name: cells[position] for name, position in columns})
        yield Record(offset, payload, rejection=rejection)


def csv_row_sizes(blocks: Iterator[bytes], delimiter: str) -> Iterator[int]:
    """Bytes that each row takes in the file, its newline included: where rows begin, for cutting."""
    for row in _csv_rows(split_lines(blocks), delimiter):
        yield row.raw.length + 1


def _csv_rows(lines: Iterator[Piece], delimiter: str) -> Iterator[_CsvRow]:
    csv.field_size_limit(MAX_PIECE_BYTES)  # the process's; the default of 128 KB cuts real postings
    consumed: list[Piece] = []
    reader = csv.reader(_decoded(lines, consumed), delimiter=delimiter)
    while True:
        cells: list[str] | csv.Error
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:  # the reader goes on with the next line
            cells = error
        yield _CsvRow(cells, _joined(consumed))
        consumed.clear()


def _decoded(lines: Iterator[Piece], consumed: list[Piece]) -> Iterator[str]:
    """Lines as text for the CSV reader, invalid UTF-8 kept recognisable; `consumed` gets them as they are."""
    for line in lines:
        consumed.append(line)
        too_long = line.length > len(line.data)
        yield "\n" if too_long else line.data.decode("utf-8", "surrogateescape") + "\n"


def _joined(lines: Sequence[Piece]) -> Piece:
    length = sum(line.length for line in lines) + len(lines) - 1
    if length > MAX_PIECE_BYTES or any(line.length > len(line.data) for line in lines):
        return Piece(b"\n".join(line.data for line in lines)[:KEPT_BYTES], length)
    return Piece(b"\n".join(line.data for line in lines), length)


def _distinct(columns: Sequence[str]) -> list[tuple[str, int]]:
    first: dict[str, int] = {}
    for position, name in enumerate(columns):
        first.setdefault(name, position)
    return list(first.items())


def _chain(first: Piece, others: Iterator[Piece]) -> Iterator[Piece]:
    yield first
    yield from others
