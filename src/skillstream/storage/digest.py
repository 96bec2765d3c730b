"""Digests of files, to notice damage and change; they are no signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import xxhash

__all__ = ["feed_file", "file_digest"]


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...


def file_digest(path: Path) -> str:
    """XXH3-128 of a file's content, 32 hexadecimal digits; raises OSError."""
    digest = xxhash.xxh3_128()
    feed_file(digest, path)
    return digest.hexdigest()


def feed_file(digest: Digest, path: Path) -> None:
    """A file's content into a digest of hashlib or xxhash, a block at a time; raises OSError."""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
