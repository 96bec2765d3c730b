"""The output on a local or mounted file system: temporary file, fsync, link, fsync of the folder."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
from pathlib import Path

from skillstream.errors import OutputError, RunError
from skillstream.storage.listing import first_after
from skillstream.storage.temporary_names import is_temporary, temporary_name, writer_is_alive

__all__ = ["LocalStore"]

# Temporary files of a writer on another host are left alone for this long: a live writer needs
# seconds between creating and linking one, and a stopped virtual machine may need minutes.
TEMPORARY_MAX_AGE_S = 3600.0

# A disk that has no room for this has none for a chunk.
_PROBE_BYTES = 1 << 16
# What link() answers on file systems without hard links (FAT, many FUSE and SMB mounts).
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}

# A listing serves all chains of a process for a while: with a chain for each of 100,000 input files, to list
# them all for every single one would take hours. However long one takes, it is a fiftieth of the time.
LISTING_AGE_S = 2.0
LISTING_PAUSE = 50
_LISTINGS: dict[Path, tuple[list[str], float]] = {}

# Folders whose way up this process has synced, by path, and which folder it was (its inode).
_SYNCED: dict[Path, int] = {}
_MOST_SYNCED = 1000


class LocalStore:
    """A folder of a local file system: temporary file, fsync, link, fsync of the folder.

    `link` fails if the name exists, on every POSIX file system and on NFS: the compare-and-swap
    that the chain stands on. File systems without hard links are refused. Temporary files lie in the root:
    readers list the folders below it, and some stumble over any other file there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self, folder: str) -> list[str]:
        try:
            return sorted(os.listdir(self.root / folder))  # noqa: PTH208 (iterdir: three times slower)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _failed("cannot list", self.root / folder, error) from error

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        return first_after(self._shared_names(folder), prefix, after)

    def read(self, path: str) -> bytes | None:
        try:
            return (self.root / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed("cannot read", self.root / path, error) from error

    def read_end(self, path: str, size: int) -> bytes | None:
        try:
            with (self.root / path).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - size))
                return file.read()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed("cannot read", self.root / path, error) from error

    def create(self, path: str, data: bytes) -> bool:
        target = self.root / path
        temporary = self.root / temporary_name()
        try:
            self._make_folder(target.parent)
            try:
                self._write(temporary, data)
                return self._link(temporary, target)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    self._remove(temporary)
                # Also after a lost race: the winner may have died before it synced the folder.
                self._sync_folder(target.parent)
        except OSError as error:
            raise _failed("cannot write", target, error) from error

    def sweep(self) -> int:
        removed = 0
        temporaries = [name for name in self.names("") if is_temporary(name)]
        now = self._file_time() if temporaries else 0.0
        for name in temporaries:
            temporary = self.root / name
            alive = writer_is_alive(name)
            with contextlib.suppress(OSError):  # another sweep may have been faster
                if alive is False or (
                    alive is None and now - temporary.stat().st_mtime > TEMPORARY_MAX_AGE_S
                ):
                    temporary.unlink()
                    removed += 1
        return removed

    def probe(self) -> None:
        name = temporary_name()
        made = [folder for folder in (self.root, *self.root.parents) if not folder.exists()]
        try:
            self.create(name, bytes(_PROBE_BYTES))
            (self.root / name).unlink()
        except (RunError, OSError) as error:
            with contextlib.suppress(OSError):
                (self.root / name).unlink()
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
            raise OutputError(str(error)) from error

    def _shared_names(self, folder: str) -> list[str]:
        """All names in the folder, as a listing says that this process made some seconds ago."""
        path = Path(os.path.abspath(self.root / folder))  # noqa: PTH100 (resolve asks the file system)
        begun = time.monotonic()
        names, expires = _LISTINGS.get(path, ([], begun))
        if begun >= expires:
            names = self.names(folder)
            for old in [old for old, (_, expires) in list(_LISTINGS.items()) if expires <= begun]:
                _LISTINGS.pop(old, None)
            seconds = time.monotonic() - begun
            _LISTINGS[path] = names, begun + max(LISTING_AGE_S, seconds * LISTING_PAUSE)
        return names

    def _file_time(self) -> float:
        """Now, by the clock that the file system's times are of: a file server has its own."""
        probe = self.root / temporary_name()
        try:
            probe.touch()
            try:
                return probe.stat().st_mtime
            finally:
                probe.unlink(missing_ok=True)
        except OSError as error:
            raise _failed("cannot write", probe, error) from error

    # The steps of `create`, one method each: tests crash and fail at every one of them.

    def _make_folder(self, folder: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            if _SYNCED.get(folder) == folder.stat().st_ino:
                return
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None
        self._sync_way_to(folder)
        if len(_SYNCED) >= _MOST_SYNCED:
            _SYNCED.clear()
        _SYNCED[folder] = folder.stat().st_ino

    def _sync_way_to(self, folder: Path) -> None:
        """Syncs all folders above, whoever made them: that process may have died before it did."""
        device = folder.stat().st_dev
        way = list(
            itertools.takewhile(lambda parent: parent.stat().st_dev == device, folder.absolute().parents)
        )
        for parent in reversed(way):
            try:
                _sync(parent)
            except PermissionError:
                if self.root.absolute() in (parent, *parent.parents):
                    raise

    def _write(self, temporary: Path, data: bytes) -> None:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def _link(self, temporary: Path, target: Path) -> bool:
        try:
            os.link(temporary, target)
        except FileExistsError:
            # NFS may repeat a request that had succeeded: then the name is there, and it is ours.
            return temporary.samefile(target)
        return True

    def _remove(self, temporary: Path) -> None:
        temporary.unlink()

    def _sync_folder(self, folder: Path) -> None:
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _failed(what: str, path: Path, error: OSError) -> RunError:
    if error.errno in _NO_LINKS and error.filename2 is not None:
        return RunError(
            f"cannot create {path}: this file system has no hard links, which exactly-once output needs; "
            "choose a folder on a local disk or NFS"
        )
    reason = error.strerror or str(error)
    remedy = ""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        remedy = "; nothing is lost: make room and start again"
    elif error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        remedy = "; choose a folder that this user can write"
    return RunError(f"{what} {path}: {reason}{remedy}")
