"""The output in an object store: one conditional put a file.

A put is whole or not there, and durable once it is answered: there are no temporary files, nothing to sync
and nothing to sweep. `If-None-Match: *` makes it fail if the name exists: the compare-and-swap that the
chain stands on. Uploads in parts, which can be left half done, are never used.
"""

from __future__ import annotations

import logging
import secrets

from skillstream.errors import OutputError, RunError
from skillstream.storage.bucket import Bucket, open_bucket
from skillstream.storage.url import ObjectURL

__all__ = ["ObjectStore"]

logger = logging.getLogger(__name__)

_PROBE_BYTES = 1 << 16


class ObjectStore:
    """A folder of a bucket; see `skillstream.storage.store.Store`.

    Args:
        root: the folder's address.
        bucket: where it is, by default what the address says.
    """

    def __init__(self, root: ObjectURL, bucket: Bucket | None = None) -> None:
        self.root = root
        self._bucket = open_bucket(ObjectURL(root.scheme, root.bucket, "")) if bucket is None else bucket

    def names(self, folder: str) -> list[str]:
        return self._bucket.names(self._key(folder))

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        return self._bucket.names_after(self._key(folder), prefix, after)

    def read(self, path: str) -> bytes | None:
        return self._bucket.read(self._key(path))

    def read_end(self, path: str, size: int) -> bytes | None:
        return self._bucket.read_end(self._key(path), size)

    def create(self, path: str, data: bytes) -> bool:
        return self._bucket.create(self._key(path), data)

    def sweep(self) -> int:
        """Nothing is ever left over."""
        return 0

    def probe(self) -> None:
        path = f".probe-{secrets.token_hex(8)}"
        try:
            self.create(path, bytes(_PROBE_BYTES))
            honoured = not self.create(path, b"")
        except RunError as error:
            raise OutputError(str(error)) from error
        try:
            self._bucket.delete(self._key(path))
        except RunError as error:
            # Output that is only ever added to needs no right to remove anything.
            logger.warning("%s: it is a left-over of the check at start, and does no harm", error)
        if not honoured:
            raise OutputError(
                f"{self.root}: this store overwrites objects although asked to create them only if absent "
                "(If-None-Match), which exactly-once output needs"
            )

    def _key(self, path: str) -> str:
        return "/".join(part for part in (self.root.key, path) if part)
