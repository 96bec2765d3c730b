"""One file of a chain as bytes: Parquet with the offsets that it covers and a checksum of all of it.

Parquet's page checksums do not cover the footer, where the offsets stand, and readers do not verify
them by default. So the footer also carries a checksum of the whole file, computed with the
checksum's own digits set to `0` and put in afterwards: one flipped bit anywhere is found.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from skillstream.rows import ROW_SCHEMA, SCHEMA_VERSION, Row, rows_to_table
from skillstream.version import __version__

__all__ = ["FileFormatError", "FileHeader", "decode_header", "decode_table", "encode_file", "read_header"]

_CHECKSUM = "skillstream.checksum"
_ZEROS = "0" * 32
# The footer of a chunk of 100 rows has about 8 KB. What is read once is more, so that once will do.
_FOOTER_BYTES = 1 << 15
# The key and its value as they are in the footer: 0x18 and the length begin a string in Thrift's
# compact encoding. Found without parsing, since a parser fed with damaged bytes may do anything.
_CHECKSUM_PATTERN = re.compile(rb"skillstream\.checksum\x18\x20([0-9a-f]{32})")


class FileFormatError(Exception):
    """Bytes that are not a whole, undamaged file of a chain. The message completes `<path>: …`."""


@dataclass(frozen=True)
class FileHeader:
    """What a file says about itself: whose offsets [start, end) it holds, in how many rows.

    `leader_epoch` is Kafka's at `end` (see `skillstream.chunks.Chunk`), `None` if it was not known.
    """

    source: str
    partition: int
    start: int
    end: int
    rows: int
    schema_version: str
    leader_epoch: int | None = None


def encode_file(
    source: str, partition: int, start: int, end: int, rows: Sequence[Row], leader_epoch: int | None = None
) -> bytes:
    """The file for the rows of [start, end): zstd, dictionaries, page checksums, metadata."""
    metadata = {
        "skillstream.schema_version": SCHEMA_VERSION,
        "skillstream.version": __version__,
        "skillstream.source": source,
        "skillstream.partition": str(partition),
        "skillstream.start": str(start),
        "skillstream.end": str(end),
    }
    if rows:  # one chunk is tagged by one model and one index: the first row speaks for all
        metadata["skillstream.model_version"] = rows[0].model_version
        metadata["skillstream.taxonomy_version"] = rows[0].taxonomy_version
    if leader_epoch is not None:
        metadata["skillstream.leader_epoch"] = str(leader_epoch)
    metadata[_CHECKSUM] = _ZEROS
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, ROW_SCHEMA, compression="zstd", use_dictionary=True, write_page_checksum=True
    ) as writer:
        writer.write_table(rows_to_table(rows))
        writer.add_key_value_metadata(metadata)
    data = buffer.getvalue()
    return _with_checksum(data, xxhash.xxh3_128_hexdigest(data))


def decode_header(data: bytes) -> FileHeader:
    """What the file says about itself, after its checksum was found right.

    Raises:
        FileFormatError: not one of our files, or damaged.
    """
    found = _find_checksum(data)
    if xxhash.xxh3_128_hexdigest(_with_checksum(data, _ZEROS)) != found[1].decode():
        raise FileFormatError("damaged: its bytes do not match the checksum in its footer")
    return _header(data)


def read_header(read_end: Callable[[int], bytes | None]) -> FileHeader | None:
    """What a file says about itself, of its end alone: for those who only look. Its checksum is not verified.

    Args:
        read_end: gives the last so many bytes of the file, or all if it has fewer; `None` without a file.

    Raises:
        FileFormatError: not one of our files.
    """
    size = _FOOTER_BYTES
    while True:
        data = read_end(size)
        if data is None:
            return None
        # The last eight bytes: how long the footer before them is, and Parquet's mark.
        needed = int.from_bytes(data[-8:-4], "little") + 8
        if needed <= len(data) or len(data) < size or data[-4:] != b"PAR1":
            return _header(data)
        size = needed


def _header(data: bytes) -> FileHeader:
    """What the footer at the end of `data` says."""
    try:
        parquet = pq.read_metadata(pa.BufferReader(data))
        metadata = parquet.metadata or {}
        header = FileHeader(
            source=metadata[b"skillstream.source"].decode(),
            partition=int(metadata[b"skillstream.partition"]),
            start=int(metadata[b"skillstream.start"]),
            end=int(metadata[b"skillstream.end"]),
            rows=parquet.num_rows,
            schema_version=metadata[b"skillstream.schema_version"].decode(),
            leader_epoch=int(epoch) if (epoch := metadata.get(b"skillstream.leader_epoch")) else None,
        )
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise FileFormatError(f"not a file of skillstream ({_first_line(error)})") from error
    if not 0 <= header.start < header.end:
        raise FileFormatError(f"covers no offsets: [{header.start}, {header.end})")
    return header


def decode_table(data: bytes) -> pa.Table:
    """The rows as an Arrow table, every page's checksum verified.

    Raises:
        FileFormatError: a page is damaged or the columns are not those of `ROW_SCHEMA`.
    """
    try:
        table = pq.read_table(pa.BufferReader(data), page_checksum_verification=True, partitioning=None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FileFormatError(f"unreadable ({_first_line(error)})") from error
    if not table.schema.equals(ROW_SCHEMA):
        raise FileFormatError("its columns are not those of this version")
    return table


def _find_checksum(data: bytes) -> re.Match[bytes]:
    """The checksum's place: the last one, since a record's payload may hold anything."""
    at = data.rfind(_CHECKSUM.encode() + b"\x18\x20")
    match = _CHECKSUM_PATTERN.match(data, at) if at >= 0 else None
    if match is None:
        raise FileFormatError("not a file of skillstream: no checksum in its footer")
    return match


def _with_checksum(data: bytes, digits: str) -> bytes:
    at = _find_checksum(data).start(1)
    return data[:at] + digits.encode() + data[at + len(digits) :]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
