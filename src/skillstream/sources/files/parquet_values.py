"""Columns of Arrow as values that JSON can hold: of every type, and without an exception.

Text is decoded with `surrogateescape`, so that bytes which are not UTF-8 stay recognisable, in binary
columns, too. What Python's own types cannot hold (times beyond the year 9999, say) becomes text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

__all__ = ["can_hold_text", "column_values", "value_bytes"]

_NUMBER_BYTES = 8  # what a value without a length of its own is taken for


def can_hold_text(kind: pa.DataType) -> bool:
    """Whether a column is worth converting: all are but lists of plain numbers, such as embeddings."""
    if _is_list(kind):
        inner = kind.value_type
        return not (pt.is_integer(inner) or pt.is_floating(inner) or pt.is_boolean(inner)) and can_hold_text(
            inner
        )
    return True


def column_values(array: pa.Array) -> list[Any]:
    """The array's values, each as `None`, bool, int, float, str, list or dict, or as msgspec encodes them.

    Never raises: where a value cannot be converted, halves are tried, and it alone becomes text.
    """
    try:
        return _values(array)
    except Exception as error:  # noqa: BLE001 - whatever one value raises concerns it alone
        if len(array) > 1:
            middle = len(array) // 2
            return [*column_values(array.slice(0, middle)), *column_values(array.slice(middle))]
        return [_last_resort(array, error)]


def value_bytes(array: pa.Array) -> np.ndarray:
    """About how many bytes each value takes: shape (n,), int64."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return value_bytes(array.storage)
    if pt.is_dictionary(kind):
        lengths = pa.array(value_bytes(array.dictionary))
        return _numbers(lengths.take(array.indices))
    if _is_text(kind) or pt.is_fixed_size_binary(kind):
        return _numbers(pc.binary_length(_as_binary(array)))
    if pt.is_struct(kind):
        fields = (value_bytes(array.field(number)) for number in range(kind.num_fields))
        return sum(fields, start=np.zeros(len(array), np.int64))
    if pt.is_map(kind):
        lengths, keys, items = _map_parts(array)
        return _sums(lengths, value_bytes(keys) + value_bytes(items))
    if _is_list(kind):
        return _sums(_numbers(pc.list_value_length(array)), value_bytes(array.flatten()))
    return np.full(len(array), _NUMBER_BYTES, np.int64)


def _values(array: pa.Array) -> list[Any]:
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return array.to_pylist() if kind.extension_name == "arrow.uuid" else column_values(array.storage)
    for is_kind, values in _CONVERTERS:
        if is_kind(kind):
            return values(array)
    return list(array.to_pylist())


def _dictionary(array: pa.Array) -> list[Any]:
    return column_values(array.dictionary_decode())


def _texts(array: pa.Array) -> list[Any]:
    try:
        return list(pc.cast(array, pa.large_string()).to_pylist())
    except (UnicodeDecodeError, pa.ArrowException):  # binary that is not UTF-8
        raw = _as_binary(array).to_pylist()
        return [None if one is None else one.decode("utf-8", "surrogateescape") for one in raw]


def _timestamps(array: pa.Array) -> list[Any]:
    utc = array.type.tz is not None  # as UTC, since Python may not know the zone
    plain = pa.timestamp("us", "UTC" if utc else None)
    if array.type.unit == "ns":
        return list(pc.cast(array, plain, safe=False).to_pylist())
    try:
        return list(pc.cast(array, plain).to_pylist())
    except (pa.ArrowException, OverflowError, ValueError):
        times = array.cast(pa.int64()).to_numpy(zero_copy_only=False).astype(f"M8[{array.type.unit}]")
        return [
            None if not known else f"{time}{'Z' if utc else ''}"
            for time, known in zip(times, array.is_valid().to_pylist(), strict=True)
        ]


def _dates(array: pa.Array) -> list[Any]:
    unit, number = ("D", pa.int32()) if pt.is_date32(array.type) else ("ms", pa.int64())
    days = array.cast(number).to_pylist()
    return [None if day is None else str(np.int64(day).astype(f"M8[{unit}]").astype("M8[D]")) for day in days]


def _durations(array: pa.Array) -> list[Any]:
    if array.type.unit == "ns":
        array = pc.cast(array, pa.duration("us"), safe=False)
    return list(array.to_pylist())


def _times(array: pa.Array) -> list[Any]:
    return list(pc.cast(array, pa.time64("us"), safe=False).to_pylist())


def _lists(array: pa.Array) -> list[Any]:
    return _grouped(pc.list_value_length(array).to_pylist(), column_values(array.flatten()))


def _maps(array: pa.Array) -> list[Any]:
    lengths, keys, items = _map_parts(array)
    pairs = list(zip(column_values(keys), column_values(items), strict=True))
    known = array.is_valid().to_pylist()
    groups = zip(_grouped(lengths.tolist(), pairs), known, strict=True)
    return [{str(key): value for key, value in group} if is_known else None for group, is_known in groups]


def _structs(array: pa.Array) -> list[Any]:
    names = [field.name for field in array.type]
    columns = [column_values(array.field(number)) for number in range(len(names))]
    rows = zip(*columns, strict=True) if columns else ((),) * len(array)
    known = array.is_valid().to_pylist()
    return [
        dict(zip(names, row, strict=True)) if is_known else None
        for row, is_known in zip(rows, known, strict=True)
    ]


def _is_text(kind: pa.DataType) -> bool:
    return any(is_kind(kind) for is_kind in _TEXT_KINDS)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


_TEXT_KINDS: tuple[Callable[[pa.DataType], bool], ...] = (
    pt.is_string,
    pt.is_large_string,
    pt.is_string_view,
    pt.is_binary,
    pt.is_large_binary,
    pt.is_binary_view,
)

_CONVERTERS: list[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], list[Any]]]] = [
    (_is_text, _texts),
    (pt.is_fixed_size_binary, _texts),
    (pt.is_dictionary, _dictionary),
    (pt.is_timestamp, _timestamps),
    (pt.is_date, _dates),
    (pt.is_time, _times),
    (pt.is_duration, _durations),
    (_is_list, _lists),
    (pt.is_map, _maps),
    (pt.is_struct, _structs),
]


def _as_binary(array: pa.Array) -> pa.Array:
    """Text as its bytes, which no conversion checks."""
    if pt.is_fixed_size_binary(array.type):
        return pc.cast(array, pa.binary())
    return pc.cast(array, pa.large_binary(), safe=False)


def _map_parts(array: pa.Array) -> tuple[np.ndarray, pa.Array, pa.Array]:
    """How many entries each map has, and the keys and values of all of them."""
    offsets = array.offsets.to_numpy().astype(np.int64)
    first, count = int(offsets[0]), int(offsets[-1] - offsets[0])
    return np.diff(offsets), array.keys.slice(first, count), array.items.slice(first, count)


def _grouped(lengths: list[int | None], flat: list[Any]) -> list[Any]:
    groups: list[Any] = []
    at = 0
    for length in lengths:
        groups.append(None if length is None else flat[at : at + length])
        at += length or 0
    return groups


def _numbers(array: pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(pc.cast(array, pa.int64()), 0).to_numpy(zero_copy_only=False))


def _sums(lengths: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The sum of each group of `values`, which are `lengths` long."""
    ends = np.cumsum(lengths)
    sums = np.concatenate(([0], np.cumsum(values)))
    return np.asarray(sums[ends] - sums[ends - lengths])


def _last_resort(array: pa.Array, error: Exception) -> str | None:
    if array.null_count == len(array):
        return None
    try:
        return str(array[0])
    except Exception:  # noqa: BLE001 - the same
        return f"<{array.type}: {type(error).__name__}>"
