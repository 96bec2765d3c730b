"""Small real stores for the chain's tests: one in memory, one that dies, one that goes step by step."""

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
from obstore.store import MemoryStore as ObstoreMemory

from skillstream.output.chain import Chain
from skillstream.rows import Row, RowError, Tag
from skillstream.storage.bucket import Bucket
from skillstream.storage.listing import PAGE, first_after
from skillstream.storage.object_store import ObjectStore
from skillstream.storage.store import LocalStore, Store
from skillstream.storage.url import ObjectURL

SOURCE = "jobs/feed 1"
PARTITION = 3


def make_row(offset: int, source: str = SOURCE, partition: int = PARTITION) -> Row:
    """A tagged row; every third one is rejected."""
    error = RowError("invalid_json", "truncated", b"\xff{") if offset % 3 == 2 else None
    tag = Tag(
        1,
        "urn:1",
        "weld",
        0.5,
        0.75,
        "exact",
        "You weld.",
        0,
        9,
        "title",
        ["metal"],
        "weld",
        4,
        8,
        None,
        ["urn:1"],
    )
    skills = [] if error else [tag]
    return Row(
        source, partition, offset, None, 1, f"id-{offset}", "t", "en", skills, error, None, "m", "t", "v"
    )


def make_rows(start: int, end: int, source: str = SOURCE, partition: int = PARTITION) -> list[Row]:
    return [make_row(offset, source, partition) for offset in range(start, end)]


def published_offsets(store: Store, chain: Chain) -> list[int]:
    """Offsets of all rows as a reader of the folder sees them, in order of file names."""
    offsets: list[int] = []
    for name in store.names("tags"):
        if name.startswith(f"{chain.name}."):
            data = store.read(f"tags/{name}")
            offsets += pq.read_table(io.BytesIO(data), columns=["offset"])["offset"].to_pylist()
    return offsets


class Crash(BaseException):
    """The process is dead: nothing catches this."""


class MemoryStore:
    """Files in a dictionary: what an object store with conditional put is."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.listed = 0  # requests: a page each
        self.read_paths: list[str] = []
        self.bytes_read = 0
        self._sorted: dict[str, tuple[int, list[str]]] = {}

    def names(self, folder: str) -> list[str]:
        below = [path[len(folder) + 1 :] for path in self.files if path.startswith(f"{folder}/")]
        found = sorted({path.split("/")[0] for path in below})
        self.listed += 1 + len(found) // PAGE
        return found

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        self.listed += 1
        return first_after(self._in_order(folder), prefix, after)

    def _in_order(self, folder: str) -> list[str]:
        """Kept: to sort the names of a long chain for each request would take minutes."""
        files, names = self._sorted.get(folder, (-1, []))
        if files != len(self.files):
            way = f"{folder}/"
            names = sorted(path[len(way) :] for path in self.files if path.startswith(way))
            self._sorted[folder] = len(self.files), names
        return names

    def read(self, path: str) -> bytes | None:
        self.read_paths.append(path)
        self.bytes_read += len(self.files.get(path, b""))
        return self.files.get(path)

    def read_end(self, path: str, size: int) -> bytes | None:
        self.read_paths.append(path)
        self.bytes_read += min(size, len(self.files.get(path, b"")))
        return None if path not in self.files else self.files[path][-size:]

    def create(self, path: str, data: bytes) -> bool:
        return self.files.setdefault(path, data) is data

    def sweep(self) -> int:
        return 0

    def probe(self) -> None: ...


def new_object_store() -> ObjectStore:
    """The real class for object stores, over obstore's store in memory."""
    root = ObjectURL("s3", "bucket", "")
    return ObjectStore(root / "out", Bucket(root, ObstoreMemory()))


class CrashAt(LocalStore):
    """Dies before, after or (when it writes) in the middle of the nth call of a step, and stays dead."""

    def __init__(self, root: Path, step: str, moment: str, nth: int = 1) -> None:
        super().__init__(root)
        self._at = (step, moment)
        self._left = nth
        self._dead = False

    def _take(self, step: str, act: Callable[[], object]) -> object:
        if self._dead:
            raise Crash
        if self._at[0] != step or (left := self._left) != 1:
            self._left -= self._at[0] == step
            return act()
        self._left = left - 1
        self._dead = True
        if self._at[1] == "after":
            act()
        raise Crash

    def _make_folder(self, folder: Path) -> None:
        self._take("make_folder", lambda: LocalStore._make_folder(self, folder))

    def _write(self, temporary: Path, data: bytes) -> None:
        if self._at == ("write", "middle") and self._left == 1 and not self._dead:
            self._dead = True
            temporary.write_bytes(data[: len(data) // 2])
            raise Crash
        self._take("write", lambda: LocalStore._write(self, temporary, data))

    def _link(self, temporary: Path, target: Path) -> bool:
        return bool(self._take("link", lambda: LocalStore._link(self, temporary, target)))

    def _remove(self, temporary: Path) -> None:
        self._take("remove", lambda: LocalStore._remove(self, temporary))

    def _sync_folder(self, folder: Path) -> None:
        self._take("sync_folder", lambda: LocalStore._sync_folder(self, folder))


class SteppedWriter:
    """A writer in a thread of its own that takes one storage step each time it is told to, or dies there."""

    def __init__(self, store: Store, work: Callable[[Store], None]) -> None:
        self._store = store
        self._go = threading.Semaphore(0)
        self._arrived = threading.Semaphore(0)
        self._killed = False
        self.done = False
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()
        self._arrived.acquire()

    def step(self) -> None:
        """Lets it do its next storage step and everything up to the one after it."""
        if not self.done:
            self._go.release()
            self._arrived.acquire()

    def kill(self) -> None:
        self._killed = True
        self.step()
        self._thread.join()

    def _run(self, work: Callable[[Store], None]) -> None:
        try:
            work(self)
        except Crash:
            pass
        except BaseException as error:
            self.error = error
        self.done = True
        self._arrived.release()

    def _wait(self) -> Store:
        self._arrived.release()
        self._go.acquire()
        if self._killed:
            raise Crash
        return self._store

    def names(self, folder: str) -> list[str]:
        return self._wait().names(folder)

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        return self._wait().names_after(folder, prefix, after)

    def read(self, path: str) -> bytes | None:
        return self._wait().read(path)

    def read_end(self, path: str, size: int) -> bytes | None:
        return self._wait().read_end(path, size)

    def create(self, path: str, data: bytes) -> bool:
        return self._wait().create(path, data)

    def sweep(self) -> int:
        return self._wait().sweep()

    def probe(self) -> None: ...
