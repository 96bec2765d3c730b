"""Standard input as a file: read to its end first, so that it has a fingerprint and can be read again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from skillstream.errors import SourceError
from skillstream.sources.files.decode import SourceReadError, read_blocks
from skillstream.sources.files.sniff import compression_of

__all__ = ["STANDARD_INPUT", "spooled"]

STANDARD_INPUT = "-"
_NOT_TABLES = (b"{", b"[", b"<", b"PAR1")


@contextmanager
def spooled(inputs: Sequence[str], stream: BinaryIO, *, tables: bool = True) -> Iterator[list[str]]:
    """The inputs, with `stream` in a temporary file in place of `-`; the file goes when the body ends.

    The same bytes are the same source, so that a run which was stopped resumes if they are given again. The
    content tells the format: what is no JSON, XML or Parquet is taken for a table, if `tables`.

    Raises:
        SourceError: `-` is named twice, or nothing came.
    """
    if STANDARD_INPUT not in inputs:
        yield list(inputs)
        return
    if list(inputs).count(STANDARD_INPUT) > 1:
        raise SourceError("standard input (-) can be read once only")
    with tempfile.TemporaryDirectory(prefix="skillstream-stdin-") as folder:
        path = Path(folder) / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
        if path.stat().st_size == 0:
            raise SourceError("standard input (-) is empty")
        if tables and _is_table(path):
            path = path.rename(path.with_suffix(".csv"))
        yield [str(path) if name == STANDARD_INPUT else name for name in inputs]


def _is_table(path: Path) -> bool:
    with path.open("rb") as file:
        compression = compression_of(file.read(8))
    try:
        beginning = next(read_blocks(str(path), compression), b"")
    except SourceReadError:
        return False  # the plan will say so
    return not beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(_NOT_TABLES)
