"""Folders of an object store (a model, a version of an index) as folders of this machine, fetched once.

A copy is kept in the user's cache under a name made of the address and the ETag of every object in it: other
content is another copy, and whatever lies there under its name is whole. Processes that want the same one
take turns, by a lock that dies with its holder.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from skillstream.errors import RunError
from skillstream.storage.bucket import Bucket, ObjectInfo, open_bucket
from skillstream.storage.url import ObjectURL
from skillstream.storage.user_cache import cache_folder, writable_folder
from skillstream.storage.whole import prune, sweep, taking_turns, whole_folder

__all__ = ["fetch_file", "fetch_folder", "push_folder", "replace_file"]

_BLOCK_BYTES = 8 << 20

# A process that was given a copy may be about to load it; long-running ones keep theirs open.
UNUSED_S = 7 * 86_400.0

# A pointer that cannot be read is looked at again soon anyway.
_LOOK_PATIENCE_S = 5.0


def fetch_folder(url: ObjectURL) -> Path | None:
    """A copy of the folder, whose last part is the folder's own name; `None` if there is nothing.

    Raises:
        RunError: the store cannot be used, the folder changed meanwhile, or the cache cannot be written.
    """
    bucket = _bucket(url)
    items = [item for item in bucket.walk(url.key) if item.key[-1] != "/"]
    if not items:
        return None
    facts = "\n".join(f"{item.key}\0{item.etag}\0{item.size}" for item in items)
    key = hashlib.sha256(f"{url}\n{facts}".encode()).hexdigest()[:24]
    cache = writable_folder(cache_folder() / "fetched")
    target = cache / key / url.name
    try:
        with taking_turns(cache / f"{key}.lock"):
            sweep(cache, key)
            if not target.is_dir():
                _fetch(bucket, url, items, target)
            os.utime(target.parent)  # in use
        sweep(cache, unchanged_s=UNUSED_S)
        prune((copy for copy in cache.glob("[!.]*") if copy.is_dir()), UNUSED_S)
    except OSError as error:
        raise RunError(f"{url} cannot be kept in the cache: {error}") from error
    return target


def fetch_file(url: ObjectURL) -> bytes | None:
    """A small object as it is now, such as a pointer; `None` if there is none.

    Raises:
        RunError: the store cannot be used; it is not waited for.
    """
    return _bucket(url).read(url.key, _LOOK_PATIENCE_S)


def push_folder(folder: Path, url: ObjectURL) -> None:
    """The folder's files to `url`, each in one piece; they are there when this returns.

    Raises:
        RunError: the store cannot be used, or a file cannot be read.
    """
    bucket = _bucket(url)
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            bucket.replace((url / path.relative_to(folder).as_posix()).key, path.read_bytes())
    except OSError as error:
        raise RunError(f"{folder} cannot be read: {error}") from error


def replace_file(url: ObjectURL, data: bytes) -> None:
    """Write one object, whatever lies there. Raises `RunError` if the store cannot be used."""
    _bucket(url).replace(url.key, data)


def _fetch(bucket: Bucket, url: ObjectURL, items: list[ObjectInfo], target: Path) -> None:
    with whole_folder(target.parent) as temporary:
        for item in items:
            path = temporary / target.name / item.key.removeprefix(f"{url.key}/" if url.key else "")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for start in range(0, item.size, _BLOCK_BYTES):
                    end = min(start + _BLOCK_BYTES, item.size)
                    file.write(bucket.read_range(item.key, item.etag, start, end))


def _bucket(url: ObjectURL) -> Bucket:
    return open_bucket(ObjectURL(url.scheme, url.bucket, ""))
