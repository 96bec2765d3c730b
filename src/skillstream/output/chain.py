"""The sink: one Parquet file a chunk, published exactly once by the chain of files.

*Guarantee*: whatever is killed and whenever, however often a chunk is tagged again and however it is
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
from skillstream.output.layout import FILE_NAME, ROOT_NAME, file_name, partition_folder
from skillstream.rows import Row
from skillstream.storage import Store, open_store

__all__ = ["Chain", "PublishResult", "sweep"]


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
        root: output folder; files go to `tags/source=<source>/partition=<p:05d>/` in it.
        source, partition: whose records; the source is percent-encoded in the folder's name.
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
        self.folder = partition_folder(source, partition)
        self._store = open_store(root) if store is None else store
        self._hole_wait_s = hole_wait_s
        self._sleep = sleep
        self._head: int | None = None  # the farthest head seen: heads only ever move forward

    def claim(self, start: int) -> int:
        """Root the chain at `start` unless it has a root: the root that holds, maybe another's.

        Raises:
            ChainError: the root cannot be read.
            RunError: the root cannot be written.
        """
        root = self._read_root()
        if root is None:
            self._store.create(self._path(ROOT_NAME), f"{start}\n".encode())
            root = self._read_root()
        if root is None:
            raise ChainError(f"{self._path(ROOT_NAME)} vanished: is something else deleting the output?")
        return root

    def head(self) -> int | None:
        """The offset that the next file starts at; `None` if the chain has no root yet.

        The folder is listed once; from then on every call walks forward from the last head seen.

        Raises:
            ChainError: the newest file is damaged or not one of this chain.
        """
        if self._head is None:
            starts = [int(m[1]) for name in self._store.names(self.folder) if (m := FILE_NAME.match(name))]
            self._head = max(starts) if starts else self._read_root()
        if self._head is None:
            return None
        while (end := self._end_of(self._head)) is not None:
            self._head = end
        return self._head

    def publish(self, start: int, end: int, rows: Sequence[Row]) -> PublishResult:
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
                raise ChainError(f"{self.folder}: no root; claim(start) before the first publish")
            # Step 2. end ≤ h: already published, drop it.
            if end <= head:
                return PublishResult(rows=0, start=end, end=end, outcome="dropped")
            # Step 3. start > h: never publish over a hole; wait for another writer, then fail.
            if start > head:
                if waited_s >= self._hole_wait_s:
                    raise ChainError(
                        f"{self.folder}: expected a chunk from {head}, got [{start}, {end}): publishing it "
                        "would leave a hole; reading again from the head mends this"
                    )
                self._sleep(_HOLE_POLL_S)
                waited_s += _HOLE_POLL_S
                continue
            # Step 4. start < h: keep [h, end).
            kept = [row for row in rows if row.offset >= head]
            # Step 5. Write a temporary file, fsync, create `<h>.parquet` only if absent, remove the
            # temporary file, fsync the folder.
            data = encode_file(self.source, self.partition, head, end, kept)
            if self._store.create(self._path(file_name(head)), data):
                self._head = end
                outcome: Literal["published", "trimmed"] = "published" if start == head else "trimmed"
                return PublishResult(rows=len(kept), start=head, end=end, outcome=outcome)
            # Step 6. Lost the race: go to 1.

    def _end_of(self, start: int) -> int | None:
        """Where the file named `start` ends; `None` if there is no such file."""
        path = self._path(file_name(start))
        data = self._store.read(path)
        if data is None:
            return None
        try:
            header = decode_header(data)
        except FileFormatError as error:
            raise ChainError(f"{path}: {error}; `skillstream doctor --output` checks every file") from error
        if (header.source, header.partition, header.start) != (self.source, self.partition, start):
            raise ChainError(f"{path}: holds {header.source} {header.partition} from {header.start}")
        return header.end

    def _read_root(self) -> int | None:
        data = self._store.read(self._path(ROOT_NAME))
        if data is None:
            return None
        if not re.fullmatch(rb"\d{1,19}\n", data):
            raise ChainError(f"{self._path(ROOT_NAME)}: expected an offset, got {data[:40]!r}")
        return int(data)

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def _check(self, start: int, end: int, rows: Sequence[Row]) -> None:
        """A caller's mistake must not become a broken chain."""
        if not 0 <= start < end:
            raise ValueError(f"expected 0 <= start < end, got [{start}, {end})")
        last = start - 1
        for row in rows:
            if not last < row.offset < end:
                raise ValueError(f"expected offsets in order within [{start}, {end}), got {row.offset}")
            if (row.source, row.partition) != (self.source, self.partition):
                raise ValueError(f"expected rows of {self.folder}, got {row.source} {row.partition}")
            last = row.offset


def sweep(root: str | Path, *, store: Store | None = None, now: Callable[[], float] = time.time) -> int:
    """Remove temporary files of dead writers under `root`; how many there were.

    Only files that are an hour old or whose process on this host is gone: never a live writer's.
    Call it at start; the chain is right without it, too.
    """
    return (open_store(root) if store is None else store).sweep(now())
