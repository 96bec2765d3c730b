"""Folders and files that are seen whole or not at all: the one way in which skillstream writes them.

What is written goes to a hidden `.tmp-NAME-...` beside its place and is renamed. Guarantees, on a local disk:

- Whoever looks under the name finds all of it or nothing, while it is written, after a kill, and after a
  power failure: what is inside is flushed to disk before the rename, the name after it.
- What fails leaves nothing. What was killed leaves a hidden folder, which the next `sweep` removes.
- Writers need no lock for this: each has its own hidden folder, and of two that race for one name the first
  wins, the second raises FileExistsError. `taking_turns` spares the second its work, and lets it sweep.
- What is removed is hidden first, so that no half of it is ever seen under its name.

Not for the output of a stream: see `skillstream.storage.store`, whose files other hosts write, too.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

__all__ = ["prune", "remove_whole", "sweep", "sync", "taking_turns", "whole_file", "whole_folder"]

HIDDEN = ".tmp-"
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A new, hidden folder to fill, which becomes `target` at the end of the block.

    Raises:
        FileExistsError: at the end, `target` is there and not empty.
        OSError: the disk's errors.
    """
    hidden = _hidden(target)
    hidden.mkdir(parents=True)
    try:
        yield hidden
        for folder, _, names in os.walk(hidden):
            for name in names:
                sync(Path(folder, name))
            sync(Path(folder))
        try:
            hidden.rename(target)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            raise FileExistsError(errno.EEXIST, "is there already", str(target)) from error
        sync(target.parent)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A hidden path to write to, which replaces `target` at the end of the block."""
    target.parent.mkdir(parents=True, exist_ok=True)
    hidden = _hidden(target)
    try:
        yield hidden
        sync(hidden)
        hidden.replace(target)
        sync(target.parent)
    finally:
        hidden.unlink(missing_ok=True)


@contextmanager
def taking_turns(lock: Path) -> Iterator[None]:
    """One process and thread at a time; the lock dies with its holder.

    Raises:
        OSError: the lock's folder cannot be written.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        yield


def remove_whole(folder: Path) -> None:
    """Removes a folder, if it is there."""
    hidden = _hidden(folder)
    try:
        folder.rename(hidden)
    except FileNotFoundError:
        return
    shutil.rmtree(hidden)


def sweep(folder: Path, name: str = "", unchanged_s: float = 0.0) -> None:
    """Removes what dead writers of `folder/name...` left.

    Without a lock that writers share, `unchanged_s` must be longer than any of them takes.
    """
    for left in folder.glob(f"{HIDDEN}{name}*"):
        with suppress(FileNotFoundError):  # another one sweeps, too
            if _age_s(left) < unchanged_s:
                continue
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


def prune(folders: Iterable[Path], unused_s: float, newest: int = 0) -> None:
    """Removes folders not used for so long by their times (`os.utime` says "in use"), but for the newest."""
    ages = []
    for folder in folders:
        with suppress(FileNotFoundError):  # another one prunes, too
            ages.append((_age_s(folder), folder))
    for age_s, folder in sorted(ages)[newest:]:
        if age_s >= unused_s:
            remove_whole(folder)


def sync(path: Path) -> None:
    """Flushes a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hidden(target: Path) -> Path:
    return target.with_name(f"{HIDDEN}{target.name}-{uuid.uuid4().hex}")


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime
