"""Rows out of Parquet files, as JSON objects keyed by the columns' names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.chunks import Record
from skillstream.errors import SourceError
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.json_rows import row_to_json
from skillstream.storage import is_url, open_input

__all__ = ["open_parquet", "parquet_records"]

_BATCH_ROWS = 256
_BUFFER_BYTES = 1 << 20  # read column chunks in pieces instead of whole


def open_parquet(path: str, etag: str = "") -> pq.ParquetFile:
    """The file (of an object, the content with this ETag), its footer read.

    Raises:
        SourceError: it is not Parquet or cannot be read.
    """
    try:
        file = pa.PythonFile(open_input(path, etag, buffered=False), mode="r") if is_url(path) else path
        return pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, page_checksum_verification=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise SourceError(
            f"{path}: expected a Parquet file, got none that can be read ({_line(error)})"
        ) from error


def parquet_records(path: str, start: int, end: int | None, etag: str = "") -> Iterator[Record]:
    """Records of the rows [start, end) of a file.

    Raises:
        SourceReadError: the file is gone, or (after the last readable batch) a page is damaged.
    """
    try:
        opened = open_parquet(path, etag)
    except SourceError as error:
        raise SourceReadError("no longer the Parquet file that was planned") from error
    with opened as file:
        group_start, groups = 0, []
        skipped = 0  # rows of the groups before the first one that is read
        for group in range(file.num_row_groups):
            group_end = group_start + file.metadata.row_group(group).num_rows
            if group_end <= start:
                skipped = group_end
            elif end is None or group_start < end:
                groups.append(group)
            group_start = group_end
        offset = skipped
        try:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups, use_threads=False):
                first = max(start - offset, 0)
                last = batch.num_rows if end is None else min(batch.num_rows, end - offset)
                if first < last:
                    yield from _batch_records(batch.slice(first, last - first), offset + first)
                offset += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise SourceReadError(f"damaged after row {offset:,} ({_line(error)})") from error


def _batch_records(batch: pa.RecordBatch, offset: int) -> Iterator[Record]:
    try:
        rows = _plain_values(batch).to_pylist()
    except (UnicodeDecodeError, ValueError, pa.ArrowException) as error:
        if batch.num_rows > 1:  # find the rows that cannot be converted
            for position in range(batch.num_rows):
                yield from _batch_records(batch.slice(position, 1), offset + position)
        else:
            yield _unreadable(batch, offset, error)
        return
    for position, row in enumerate(rows):
        yield Record(offset + position, row_to_json(row))


def _plain_values(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Nanoseconds, which Python's own types do not have, to microseconds."""
    fields = []
    for field in batch.schema:
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            field = field.with_type(pa.timestamp("us", field.type.tz))
        fields.append(field)
    return batch.cast(pa.schema(fields), safe=False)


def _unreadable(batch: pa.RecordBatch, offset: int, error: Exception) -> Record:
    """A row with text that is not UTF-8 (its bytes are given back) or values beyond Python's."""
    values: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            value = column.cast(pa.large_binary(), safe=False)[0].as_py()
            values[name] = None if value is None else value.decode("utf-8", "surrogateescape")
        else:
            values[name] = str(column)
    is_text = isinstance(error, UnicodeDecodeError)
    code = RejectionCode.INVALID_UTF8 if is_text else RejectionCode.WRONG_TYPE
    return Record(offset, row_to_json(values), rejection=Rejection(code, _line(error)))


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
