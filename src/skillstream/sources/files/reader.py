"""Chunks out of files: `read_chunks` reads one range of the plan that `skillstream.sources.files.plan` makes.

*Guarantee*: the same range of the same file gives the same records with the same offsets, from
whichever row reading starts. *Unit of parallelism*: the range. Memory does not depend on the file's
size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from skillstream.chunks import Chunk, Record
from skillstream.delimited import Piece, split_lines, too_large
from skillstream.sources.files.csv_rows import csv_records
from skillstream.sources.files.decode import SourceReadError, read_blocks
from skillstream.sources.files.json_lists import split_list_elements
from skillstream.sources.files.json_values import split_values
from skillstream.sources.files.parquet_rows import parquet_records
from skillstream.sources.files.plan import FileRange
from skillstream.sources.files.xml_rows import element_records
from skillstream.storage import FileState, input_state

__all__ = ["MAX_CHUNK_BYTES", "SourceReadError", "read_chunks"]

MAX_CHUNK_BYTES = 16 << 20  # of payloads: rejected ones come back in the rows, so they count twice


def read_chunks(
    file_range: FileRange, start: int, max_rows: int, max_bytes: int = MAX_CHUNK_BYTES
) -> Iterator[Chunk]:
    """Chunks of the range's records from row `start` on, in order and without holes.

    Args:
        file_range: one range of a `FilePlan`.
        start: row to start at: the head of the range's chain, or `file_range.start`.
        max_rows: records a chunk at most.
        max_bytes: a chunk is closed by the record that takes its payloads beyond this many bytes.

    Raises:
        SourceReadError: the file is cut off or damaged: raised after a chunk with everything before the
            fault, so that this can be published. Or it is gone or not the one that was planned, or no
            longer: rows that may come from the other content are never given.
    """
    try:
        yield from _chunks(file_range, start, max_rows, max_bytes)
    except SourceReadError as error:
        raise SourceReadError(f"{file_range.path}: {error}") from error


def _chunks(file_range: FileRange, start: int, max_rows: int, max_bytes: int) -> Iterator[Chunk]:
    _check_unchanged(file_range)
    records = _READERS[file_range.how.format](file_range, start)
    fault: SourceReadError | None = None
    at, size = start, 0
    taken: list[Record] = []

    def close() -> Chunk:
        nonlocal at, size, taken
        _check_unchanged(file_range)  # at its opening alone would miss what came while it was read
        chunk = Chunk(file_range.source, file_range.partition, at, at + len(taken), taken)
        at, size, taken = chunk.end, 0, []
        return chunk

    while True:
        try:
            record = next(records, None)
        except SourceReadError as error:
            record, fault = None, error
        if record is None or record.offset == file_range.end:
            break
        taken.append(record)
        size += len(record.payload or b"")
        if len(taken) >= max_rows or size >= max_bytes:
            yield close()
    if taken:
        yield close()
    _check_unchanged(file_range)
    if fault is not None:
        raise fault
    if file_range.end is not None and (at < file_range.end or record is not None):
        found = "has more" if record is not None else f"ends at {at:,}"
        raise SourceReadError(f"expected rows up to {file_range.end:,}, but it {found}: it has changed")


def _check_unchanged(file_range: FileRange) -> None:
    """Raises SourceReadError if the file is gone or is not what was planned: size and time or ETag tell."""
    try:
        found = input_state(file_range.path)
    except OSError as error:
        raise SourceReadError(f"cannot be read further: {error.strerror or error}") from error
    if found != FileState(file_range.size, file_range.mtime_ns, file_range.etag):
        raise SourceReadError("it has changed since it was planned; run again to tag it as it is now")


def _line_records(file_range: FileRange, start: int) -> Iterator[Record]:
    return _piece_records(split_lines(_range_blocks(file_range)), file_range.start, start)


def _json_records(file_range: FileRange, start: int) -> Iterator[Record]:
    blocks, path = _range_blocks(file_range), file_range.how.records_path
    pieces = split_values(blocks) if path is None else split_list_elements(blocks, path)
    return _piece_records(pieces, file_range.start, start)


def _piece_records(pieces: Iterator[Piece], first_row: int, start: int) -> Iterator[Record]:
    for offset, piece in enumerate(pieces, first_row):
        if offset >= start:
            yield Record(offset, piece.data, rejection=too_large(piece))


def _csv_records(file_range: FileRange, start: int) -> Iterator[Record]:
    dialect = file_range.how.dialect
    if dialect is None:  # blank
        return iter(())
    first_row = -1 if file_range.byte_start == 0 else file_range.start  # the file begins with its header
    return csv_records(_range_blocks(file_range), dialect, first_row, start, file_range.line)


def _xml_records(file_range: FileRange, start: int) -> Iterator[Record]:
    return element_records(
        _range_blocks(file_range), file_range.how.element, start, nested=file_range.how.nested
    )


def _parquet_records(file_range: FileRange, start: int) -> Iterator[Record]:
    texts = file_range.how.text_columns
    return parquet_records(file_range.path, start, file_range.end, file_range.etag, texts)


def _range_blocks(file_range: FileRange) -> Iterator[bytes]:
    how = file_range.how
    start, end = file_range.byte_start, file_range.byte_end
    return read_blocks(file_range.path, how.compression, start, end, file_range.etag, how.encoding)


_READERS: dict[str, Callable[[FileRange, int], Iterator[Record]]] = {
    "jsonl": _line_records,
    "json": _json_records,
    "csv": _csv_records,
    "tsv": _csv_records,
    "xml": _xml_records,
    "parquet": _parquet_records,
}
