"""Where a chain ends, for those who only look, again and again: with few and small requests."""

from __future__ import annotations

from pathlib import Path

from skillstream.errors import ChainError
from skillstream.output.chain import read_root
from skillstream.output.chain_file import FileFormatError, read_header
from skillstream.output.layout import file_path, newest_start
from skillstream.storage import Store, open_store

__all__ = ["ChainTail"]


class ChainTail:
    """Follows the end of one partition's chain.

    *Guarantee*: none for writers. Of files only the footers are read, and no checksum is verified. A look at
    a chain that stands still is one request to an object store, one at a chain that grows is three, whatever
    its length; the first look takes about 15 more at 100,000 files.

    Args:
        root: output folder.
        source, partition: whose chain.
        store: where it lies, by default what `root` names.
    """

    def __init__(self, root: str | Path, source: str, partition: int, *, store: Store | None = None) -> None:
        self._source, self._partition = source, partition
        self._store = open_store(root) if store is None else store
        self._head: int | None = None

    def head(self) -> int | None:
        """The exclusive end of what is published; `None` if the chain has no root yet.

        Raises:
            ChainError: the newest file is none of this chain.
            RunError: the storage cannot be asked.
        """
        if self._head is None:
            self._head = self._newest_end(-1)
            if self._head is None:
                self._head = read_root(self._store, self._source, self._partition)
        elif (end := self._end_of(self._head)) is not None:
            self._head = self._newest_end(self._head) or end
        return self._head

    def _newest_end(self, known: int) -> int | None:
        """Where the newest file ends that begins behind `known`; `None` if there is none."""
        start = newest_start(self._store, self._source, self._partition, known)
        return None if start is None else self._end_of(start)

    def _end_of(self, start: int) -> int | None:
        path = file_path(self._source, self._partition, start)
        try:
            header = read_header(lambda size: self._store.read_end(path, size))
        except FileFormatError as error:
            raise ChainError(f"{path}: {error}; `skillstream doctor --output` checks every file") from error
        return None if header is None else header.end
