"""How a CSV file is written: delimiter, quote, escape and header, decided once from its beginning."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from skillstream.errors import SourceError, UsageError
from skillstream.sources.files.csv_records import CsvDialect, CsvRecords
from skillstream.sources.files.decode import SourceReadError, read_blocks
from skillstream.sources.files.lines import Piece, split_lines, too_large

__all__ = ["CsvOptions", "describe_dialect", "find_dialect", "read_dialect"]

_DELIMITERS = ",;\t|"  # in case of a tie the first
_SAMPLE_BYTES = 1 << 20
_SAMPLE_ROWS = 2000
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
        return find_dialect(_beginning(split_lines(blocks)), options)
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


def find_dialect(lines: Sequence[Piece], options: CsvOptions) -> CsvDialect | None:
    """The dialect of a file that begins with `lines`; `None` if there are none.

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
    candidates = [
        CsvDialect((), delimiter, quote, escape if quote or options.escape else "", skipped)
        for quote in quotes
        for escape in escapes
        if quote or escape == escapes[0]
    ]
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
    return msgspec.structs.replace(best, columns=tuple(cell.strip() for cell in header.cells))


def describe_dialect(dialect: CsvDialect, *, tab: bool) -> str | None:
    """What a user should know of the dialect; `None` if it is the usual one."""
    usual = "\t" if tab else ","
    if (dialect.delimiter, dialect.quote, dialect.escape) == (usual, '"', ""):
        return None
    quote = f"quote {dialect.quote}" if dialect.quote else "no quotes"
    escape = f", escape {dialect.escape}" if dialect.escape else ""
    shown = "tab" if dialect.delimiter == "\t" else dialect.delimiter
    return f"read as CSV with delimiter {shown}, {quote}{escape}"


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
