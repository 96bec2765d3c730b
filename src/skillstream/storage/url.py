"""Addresses in object stores: `s3://bucket/key`, `gs://bucket/key`, `az://container/key`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from skillstream.errors import UsageError

__all__ = ["SCHEMES", "ObjectURL", "is_url", "parse_url", "shown"]

SCHEMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}")
_USER = re.compile(r"(://)[^/@]*@")
_QUERY = re.compile(r"\?.*", re.DOTALL)


@dataclass(frozen=True, order=True)
class ObjectURL:
    """A place in an object store. `key` has no `/` at either end; empty: the bucket itself."""

    scheme: str
    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.bucket}" + (f"/{self.key}" if self.key else "")

    def __truediv__(self, name: str) -> ObjectURL:
        return ObjectURL(self.scheme, self.bucket, f"{self.key}/{name}" if self.key else name)

    @property
    def name(self) -> str:
        """The last part: of the key, or the bucket's name."""
        return self.key.rpartition("/")[2] or self.bucket


def is_url(text: str | Path | ObjectURL) -> bool:
    """Whether this names something elsewhere, rather than a file or folder."""
    return isinstance(text, ObjectURL) or (isinstance(text, str) and "://" in text)


def parse_url(text: str | ObjectURL) -> ObjectURL:
    """The parts of an address.

    Credentials never belong into it: addresses are shown, logged and kept in `run.json`.

    Raises:
        UsageError: an unknown kind, no bucket, or credentials in it. The message does not repeat them.
    """
    if isinstance(text, ObjectURL):
        return text
    scheme, _, rest = text.partition("://")
    safe = shown(text)
    if scheme not in SCHEMES:
        raise UsageError(f"{safe}: expected a folder or {', '.join(f'{s}://' for s in SCHEMES)}")
    bucket, _, key = rest.partition("/")
    if "@" in bucket or "?" in rest:
        raise UsageError(
            f"{safe}: expected {scheme}://bucket/path, got a user name or a query string, which may hold "
            "secrets; give credentials by environment variables or by the machine's own role"
        )
    if not _BUCKET.fullmatch(bucket):
        raise UsageError(
            f"{safe}: {bucket!r} is no bucket's name; expected {scheme}://bucket/path "
            "(another server than the provider's is named by an environment variable)"
        )
    parts = key.strip("/").split("/") if key.strip("/") else []
    if any(part in ("", ".", "..") for part in parts):
        raise UsageError(f"{safe}: expected a path without empty parts and dots")
    return ObjectURL(scheme, bucket, "/".join(parts))


def shown(text: str) -> str:
    """An address fit to be shown: what may hold credentials is left out."""
    return _QUERY.sub("?***", _USER.sub(r"\1***@", text))
