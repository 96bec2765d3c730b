"""A whole CSV file in one pass: its dialect, then its records."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from skillstream.delimited.csv_dialect import CsvOptions, find_dialect
from skillstream.delimited.csv_records import CsvDialect, CsvRecord, CsvRecords
from skillstream.delimited.lines import Piece, newline_of, split_lines

__all__ = ["csv_table"]

_SAMPLE_BYTES = 1 << 20


def csv_table(blocks: Iterator[bytes], options: CsvOptions) -> tuple[CsvDialect | None, Iterator[CsvRecord]]:
    """The dialect of a file, `None` if it is empty, and its records behind the header but for blank lines.

    Args:
        blocks: the file's bytes, without a byte order mark.
        options: what is known of the dialect; the rest is found in the first MB.

    Raises:
        ValueError: the first row is no header.
    """
    first = next(blocks, b"")
    newline = newline_of(first)
    lines = split_lines(itertools.chain([first], blocks), newline)
    sample = _beginning(lines)
    dialect = find_dialect(sample, options, newline)
    if dialect is None:
        return None, iter(())
    rest = itertools.chain(sample[dialect.skipped :], lines)
    records = CsvRecords(rest, dialect, len(dialect.columns), first_line=1 + dialect.skipped)
    behind_header = itertools.islice(records, 1, None)
    return dialect, (record for record in behind_header if record.raw.data.strip())


def _beginning(lines: Iterator[Piece]) -> list[Piece]:
    found: list[Piece] = []
    size = 0
    for line in lines:
        found.append(line)
        size += len(line.data)
        if size > _SAMPLE_BYTES:
            break
    return found
