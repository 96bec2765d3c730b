"""The sink: one Parquet file a chunk, published exactly once by the chain of files.

*Guarantee*: no matter which process dies or when, how often a chunk is tagged again and however it is
cut then, every offset of a partition lies in exactly one published file. *Unit*: the partition; any
number of writers may race on it. *A reader mid-run* sees whole chunks only, in order, without holes.

The published files of a partition form a chain: each covers the offsets [start, end), is named by
its start, and the next one is named by its end. Only a file named exactly like the chain's head is
ever created, and only if it is absent: a compare-and-swap on the head. docs/exactly-once.md tells
what a crash at each step leaves behind and what a restart does with it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from skillstream.errors import ChainError
from skillstream.output.chain_file import FileFormatError, decode_header, encode_file
from skillstream.output.layout import chain_name, file_path, newest_start, root_path
from skillstream.rows import Row
from skillstream.storage import Store, open_store

__all__ = ["Chain", "PublishResult", "read_root", "sweep"]


# A chunk ahead of the head means that another writer is about to close the gap (it was seen to take
# under a second), or that nobody will: after this long the runner has to read again from the head.
HOLE_WAIT_S = 5.0
_HOLE_POLL_S = 0.1


@dataclass(frozen=True)
class PublishResult:
    """What became of a chunk.

    Attributes:
        rows: rows in the file that was made; 0 if none was.
        start, end: offsets that this call published, half-open; empty (start = end) if dropped.
        outcome: `published` whole; `trimmed`: its beginning had been published before; `dropped`:
            all of it had been.
    """

    rows: int
    start: int
    end: int
    outcome: Literal["published", "trimmed", "dropped"]


class Chain:
    """The chain of files of one partition of one source.

    Args:
        root: output folder; `skillstream.output.layout` says where in it files go.
        source, partition: whose records.
        store: where to write, by default what `root` names.
        hole_wait_s: seconds that `publish` waits for another writer to close a hole.
        sleep: how to wait, for tests.
    """

    def __init__(
        self,
        root: str | Path,
        source: str,
        partition: int,
        *,
        store: Store | None = None,
        hole_wait_s: float = HOLE_WAIT_S,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source = source
        self.partition = partition
        self.name = chain_name(source, partition)
        self._root_path = root_path(source, partition)
        self._store = open_store(root) if store is None else store
        self._hole_wait_s = hole_wait_s
        self._sleep = sleep
        self.leader_epoch: int | None = None  # Kafka's, at the end of the newest file seen
        self._head: int | None = None  # the farthest head seen: heads only ever move forward

    def claim(self, start: int) -> int:
        """Root the chain at `start` unless it has a root: the root that holds, maybe another's.

        Raises:
            ChainError: the root cannot be read.
            RunError: the root cannot be written.
        """
        root = self._read_root()
        if root is None:
            self._store.create(self._root_path, f"{start}\n".encode())
            root = self._read_root()
        if root is None:
            raise ChainError(f"{self._root_path} vanished: is something else deleting the output?")
        return root

    def head(self) -> int | None:
        """The offset that the next file starts at; `None` if the chain has no root yet.

        Files are listed once; from then on every call walks forward from the last head seen.

        Raises:
            ChainError: the newest file is damaged or not one of this chain.
        """
        if self._head is None:
            self._head = self._newest_end()
        if self._head is None:
            return None
        while (end := self._end_of(self._head)) is not None:
            self._head = end
        return self._head

    def publish(
        self, start: int, end: int, rows: Sequence[Row], leader_epoch: int | None = None
    ) -> PublishResult:
        """Publish the rows of [start, end), or what of it is not yet published.

        1. Walk to the head h.
        2. end ≤ h: already published, drop it.
        3. start > h: never publish over a hole; wait for another writer to close it, then fail.
        4. start < h: keep [h, end).
        5. Write a temporary file, fsync, create `<h>.parquet` only if absent, remove the temporary
           file, fsync the folder.
        6. Lost the race: go to 1.

        Args:
            start: first offset of the range.
            end: offset behind its last one, `end > start`; a range without rows makes a file, too.
            rows: rows of this partition in order of offset, all within [start, end).
            leader_epoch: Kafka's at `end`, for the next reader to check that the topic is still the same.

        Raises:
            ChainError: there is a hole before `start`, no root, or a damaged newest file.
            RunError: the storage failed; nothing half-written is visible.
        """
        self._check(start, end, rows)
        waited_s = 0.0
        while True:
            # Step 1. Walk to the head h.
            head = self.head()
            if head is None:
                raise ChainError(f"{self.name}: no root; claim(start) before the first publish")
            # Step 2. end ≤ h: already published, drop it.
            if end <= head:
                return PublishResult(rows=0, start=end, end=end, outcome="dropped")
            # Step 3. start > h: never publish over a hole; wait for another writer, then fail.
            if start > head:
                if waited_s >= self._hole_wait_s:
                    raise ChainError(
                        f"{self.name}: expected a chunk from {head}, got [{start}, {end}): publishing it "
                        "would leave a hole; reading again from the head fixes this"
                    )
                self._sleep(_HOLE_POLL_S)
                waited_s += _HOLE_POLL_S
                continue
            # Step 4. start < h: keep [h, end).
            kept = [row for row in rows if row.offset >= head]
            # Step 5. Write a temporary file, fsync, create `<h>.parquet` only if absent, remove the
            # temporary file, fsync the folder.
            data = encode_file(self.source, self.partition, head, end, kept, leader_epoch)
            if self._store.create(self._path(head), data):
                self._head, self.leader_epoch = end, leader_epoch
                outcome: Literal["published", "trimmed"] = "published" if start == head else "trimmed"
                return PublishResult(rows=len(kept), start=head, end=end, outcome=outcome)
            # Step 6. Lost the race: go to 1.

    def _newest_end(self) -> int | None:
        """Where the newest file ends that a listing shows; the root if it shows none."""
        newest = newest_start(self._store, self.source, self.partition)
        if newest is not None and (end := self._end_of(newest)) is not None:
            return end
        if newest is not None:  # gone since: somebody has made the output anew
            newest = newest_start(self._store, self.source, self.partition, fresh=True)
        return self._read_root() if newest is None else newest

    def _end_of(self, start: int) -> int | None:
        """Where the file named `start` ends; `None` if there is no such file."""
        path = self._path(start)
        data = self._store.read(path)
        if data is None:
            return None
        try:
            header = decode_header(data)
        except FileFormatError as error:
            raise ChainError(f"{path}: {error}; `skillstream doctor --output` checks every file") from error
        if (header.source, header.partition, header.start) != (self.source, self.partition, start):
            raise ChainError(f"{path}: holds {header.source} {header.partition} from {header.start}")
        self.leader_epoch = header.leader_epoch
        return header.end

    def _read_root(self) -> int | None:
        return read_root(self._store, self.source, self.partition)

    def _path(self, start: int) -> str:
        return file_path(self.source, self.partition, start)

    def _check(self, start: int, end: int, rows: Sequence[Row]) -> None:
        """A caller's mistake must not become a broken chain."""
        if not 0 <= start < end:
            raise ValueError(f"expected 0 <= start < end, got [{start}, {end})")
        last = start - 1
        for row in rows:
            if not last < row.offset < end:
                raise ValueError(f"expected offsets in order within [{start}, {end}), got {row.offset}")
            if (row.source, row.partition) != (self.source, self.partition):
                raise ValueError(f"expected rows of {self.name}, got {row.source} {row.partition}")
            last = row.offset


def read_root(store: Store, source: str, partition: int) -> int | None:
    """Where the chain of a partition begins; `None` if it has no root yet.

    Raises:
        ChainError: the root cannot be read.
    """
    path = root_path(source, partition)
    data = store.read(path)
    if data is None:
        return None
    if not re.fullmatch(rb"\d{1,19}\n", data):
        raise ChainError(f"{path}: expected an offset, got {data[:40]!r}")
    return int(data)


def sweep(root: str | Path, *, store: Store | None = None) -> int:
    """Remove temporary files of dead writers under `root`; how many there were.

    Only files whose process on this host is gone and, of other hosts', those that are an hour old by the
    file system's own clock.
    Call it at start; the chain is right without it, too.
    """
    return (open_store(root) if store is None else store).sweep()
