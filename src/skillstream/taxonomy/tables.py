"""Tables of a taxonomy, CSV, Parquet or JSONL, as rows by column, and what their cells hold."""

from __future__ import annotations

import csv
import io
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import pyarrow.parquet as pq

from skillstream.errors import TaxonomyError

logger = logging.getLogger(__name__)

__all__ = ["names_of", "open_table", "read_csv", "text_of", "texts_of"]

_MAX_CELL = 1 << 26
_SEP_LINE = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\"""")


def open_table(path: Path) -> tuple[list[str], Iterator[Mapping[str, object]]]:
    """Column names and rows of a table file, by its extension."""
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        return _open_csv(path, None if kind == ".csv" else "\t")
    if kind == ".parquet":
        table = pq.read_table(path)
        return table.column_names, iter(table.to_pylist())
    if kind in (".jsonl", ".ndjson"):
        rows = list(_read_jsonl(path))
        return list(dict.fromkeys(key for row in rows for key in row)), iter(rows)
    raise TaxonomyError(
        f"taxonomy {path}: expected a .csv, .tsv, .txt, .parquet, .jsonl or .ndjson file, "
        f"found {kind or 'no suffix'}"
    )


def read_csv(path: Path, needed: Sequence[str], delimiter: str | None = None) -> Iterator[Mapping[str, str]]:
    """Rows of a CSV file whose columns are known; a missing one is reported with what was found."""
    columns, rows = _open_csv(path, delimiter)
    missing = [column for column in needed if column not in columns]
    if missing:
        raise TaxonomyError(
            f"taxonomy {path}: expected columns {', '.join(needed)}; "
            f"missing {', '.join(missing)}, found {', '.join(columns) or 'no columns'}"
        )
    return rows


def _open_csv(path: Path, delimiter: str | None) -> tuple[list[str], Iterator[Mapping[str, str]]]:
    """Column names and rows; without a delimiter, the one that is most frequent in the header."""
    # The whole file at once: taxonomies are small, and an error shows before the first row is used.
    with path.open(encoding="utf-8-sig", newline="") as file:
        text = file.read()
    sep = _SEP_LINE.match(text)  # Excel's
    if sep:
        text = text[sep.end() :]
    header = re.sub(r'"[^"]*+"', "", text[:_MAX_CELL].lstrip().partition("\n")[0])
    delimiter = delimiter or (sep[1] if sep else max(",;\t|", key=header.count))
    # O*NET's text files do not quote: a quotation mark there is a character like any other.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    csv.field_size_limit(_MAX_CELL)  # the process's; the default of 128 KB cuts long lists of names
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    lines: list[list[str]] = []
    line = 1
    try:
        for cells in reader:
            if cells:
                lines.append(cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise TaxonomyError(
            f"taxonomy {path}: the row in line {line} has a damaged quote: {error}"
        ) from error
    if not lines:
        return [], iter(())
    columns = [column.strip() for column in lines[0]]
    width = len(columns)
    # A short row has empty cells; what hangs over the last column belongs to none.
    return columns, (
        dict(zip(columns, line + [""] * (width - len(line)), strict=False)) for line in lines[1:]
    )


def _read_jsonl(path: Path) -> Iterator[dict[str, object]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield msgspec.json.decode(line, type=dict[str, object])
                except (msgspec.DecodeError, RecursionError) as error:
                    raise TaxonomyError(
                        f"taxonomy {path}: line {number} is no JSON object: {error}"
                    ) from error


def text_of(value: object) -> str:
    """A cell as text; numbers serve as ids in many tables."""
    return "" if value is None else str(value)


def texts_of(value: object) -> list[str]:
    """A cell that holds several texts: a list, or text separated by `|` or line breaks."""
    if isinstance(value, list):
        return [text_of(one) for one in value]
    return re.split(r"[|\n\r]+", text_of(value))


def names_of(value: object) -> list[str]:
    """As `texts_of`, and the other forms of lists that people write: `['a', "b"]`, `[a, b]`, `a; b`."""
    if not isinstance(value, str):
        return texts_of(value)
    text = value.strip()
    if text[:1] in ("[", "{", "(") and text[-1:] in ("]", "}", ")"):
        inner = text[1:-1]
        if not _QUOTED.sub("", inner).strip(", \t\r\n"):
            return [
                found[0][1:-1].replace("\\'", "'").replace('\\"', '"') for found in _QUOTED.finditer(inner)
            ]
        if text[0] == "[":
            return inner.split(",")
    parts = texts_of(text)
    return [part for one in parts for part in one.split(";")] if len(parts) == 1 else parts
