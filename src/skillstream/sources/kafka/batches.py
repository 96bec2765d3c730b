"""Record batches of bounded size: what a batch takes uncompressed is known before it is in memory.

A batch of one megabyte, all that a broker looks at, can hold many gigabytes. kafka-python would unpack it
whole; here a batch over `MAX_BYTES` is not unpacked. Each of its offsets comes as a record without a value
whose headers are `NOT_READ`, so that each becomes a rejected row and the stream resumes behind it.
"""

from __future__ import annotations

import gzip
import io
import struct
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
import snappy  # type: ignore[import-untyped]
import zstandard
from kafka import codec
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch

__all__ = ["MAX_BYTES", "NOT_READ", "bound_batches", "unpack"]

# Producers fill batches of 16 KB to some MB; the largest record that is tagged has 10 MB by default.
MAX_BYTES = 64 << 20

# The headers of a record that stands for one which was not read: told by its identity, so no producer can
# send it.
NOT_READ: list[tuple[str, bytes]] = []

_unbounded: Callable[[Any], Iterator[DefaultRecord]] = DefaultRecordBatch.__iter__


def bound_batches() -> None:
    """Makes kafka-python, for this process, leave batches packed that are over `MAX_BYTES` unpacked."""
    DefaultRecordBatch.__iter__ = _iterate


def unpack(data: bytes, compression: int, limit: int) -> bytearray | None:
    """The batch's records unpacked; `None` if they take more than `limit` bytes.

    Args:
        data: the compressed part of the batch.
        compression: Kafka's number of the codec, 1 to 4.
        limit: bytes.

    Raises:
        Exception: the codec's own, if `data` is damaged.
    """
    unpacked = _UNPACK[compression](data, limit)
    return None if unpacked is None or len(unpacked) > limit else unpacked


def _iterate(batch: Any) -> Iterator[DefaultRecord]:
    if batch.compression_type not in _UNPACK or batch._decompressed:  # noqa: SLF001 - kafka-python has no hook
        return _records(batch)
    data = bytes(memoryview(batch._buffer)[batch._pos :])  # noqa: SLF001
    unpacked = unpack(data, batch.compression_type, MAX_BYTES)
    if unpacked is None:
        return _not_read(batch)
    batch._buffer, batch._pos, batch._decompressed = unpacked, 0, True  # noqa: SLF001
    return _records(batch)


def _records(batch: Any) -> Iterator[DefaultRecord]:
    """The batch's records; in names of headers what is no UTF-8 is replaced, which would end the stream."""
    records = _unbounded(batch)
    while True:
        try:
            record = next(records)
        except StopIteration:
            return
        except CorruptRecordError as error:
            if not isinstance(error.__context__, UnicodeDecodeError) or isinstance(batch._buffer, _Lenient):  # noqa: SLF001
                raise
            batch._buffer = _Lenient(batch._buffer)  # noqa: SLF001 - it is still before the record
            continue
        yield record


class _Lenient(bytearray):
    """Bytes whose parts decode whatever they are."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return _Lenient(found) if isinstance(key, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


def _not_read(batch: Any) -> Iterator[DefaultRecord]:
    """One record for each offset, made when it is asked for: there may be millions."""
    for offset in range(batch.base_offset, batch.next_offset):
        yield DefaultRecord(0, offset, batch.max_timestamp, batch.timestamp_type, None, None, NOT_READ)


def _gzip(data: bytes, limit: int) -> bytearray:
    return _read(gzip.GzipFile(fileobj=io.BytesIO(data)), limit)


def _snappy(data: bytes, limit: int) -> bytearray | None:
    """Snappy states the size in front of each block, and takes memory by what is stated."""
    if codec._detect_xerial_stream(data):  # noqa: SLF001 - the client's own reading of the format
        at, total = 16, 0
        while at < len(data):
            total += _stated_size(data, at + 4)
            at += 4 + struct.unpack_from("!i", data, at)[0]
            if total > limit:
                return None
    elif _stated_size(data, 0) > limit:
        return None
    return bytearray(codec.snappy_decode(data))


def _stated_size(data: bytes, at: int) -> int:
    size = 0
    for shift in range(0, 35, 7):
        byte = data[at + shift // 7]
        size |= (byte & 127) << shift
        if byte < 128:
            return size
    raise snappy.UncompressError("no size")


def _lz4(data: bytes, limit: int) -> bytearray:
    return _read(lz4.frame.LZ4FrameFile(io.BytesIO(data)), limit)


def _zstd(data: bytes, limit: int) -> bytearray:
    return _read(zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True), limit)


class _Stream(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _read(stream: _Stream, limit: int) -> bytearray:
    """At most `limit + 1` bytes, there once, and no more than a piece beyond them is ever unpacked."""
    unpacked = bytearray()
    while len(unpacked) <= limit and (piece := stream.read(min(limit + 1 - len(unpacked), 1 << 20))):
        unpacked += piece
    return unpacked


_UNPACK: dict[int, Callable[[bytes, int], bytearray | None]] = {1: _gzip, 2: _snappy, 3: _lz4, 4: _zstd}
