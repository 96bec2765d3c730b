"""Rows out of Parquet files, as JSON objects keyed by the columns' names.

No value stops a run: see `skillstream.sources.files.parquet_values`. Memory is bounded by bytes, not by rows:
text that a file holds once and names often stays so until the rows are made, a few at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.chunks import Record
from skillstream.delimited import KEPT_BYTES, MAX_PIECE_BYTES, filled_row
from skillstream.errors import SourceError
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_rows import row_to_json
from skillstream.sources.files.parquet_values import can_hold_text, column_values, value_bytes
from skillstream.storage import is_url, open_input

__all__ = ["open_parquet", "parquet_records"]

_BATCH_ROWS = 256
_BATCH_BYTES = 32 << 20  # read at once, as far as the footer tells
_SLICE_BYTES = 4 << 20  # converted at once
_BUFFER_BYTES = 1 << 20  # read column chunks in pieces instead of whole


def open_parquet(path: str, etag: str = "") -> pq.ParquetFile:
    """The file (of an object, the content with this ETag), its footer read.

    Raises:
        SourceError: it is not Parquet or cannot be read.
    """
    try:
        opened = _open(path, etag)
        names = [field.name for field in opened.schema_arrow if _is_text_column(field.type)]
        opened.close()
        # Text stays in dictionaries: a long one that is in every row is held once.
        return _open(path, etag, read_dictionary=names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(
            f"{path}: expected a Parquet file, got none that can be read ({_line(error)})"
        ) from error


def _open(path: str, etag: str, **options: Any) -> pq.ParquetFile:
    file = pa.PythonFile(open_input(path, etag, buffered=False), mode="r") if is_url(path) else path
    return pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, page_checksum_verification=True, **options)


def parquet_records(
    path: str, start: int, end: int | None, etag: str = "", text_columns: Collection[str] = ()
) -> Iterator[Record]:
    r"""Records of the rows [start, end) of a file.

    Lists of plain numbers are left out. Text that is not UTF-8 makes a rejected row if it is in one of
    `text_columns`; elsewhere its bytes are shown as `\xff`.

    Raises:
        SourceReadError: the file is gone, or (after the last readable batch) a page is damaged. A column that
            cannot be read and is none of `text_columns` is left out, and told so after the last row.
    """
    try:
        opened = open_parquet(path, etag)
    except SourceError as error:
        raise SourceReadError("no longer the Parquet file that was planned") from error
    with opened as file:
        for offset, batch in _batches(file, start, end, text_columns):
            first = max(start - offset, 0)
            last = batch.num_rows if end is None else min(batch.num_rows, end - offset)
            if first < last:
                yield from _batch_records(batch.slice(first, last - first), offset + first, text_columns)


def _batches(
    file: pq.ParquetFile, start: int, end: int | None, text_columns: Collection[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of the row groups that [start, end) lies in, each with the number of its first row."""
    group_start = offset = 0
    unreadable: dict[str, str] = {}
    for group in range(file.num_row_groups):
        offset = group_start
        group_start += file.metadata.row_group(group).num_rows
        if group_start <= start or (end is not None and offset >= end):
            continue
        try:
            for batch in _group_batches(file, group, None):
                yield offset, batch
                offset += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            found = _unreadable_columns(file, group)
            if not found or not set(text_columns).isdisjoint(found):
                raise SourceReadError(f"damaged after row {offset:,} ({_line(error)})") from error
            unreadable |= found
            at = group_start - file.metadata.row_group(group).num_rows
            for batch in _group_batches(file, group, set(file.schema_arrow.names) - set(found)):
                if at >= offset:
                    yield at, batch
                at += batch.num_rows
    if unreadable:
        columns = "; ".join(f"{name!r} ({reason})" for name, reason in unreadable.items())
        raise SourceReadError(f"all rows are read, but without columns that cannot be: {columns}")


def _group_batches(
    file: pq.ParquetFile, group: int, columns: Collection[str] | None
) -> Iterator[pa.RecordBatch]:
    names = None if columns is None else sorted(columns)
    rows = _rows_at_once(file, group)
    return iter(file.iter_batches(rows, row_groups=[group], columns=names, use_threads=False))


def _unreadable_columns(file: pq.ParquetFile, group: int) -> dict[str, str]:
    """The columns that Arrow cannot read in this row group, and why; none if the file itself is away."""
    found: dict[str, str] = {}
    for name in file.schema_arrow.names:
        try:
            for _ in _group_batches(file, group, [name]):
                pass
        except (pa.ArrowException, ValueError) as error:
            found[name] = _line(error)
        except OSError as error:
            if error.errno is not None:
                return {}
            found[name] = _line(error)  # Arrow's word for a page that does not match its checksum
    return found


def _rows_at_once(file: pq.ParquetFile, group: int) -> int:
    """Rows of a batch: as many as take `_BATCH_BYTES` in the worst case that the footer allows.

    Text within lists and structs cannot stay in dictionaries: there each value may be the column's longest.
    """
    metadata = file.metadata.row_group(group)
    rows = max(metadata.num_rows, 1)
    row_bytes = 1.0
    for number in range(metadata.num_columns):
        column = metadata.column(number)
        repeated = max(column.num_values / rows, 1) if "." in column.path_in_schema else 1 / rows
        row_bytes += repeated * column.total_uncompressed_size
    return int(min(max(_BATCH_BYTES / row_bytes, 1), _BATCH_ROWS))


def _batch_records(batch: pa.RecordBatch, offset: int, text_columns: Collection[str]) -> Iterator[Record]:
    kept = [number for number, field in enumerate(batch.schema) if can_hold_text(field.type)]
    names = [batch.schema.field(number).name for number in kept]
    columns = [batch.column(number) for number in kept]
    sizes = np.array([value_bytes(column) for column in columns]).reshape(len(columns), batch.num_rows)
    totals = sizes.sum(axis=0)
    for first, last in _slices(totals):
        if totals[first] > MAX_PIECE_BYTES:
            small = [number for number in range(len(kept)) if sizes[number, first] <= KEPT_BYTES]
            values = {names[number]: column_values(columns[number].slice(first, 1))[0] for number in small}
            detail = f"about {totals[first]:,} bytes, over {MAX_PIECE_BYTES:,}; its small columns are kept"
            record = _record(offset + first, values, ())
            yield Record(record.offset, record.payload, rejection=Rejection(RejectionCode.TOO_LARGE, detail))
            continue
        converted = [column_values(column.slice(first, last - first)) for column in columns]
        for position in range(last - first):
            row = filled_row(names, [values[position] for values in converted])
            yield _record(offset + first + position, row, text_columns)


def _slices(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Row numbers [first, last) of slices of about `_SLICE_BYTES`; a larger row is one by itself."""
    first, taken = 0, 0
    for position, size in enumerate(sizes):
        if position > first and taken + size > _SLICE_BYTES:
            yield first, position
            first, taken = position, 0
        taken += size
    if first < len(sizes):
        yield first, len(sizes)


def _record(offset: int, row: dict[str, Any], text_columns: Collection[str]) -> Record:
    try:
        payload = row_to_json(row)
    except Exception as error:  # noqa: BLE001 - whatever one row raises concerns it alone
        rejection = Rejection(RejectionCode.WRONG_TYPE, f"no JSON can hold it: {_line(error)}")
        return Record(offset, repr(row)[:KEPT_BYTES].encode(errors="replace"), rejection=rejection)
    if payload.isascii() or _is_utf8(payload):
        return Record(offset, payload)
    bad = [name for name, value in row.items() if not _is_utf8(row_to_json({"": value}))]
    unreadable = [name for name in bad if name in text_columns]
    if unreadable:
        detail = f"the column {unreadable[0]!r} holds text that is not UTF-8"
        return Record(offset, payload, rejection=Rejection(RejectionCode.INVALID_UTF8, detail))
    shown = {name: _shown(value) if name in bad else value for name, value in row.items()}
    return Record(offset, row_to_json(shown))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _shown(value: Any) -> Any:
    r"""The value with bytes that are not UTF-8 as `\xff`."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, list):
        return [_shown(one) for one in value]
    if isinstance(value, dict):
        return {_shown(name): _shown(one) for name, one in value.items()}
    return value


def _is_text_column(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
