"""Tables of a taxonomy, CSV, Parquet, JSON or JSONL, as rows by column, and what their cells hold."""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import pyarrow.parquet as pq

from skillstream.delimited import CsvOptions, CsvRecord, csv_table, filled_row
from skillstream.errors import TaxonomyError

logger = logging.getLogger(__name__)

__all__ = ["names_of", "open_table", "read_csv", "text_of", "texts_of"]

_NOTHING = frozenset(("nan", "NaN", "None", "null", "NULL", "N/A", "<NA>", "\\N"))
_ARRAY = re.compile(r"array\((\[.*\])(?:, dtype=\w+)?\)", re.DOTALL)
_POSTGRES = re.compile(r'"((?:[^"\\]|\\.)*+)"|([^,"]++)')
_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+\"""")


def open_table(path: Path) -> tuple[list[str], Iterator[Mapping[str, object]]]:
    """Column names and rows of a table file, by its extension."""
    kind = path.suffix.lower()
    if kind in (".csv", ".tsv", ".txt"):
        return _open_csv(path, CsvOptions() if kind == ".csv" else CsvOptions(delimiter="\t"))
    if kind == ".parquet":
        table = pq.read_table(path)
        return table.column_names, iter(table.to_pylist())
    if kind in (".jsonl", ".ndjson"):
        rows = list(_read_jsonl(path))
        return list(dict.fromkeys(key for row in rows for key in row)), iter(rows)
    if kind == ".json":
        rows = _read_json(path)
        return list(dict.fromkeys(key for row in rows for key in row)), iter(rows)
    raise TaxonomyError(
        f"taxonomy {path}: expected a .csv, .tsv, .txt, .parquet, .json, .jsonl or .ndjson file, "
        f"found {kind or 'no suffix'}"
    )


def read_csv(
    path: Path, needed: Sequence[str], options: CsvOptions | None = None
) -> Iterator[Mapping[str, str]]:
    """Rows of a CSV file whose columns are known; a missing one is reported with what was found."""
    columns, rows = _open_csv(path, options or CsvOptions())
    missing = [column for column in needed if column not in columns]
    if missing:
        raise TaxonomyError(
            f"taxonomy {path}: expected columns {', '.join(needed)}; "
            f"missing {', '.join(missing)}, found {', '.join(columns) or 'no columns'}"
        )
    return rows


def _open_csv(path: Path, options: CsvOptions) -> tuple[list[str], Iterator[Mapping[str, str]]]:
    """Column names and rows; what `options` leave open is found in the file."""
    # The whole file at once: taxonomies are small, and an error shows before the first row is used.
    data = path.read_bytes().removeprefix(codecs.BOM_UTF8)
    try:
        dialect, found = csv_table(iter([data]), options)
    except ValueError as error:
        raise TaxonomyError(f"taxonomy {path}: {error}") from error
    if dialect is None:
        return [], iter(())
    width = len(dialect.columns)
    records = list(found)
    rows = [_cells(path, record) for record in records]
    _warn_of_wide_rows(path, width, records)
    # A short row has empty cells; what hangs over the last column belongs to none.
    filled = [cells[:width] + [""] * (width - len(cells)) for cells in rows]
    return list(dialect.columns), (filled_row(dialect.columns, cells) for cells in filled)


def _cells(path: Path, record: CsvRecord) -> list[str]:
    """The cells of a row. Raises TaxonomyError if it is damaged: a skill left out would be silent."""
    try:
        record.raw.data.decode()
    except UnicodeDecodeError as error:
        raise TaxonomyError(
            f"taxonomy {path}: line {record.line} is not UTF-8; convert the file, e.g. with "
            "iconv -f cp1252 -t utf-8"
        ) from error
    if record.cells is None:
        raise TaxonomyError(
            f"taxonomy {path}: the row in line {record.line} is damaged: {record.fault or 'it is too large'}"
        )
    return record.cells


def _warn_of_wide_rows(path: Path, width: int, records: Sequence[CsvRecord]) -> None:
    lines = [record.line for record in records if any(map(str.strip, (record.cells or [])[width:]))]
    if lines:
        logger.warning(
            "taxonomy %s: %d rows have more cells than the header, the first one in line %d; these cells are "
            "left out",
            path,
            len(lines),
            lines[0],
        )


def _read_json(path: Path) -> list[dict[str, object]]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[dict[str, object]])
    except (msgspec.DecodeError, RecursionError) as error:
        raise TaxonomyError(f"taxonomy {path}: expected a list of JSON objects: {error}") from error


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
    """A cell as text; numbers serve as ids in many tables. Empty for what tables have where nothing is."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))  # pandas makes floats of numbers in a column with gaps
    text = "" if value is None else str(value)
    return "" if text.strip() in _NOTHING else text


def texts_of(value: object) -> list[str]:
    """A cell that holds several texts: a list, or text separated by `|` or line breaks."""
    if isinstance(value, list):
        return [text_of(one) for one in value]
    return re.split(r"[|\n\r]+", text_of(value))


def names_of(value: object) -> list[str]:
    """As `texts_of`, and the other forms of lists that people write.

    `['a', "b"]`, `[a, b]`, numpy's `array(['a', 'b'], dtype=object)`, Postgres' `{a,"b c"}`, `a; b`.
    """
    if not isinstance(value, str):
        return texts_of(value)
    text = value.strip()
    if array := _ARRAY.fullmatch(text):
        text = array[1]
    elif len(text) > 1 and text[0] == "{" and text[-1] == "}":
        found = _POSTGRES.findall(text[1:-1])
        return [quoted.replace('\\"', '"') if quoted else bare for quoted, bare in found]
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
