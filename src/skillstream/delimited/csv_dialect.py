"""How a CSV file is written: delimiter, quote, escape and header, decided once from its beginning."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import msgspec

from skillstream.delimited.csv_records import CsvDialect, CsvRecords, column_pattern
from skillstream.delimited.lines import Piece, too_large
from skillstream.errors import UsageError

__all__ = ["CsvOptions", "describe_dialect", "find_dialect"]

_DELIMITERS = ",;\t|\x01^~"  # in case of a tie the first
_SAMPLE_ROWS = 2000
_PATTERN_ROWS = 50
_SEP_LINE = re.compile(r"sep=(.)\r?", re.IGNORECASE)  # Excel's first line
_ESCAPES = re.compile(r'\\+"?')  # a run of backslashes, and the quote after it


class CsvOptions(msgspec.Struct, frozen=True, array_like=True):
    """What the user says of a CSV file; `None`: found out. `""` as quote or escape: there is none."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None

    def check(self) -> None:
        """Raises `UsageError` if a value is no single character."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if value is not None and (len(value) > 1 or value in ("\r", "\n")):
                raise UsageError(f"--csv-{name} must be one character, got {value!r}")
        if self.delimiter == "":
            raise UsageError("--csv-delimiter is empty: name a character, or leave the option out")
        given = [value for value in msgspec.structs.astuple(self) if value]
        if len(set(given)) < len(given) and not (self.escape == self.quote != self.delimiter):
            raise UsageError("--csv-delimiter, --csv-quote and --csv-escape must differ")


def find_dialect(lines: Sequence[Piece], options: CsvOptions, newline: bytes = b"\n") -> CsvDialect | None:
    """The dialect of a file that begins with `lines`, which `newline` ends; `None` if there are none.

    Raises:
        ValueError: the first row is no header.
    """
    skipped = 0
    delimiter = options.delimiter
    while skipped < len(lines) and not lines[skipped].data.strip():
        skipped += 1
    if not lines:
        return None
    if skipped == len(lines):
        raise ValueError("expected a header with the columns' names in the first row, got blank lines")
    text = lines[skipped].data.decode("utf-8", "replace")
    if sep := _SEP_LINE.fullmatch(text):
        delimiter = delimiter or sep[1]
        skipped += 1
        if skipped == len(lines):
            raise ValueError("expected a header after the line 'sep=', got nothing")
        text = lines[skipped].data.decode("utf-8", "replace")
    if delimiter is None:
        unquoted = re.sub(r'"[^"]*+"', "", text)
        delimiter = max(_DELIMITERS, key=unquoted.count)
    sample = lines[skipped:]
    quotes = ['"'] if options.quote is None else [options.quote]
    if options.quote is None and delimiter == "\t":
        quotes.append("")  # tab-separated files often have no quotes: a mark there is a character
    escapes = ["", "\\"] if options.escape is None else [options.escape]
    ends = newline.decode()
    spaced = options.quote is None and _is_spaced(sample, delimiter)
    if options.quote is None and _has(sample, f"{delimiter}'"):
        quotes.append("'")
    candidates = [
        CsvDialect((), delimiter, quote, escape if quote or options.escape else "", skipped, ends, (), spaced)
        for quote in quotes
        for escape in escapes
        if quote or escape == escapes[0]
    ]
    if options.quote is None and options.escape is None and _has(sample, f"\\{delimiter}"):
        candidates.append(CsvDialect((), delimiter, "", "\\", skipped, ends))  # MySQL's
    scored = [(_damage(sample, candidate), number, candidate) for number, candidate in enumerate(candidates)]
    best = min(scored, key=lambda one: one[:2])[2]
    if best.quote and not best.escape and options.escape is None and _backslashes_are_doubled(sample, best):
        best = msgspec.structs.replace(best, escape="\\")
    header = next(iter(CsvRecords(iter(sample), best)))
    if header.cells is None or too_large(header.raw) or not any(cell.strip() for cell in header.cells):
        raise ValueError(f"expected a header with the columns' names in the first row, got {text[:80]!r}")
    if not _is_utf8(header.raw.data):
        raise ValueError(
            "the header is not UTF-8; convert it, e.g. with iconv -f cp1252 -t utf-8, "
            "or say --encoding cp1252"
        )
    columns = tuple(cell.strip() for cell in header.cells)
    return msgspec.structs.replace(best, columns=columns, patterns=_patterns(sample, best, len(columns)))


def describe_dialect(dialect: CsvDialect, *, tab: bool) -> str | None:
    """What a user should know of the dialect; `None` if it is the usual one."""
    usual = "\t" if tab else ","
    if (dialect.delimiter, dialect.quote, dialect.escape, dialect.newline) == (usual, '"', "", "\n"):
        return None
    quote = f"quote {dialect.quote}" if dialect.quote else "no quotes"
    escape = f", escape {dialect.escape}" if dialect.escape else ""
    shown = dialect.delimiter if dialect.delimiter.isprintable() else repr(dialect.delimiter)[1:-1]
    shown = "tab" if shown == "\\t" else shown
    ends = ", lines ended by carriage returns" if dialect.newline == "\r" else ""
    return f"read as CSV with delimiter {shown}, {quote}{escape}{ends}"


def _has(sample: Sequence[Piece], text: str) -> bool:
    return any(text.encode() in line.data for line in sample[:_SAMPLE_ROWS])


def _is_spaced(sample: Sequence[Piece], delimiter: str) -> bool:
    """Whether quotes stand behind a blank, as in `1, "a, b"`: everywhere, or it would be prose."""
    return _has(sample, f'{delimiter} "') and not _has(sample, f'{delimiter}"')


def _damage(sample: Sequence[Piece], dialect: CsvDialect) -> int:
    """How badly the sample reads in this dialect: damaged rows count most, then such as need leniency."""
    width: int | None = None
    damage = 0
    rows = CsvRecords(iter(sample), dialect, learn_width=True)
    for number, record in enumerate(rows):
        if number > _SAMPLE_ROWS:
            break
        if number == 0:
            width = len(record.cells or ())
        elif record.fault is not None:
            damage += 4
        elif record.cells is not None and len(record.cells) != width and record.raw.data.strip():
            damage += 2
        elif record.lenient:
            damage += 1
    return damage


def _patterns(sample: Sequence[Piece], dialect: CsvDialect, width: int) -> tuple[str, ...]:
    """The patterns that the first records of one line have in common, by column."""
    _, *records = itertools.islice(CsvRecords(iter(sample), dialect, width), _PATTERN_ROWS)
    rows = [
        record.cells
        for record in records
        if record.cells is not None and len(record.cells) == width and b"\n" not in record.raw.data
    ]
    found = [{column_pattern(cell) for cell in column} for column in zip(*rows, strict=True)]
    return tuple(patterns.pop() if len(patterns) == 1 else "" for patterns in found)


def _backslashes_are_doubled(sample: Sequence[Piece], dialect: CsvDialect) -> bool:
    """Whether backslashes stand in pairs only, as writers leave them that escape by a backslash."""
    quoted = [line.data for line in sample if b"\\" in line.data]
    runs = [run.rstrip('"') for data in quoted for run in _ESCAPES.findall(data.decode("utf-8", "replace"))]
    return len(runs) > 1 and dialect.quote == '"' and all(len(run) % 2 == 0 for run in runs)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
