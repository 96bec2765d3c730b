"""Where input files lie: on a file system, or in an object store, where they are read piece by piece.

Nothing is copied to this machine's disk. Every request names the ETag of the content that was planned, so
that a changed object gives an error and never a mixture.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from skillstream.errors import RunError
from skillstream.storage.bucket import Bucket, ChangedError, open_bucket
from skillstream.storage.url import ObjectURL, is_url, parse_url

__all__ = ["FileState", "input_exists", "input_state", "list_objects", "match_objects", "open_input"]

# What is asked for at once: large enough that the way to the store and back does not count.
_OBJECT_BLOCK_BYTES = 4 << 20


@dataclass(frozen=True)
class FileState:
    """What changes when a file changes: `mtime_ns` of local files, the `etag` of objects."""

    size: int
    mtime_ns: int = 0
    etag: str = ""


def input_state(path: str) -> FileState:
    """The state of a file or object now. Raises `OSError` if it is not there or cannot be looked at."""
    if not is_url(path):
        found = Path(path).stat()
        return FileState(found.st_size, found.st_mtime_ns)
    url = parse_url(path)
    try:
        item = _bucket(url).stat(url.key)
    except RunError as error:
        raise OSError(str(error)) from error
    if item is None:
        raise FileNotFoundError("there is no such object")
    return FileState(item.size, etag=item.etag)


def input_exists(url: ObjectURL) -> bool:
    """Whether there is an object of this name. Raises `RunError` if the store cannot be asked."""
    return _bucket(url).stat(url.key) is not None


def open_input(path: str, etag: str = "", *, buffered: bool = True) -> BinaryIO:
    """The file for reading; of an object, the content with this ETag. `buffered`: few and large requests.

    Raises:
        OSError: here or while reading: it is not there, has changed or cannot be read.
    """
    if not is_url(path):
        return Path(path).open("rb")
    raw = _ObjectFile(parse_url(path), etag)
    return cast("BinaryIO", io.BufferedReader(raw, _OBJECT_BLOCK_BYTES) if buffered else raw)


def list_objects(folder: ObjectURL) -> list[ObjectURL]:
    """All objects below a folder, in order; markers of folders, whose keys end in `/`, are none."""
    found = _bucket(folder).walk(folder.key)
    return [ObjectURL(folder.scheme, folder.bucket, item.key) for item in found if item.key[-1] != "/"]


def match_objects(pattern: ObjectURL) -> list[ObjectURL]:
    """The objects that a pattern names: `*` and `[...]` within a part of the key, `**` over parts, too."""
    fixed = re.split(r"[*\[]", pattern.key)[0].rpartition("/")[0]
    matches = re.compile(_as_regex(pattern.key)).fullmatch
    return [url for url in list_objects(ObjectURL(pattern.scheme, pattern.bucket, fixed)) if matches(url.key)]


def _as_regex(pattern: str) -> str:
    pieces = re.split(r"(\*\*/|\*\*|\*|\[!?\]?[^\]]*\])", pattern)
    special = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*"}
    return "".join(special.get(piece) or _as_class(piece) for piece in pieces)


def _as_class(piece: str) -> str:
    if not piece.startswith("[") or not piece.endswith("]"):
        return re.escape(piece)
    inside = piece[1:-1].replace("\\", r"\\")
    return f"[^{inside[1:]}]" if inside.startswith("!") else f"[{inside}]"


def _bucket(url: ObjectURL) -> Bucket:
    return open_bucket(ObjectURL(url.scheme, url.bucket, ""))


class _ObjectFile(io.RawIOBase):
    """One content of an object as a file."""

    def __init__(self, url: ObjectURL, etag: str) -> None:
        state = input_state(str(url))
        if etag and state.etag != etag:
            raise OSError("it has changed")
        self._url, self._state = url, state
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._state.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        end = min(self._at + len(buffer), self._state.size)
        if self._at >= end:
            return 0
        try:
            data = _bucket(self._url).read_range(self._url.key, self._state.etag, self._at, end)
        except ChangedError as error:
            raise OSError("it has changed since it was planned; run again to tag it as it is now") from error
        except RunError as error:
            raise OSError(str(error)) from error
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
