"""Records out of the lines of a CSV file, such that damage to one record stays with it.

A quote that is opened and not closed would take in all lines up to the next quote. So what begins with a
quote is read strictly: a closing quote is followed by a delimiter or the line's end, and what spans lines has
as many cells as the header. Where that fails, the first line alone is given up, and reading goes on with the
second.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from skillstream.delimited.lines import KEPT_BYTES, MAX_PIECE_BYTES, Piece

__all__ = ["CsvDialect", "CsvRecord", "CsvRecords", "column_pattern"]

_MAX_LINES = 100_000  # of one record: beyond, its quote counts as not closed
# How far the end of a record with quotes that are not doubled is looked for.
_LENIENT_LINES = 200
_LENIENT_CHARACTERS = 1 << 18
_LENIENT_TRIES = 5
# The pattern of a cell: runs of letters and digits by whether they have a digit.
_PATTERN_CHARACTERS = 300
_DIGITS = re.compile(r"[^\W\d_]*+\d\w*+")
_LETTERS = re.compile(r"[^\W\d_]++")


class CsvDialect(msgspec.Struct, frozen=True, array_like=True):
    """How the rows of one file are written.

    Attributes:
        columns: names of the columns, from the header.
        delimiter: one character.
        quote: one character, or `""` if no cell is quoted.
        escape: what makes a quote within quotes a character like any other, beside doubling it; `""` if
            only doubling does.
        skipped: lines before the header: Excel's `sep=;`, blank ones.
        newline: what ends a line.
        patterns: for each column `column_pattern` of its first cells, `""` if they differ; tells records
            that a quote took in from prose.
        spaced: whether blanks before a quote do not belong to the cell.
    """

    columns: tuple[str, ...]
    delimiter: str
    quote: str = '"'
    escape: str = ""
    skipped: int = 0
    newline: str = "\n"
    patterns: tuple[str, ...] = ()
    spaced: bool = False


class CsvRecord(NamedTuple):
    """One record, or one line that belongs to none.

    Attributes:
        cells: `None` if it is damaged.
        fault: why it has no cells; `None` for a line that was too long to keep, too.
        is_open: whether the fault is a quote that is not closed.
        lenient: whether quotes within its cells were taken for characters.
        line: number of its first line, from that of the first one.
        raw: its bytes as they came, without the last newline.
    """

    cells: list[str] | None
    fault: str | None
    is_open: bool
    lenient: bool
    line: int
    raw: Piece


class CsvRecords:
    """The records of `lines`, in order; every line is in exactly one.

    Args:
        lines: lines without their newline.
        dialect: how they are written; its columns do not count.
        width: number of columns, if known.
        learn_width: take it from the first record.
        first_line: number of the first line.
    """

    def __init__(
        self,
        lines: Iterator[Piece],
        dialect: CsvDialect,
        width: int | None = None,
        *,
        learn_width: bool = False,
        first_line: int = 1,
    ) -> None:
        csv.field_size_limit(MAX_PIECE_BYTES)  # the process's; the default of 128 KB cuts real postings
        self._lines = lines
        self._given_back: deque[Piece] = deque()
        self._taken: list[Piece] = []
        self._bytes = 0
        delimiter, quote, escape = dialect.delimiter, dialect.quote, dialect.escape
        self._delimiter, self._quote, self._escape = delimiter, quote, escape
        self._escaped = re.compile(re.escape(escape) + f"([{re.escape(escape + quote)}])") if escape else None
        self._width, self._learn_width = width, learn_width
        self._line = first_line
        self._newline = dialect.newline.encode()
        self._patterns = dialect.patterns
        self._spaced = dialect.spaced
        settings: dict[str, Any] = {"delimiter": delimiter, "strict": True}
        settings["skipinitialspace"] = dialect.spaced
        if quote:
            settings["quotechar"] = quote
        else:
            settings |= {"quoting": csv.QUOTE_NONE, "escapechar": escape or None}
        self._reader = csv.reader(self._texts(), **settings)

    def __iter__(self) -> Iterator[CsvRecord]:
        while (first := self._next_line()) is not None:
            self._taken.clear()
            self._bytes = 0
            record = self._record(first)
            if self._learn_width and self._width is None and record.cells is not None:
                self._width = len(record.cells)
            yield record
            self._line += 1 + record.raw.data.count(self._newline)

    def _record(self, first: Piece) -> CsvRecord:
        if first.length > len(first.data):
            return CsvRecord(None, None, False, False, self._line, first)
        text = self._text(first).removesuffix("\r")
        if not self._is_special(text):
            if "\r" in text:
                return self._fault(first, "not a CSV row: a carriage return within a cell")
            cells = text.split(self._delimiter) if text else []
            return CsvRecord(cells, None, False, False, self._line, first)
        self._given_back.appendleft(first)
        try:
            cells = next(self._reader)
        except (csv.Error, StopIteration):
            # Also ends a generator of texts that has run dry.
            self._reader = csv.reader(self._texts(), self._reader.dialect)
        else:
            if len(self._taken) == 1 or self._is_one(cells):
                return CsvRecord(cells, None, False, False, self._line, _joined(self._taken, self._newline))
        taken = self._taken[1:]
        self._given_back.extendleft(reversed(taken))
        return self._repaired(first, text)

    def _is_one(self, cells: list[str]) -> bool:
        """Whether the lines in `_taken` are one record: as wide as the header, all quotes in pairs."""
        texts = [self._text(line) for line in self._taken]
        in_pairs = not self._quote or sum(text.count(self._quote) for text in texts) % 2 == 0
        if self._width in (None, len(cells)) and in_pairs:
            return not self._took_in_rows(texts)
        return not any(self._begins_a_row(text) for text in texts[1:]) and not self._took_in_rows(texts)

    def _took_in_rows(self, texts: list[str]) -> bool:
        """Whether a quote opened in the first line took in records, though cells and quotes seem to fit.

        So it is if each line behind it is as wide as the header, and has what tells a record from prose: the
        patterns of the columns, or those of the cells before the quote.
        """
        if self._width is None or not self._quote:
            return False
        lines = (text.removesuffix("\r").replace(self._quote, "") for text in reversed(texts[1:]))
        rows = [line.split(self._delimiter) for line in lines]
        if any(len(row) != self._width for row in rows):
            return False
        before = texts[0].partition(self._quote)[0].split(self._delimiter)[:-1]
        patterns = self._patterns if any(self._patterns) else tuple(map(column_pattern, before))
        return any(patterns) and all(_fits(row, patterns, before) for row in rows)

    def _repaired(self, first: Piece, text: str) -> CsvRecord:
        """The record that begins with a damaged line: with quotes as characters, else given up."""
        cells, is_open = self._lenient_cells(text)
        if not is_open:
            if self._width in (None, len(cells)):
                return CsvRecord(cells, None, False, True, self._line, first)
            detail = f"expected {self._width} cells, got {len(cells)}: a quote within a cell is not doubled"
            return self._fault(first, detail)
        lines, texts, tries = [first], [text], 0
        while len(lines) < _LENIENT_LINES and tries < _LENIENT_TRIES:
            line = self._next_line()
            if line is None:
                break
            lines.append(line)
            texts.append(self._text(line))
            if sum(map(len, texts)) > _LENIENT_CHARACTERS or self._begins_a_row(texts[-1]):
                break
            if self._quote in texts[-1]:
                tries += 1
                joined = "\n".join(texts).removesuffix("\r")
                cells, is_open = self._lenient_cells(joined)
                if not is_open and self._width == len(cells) and not self._took_in_rows(texts):
                    return CsvRecord(cells, None, False, True, self._line, _joined(lines, self._newline))
                if not is_open:
                    break
        self._given_back.extendleft(reversed(lines[1:]))
        return CsvRecord(None, "a quote is opened and not closed", True, False, self._line, first)

    def _begins_a_row(self, text: str) -> bool:
        """Whether a line may be the beginning of another record: it is whole by itself, or opens a quote."""
        cells, is_open = self._lenient_cells(text.removesuffix("\r"))
        closes = bool(self._quote) and text.count(self._quote) % 2 == 1  # a quote opened before
        return len(cells) > 1 and (is_open or (len(cells) == self._width and not closes))

    def _lenient_cells(self, text: str) -> tuple[list[str], bool]:
        if self._spaced:
            text = re.sub(
                f"{re.escape(self._delimiter)} +(?={re.escape(self._quote)})", self._delimiter, text
            )
        return _lenient_cells(text, self._delimiter, self._quote)

    def _fault(self, line: Piece, detail: str) -> CsvRecord:
        return CsvRecord(None, detail, False, False, self._line, line)

    def _is_special(self, text: str) -> bool:
        """Whether a line needs more than being split."""
        return bool(self._quote and self._quote in text) or bool(self._escape and self._escape in text)

    def _next_line(self) -> Piece | None:
        return self._given_back.popleft() if self._given_back else next(self._lines, None)

    def _texts(self) -> Iterator[str]:
        """Lines for the CSV reader, as far as one record may go; `_taken` gets them as they are."""
        while len(self._taken) < _MAX_LINES and self._bytes <= MAX_PIECE_BYTES:
            line = self._next_line()
            if line is None:
                return
            self._taken.append(line)
            if line.length > len(line.data):
                return
            self._bytes += line.length
            yield self._text(line) + "\n"

    def _text(self, line: Piece) -> str:
        """The line as text, invalid UTF-8 kept recognisable, an escaped quote as a doubled one."""
        text = line.data.decode("utf-8", "surrogateescape")
        if self._escaped is None or not self._quote or self._escape not in text:
            return text
        return self._escaped.sub(lambda found: self._quote * 2 if found[1] == self._quote else found[1], text)


def _lenient_cells(text: str, delimiter: str, quote: str) -> tuple[list[str], bool]:
    """The cells of a record where a quote within a cell is a character, and whether one is open."""
    cells: list[str] = []
    at = 0
    while True:
        if quote and text.startswith(quote, at):
            parts: list[str] = []
            at += 1
            while True:
                end = text.find(quote, at)
                if end < 0:
                    return [*cells, "".join(parts) + text[at:]], True
                parts.append(text[at:end])
                at = end + 1
                if text.startswith(quote, at):
                    at += 1
                elif at == len(text) or text[at] == delimiter:
                    break
                parts.append(quote)
            cells.append("".join(parts))
        else:
            end = text.find(delimiter, at)
            end = len(text) if end < 0 else end
            cells.append(text[at:end])
            at = end
        if at == len(text):
            return cells, False
        at += 1


def column_pattern(cell: str) -> str:
    """What tells a cell from prose, or `""`: of one word with a digit in it, such as a number or an address.

    Runs of letters and digits are `0` if they have a digit, else `a`: `https://x.org/j/7c` is `a://a.a/a/0`.
    """
    word = cell.strip()
    if len(word) > _PATTERN_CHARACTERS or " " in word or _DIGITS.search(word) is None:
        return ""
    return _LETTERS.sub("a", _DIGITS.sub("0", word))


def _fits(row: list[str], patterns: Sequence[str], before: list[str]) -> bool:
    """Whether cells have the patterns of their columns, and letters where those before the quote do."""
    if any(pattern and column_pattern(cell) != pattern for cell, pattern in zip(row, patterns, strict=False)):
        return False
    return all(
        not cell.strip() or any(map(str.isalpha, cell)) == any(map(str.isalpha, like))
        for cell, like in zip(row, before, strict=False)
    )


def _joined(lines: list[Piece], newline: bytes) -> Piece:
    length = sum(line.length for line in lines) + len(lines) - 1
    data = newline.join(line.data for line in lines)
    return Piece(data if length <= MAX_PIECE_BYTES else data[:KEPT_BYTES], length)
