"""Records out of bytes: lines of any length, and CSV in any dialect whose damage stays with its record."""

from __future__ import annotations

from skillstream.delimited.columns import filled_row
from skillstream.delimited.csv_dialect import CsvOptions, describe_dialect, find_dialect
from skillstream.delimited.csv_records import CsvDialect, CsvRecord, CsvRecords
from skillstream.delimited.csv_table import csv_table
from skillstream.delimited.lines import (
    KEPT_BYTES,
    MAX_PIECE_BYTES,
    Gatherer,
    Piece,
    newline_of,
    split_lines,
    too_large,
)

__all__ = [
    "KEPT_BYTES",
    "MAX_PIECE_BYTES",
    "CsvDialect",
    "CsvOptions",
    "CsvRecord",
    "CsvRecords",
    "Gatherer",
    "Piece",
    "csv_table",
    "describe_dialect",
    "filled_row",
    "find_dialect",
    "newline_of",
    "split_lines",
    "too_large",
]
