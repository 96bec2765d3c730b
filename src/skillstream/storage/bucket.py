"""Requests to one bucket of an object store, by obstore: with patience, and errors in one line.

A store that has answered before and is away now is restarting: it is asked again for minutes, so that a
running job goes on. One that has never answered is more likely a mistake, and is reported within seconds.

Not to be used before a fork: obstore's threads do not live on in the child.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from skillstream.backoff import backoff
from skillstream.errors import RunError
from skillstream.storage.bucket_errors import endpoint_variable, error_kind, error_words
from skillstream.storage.listing import PAGE
from skillstream.storage.url import ObjectURL
from skillstream.storage.waiting import WAITS

__all__ = ["Bucket", "ChangedError", "ObjectInfo", "open_bucket"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

# What obstore raises: its own errors, and Python's for what Python has words for.
_ERRORS = (BaseError, OSError, NotImplementedError, ValueError)

# One request: connecting, and all of it. A chunk's file is a few MB, inputs are read in blocks of as many.
CONNECT_S, REQUEST_S = 5, 60

# How long a request is tried again; see above.
FIRST_PATIENCE_S = 10.0
PATIENCE_S = 300.0
# Says another time for both: where something starts a process again and again, waiting is better than that.
PATIENCE_VARIABLE = "SKILLSTREAM_STORE_PATIENCE"
_MOST_DELAY_S = 5.0
_WARN_AT = 4  # the attempt that is worth a warning: the first ones take half a second

# Object metadata: who wrote it. A C# identifier, as Azure wants.
_WRITER = "writer"


class ChangedError(RunError):
    """An object is not, or no longer, the one that was asked for."""


@dataclass(frozen=True)
class ObjectInfo:
    """An object: its key in the bucket, size in bytes, and ETag, which every new content changes."""

    key: str
    size: int
    etag: str


class _AwayError(Exception):
    """The store is away; it is asked again."""


class Bucket:
    """One bucket.

    Everything raises `RunError` with one clear line if the store cannot be used, or does not answer in time.

    Args:
        root: the bucket's address.
        objects: obstore's store for it; any other one in tests.
        sleep, now: how to wait, and seconds that only grow, for tests.
    """

    def __init__(
        self,
        root: ObjectURL,
        objects: Any,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root
        self._objects = objects
        self._sleep = sleep
        self._now = now
        self._answered = False

    def read(self, key: str, patience_s: float = math.inf) -> bytes | None:
        """The whole object; `None` if there is none."""

        def request() -> bytes:
            return bytes(obstore.get(self._objects, key).bytes())

        try:
            return self._ask("read", key, request, patience_s)
        except FileNotFoundError:
            return None

    def read_range(self, key: str, etag: str, start: int, end: int) -> bytes:
        """Bytes [start, end) of the object that has this ETag.

        Raises:
            ChangedError: it is gone, or another one by now.
        """

        def request() -> bytes:
            return bytes(
                obstore.get(self._objects, key, options={"if_match": etag, "range": (start, end)}).bytes()
            )

        try:
            return self._ask("read", key, request)
        except FileNotFoundError:
            raise ChangedError(f"{self._url(key)} is gone") from None

    def read_end(self, key: str, size: int) -> bytes | None:
        """The last `size` bytes of the object, or all if it has fewer; `None` if there is none."""
        if self._root.scheme == "az":  # Azure knows no ranges from the end
            return self._read_end_by_size(key, size)

        def request() -> bytes:
            return bytes(obstore.get(self._objects, key, options={"range": {"suffix": size}}).bytes())

        try:
            return self._ask("read", key, request)
        except FileNotFoundError:
            return None

    def _read_end_by_size(self, key: str, size: int) -> bytes | None:
        found = self.stat(key)
        if found is None:
            return None
        try:
            return self.read_range(key, found.etag, max(0, found.size - size), found.size)
        except ChangedError:  # removed meanwhile: nothing here is ever written twice
            return None

    def create(self, key: str, data: bytes) -> bool:
        """Make the object only if there is none: False if there is one.

        Each call marks what it writes. "There is one already" may be the answer to a repetition of a request
        that had succeeded, when the answer to it was lost: the mark of what lies there tells.
        """
        writer = secrets.token_hex(16)

        def request() -> bool:
            try:
                obstore.put(
                    self._objects,
                    key,
                    data,
                    mode="create",
                    attributes={_WRITER: writer},
                    use_multipart=False,
                )
            except _ERRORS as error:
                if error_kind(error) not in ("exists", "changed"):
                    raise
                # S3 also answers "conflict" while somebody else is at it: then there may be nothing yet,
                # and this raises "missing", upon which we try again.
                held = obstore.get(self._objects, key, options={"range": (0, 1)}).attributes
                return held.get(_WRITER) == writer
            return True

        return self._ask("write", key, request, missing_passes=True)

    def replace(self, key: str, data: bytes) -> None:
        """Write the object, whatever lies there."""
        self._ask("write", key, lambda: obstore.put(self._objects, key, data, use_multipart=False))

    def delete(self, key: str) -> None:
        """Remove the object."""
        self._ask("remove", key, lambda: obstore.delete(self._objects, key))

    def stat(self, key: str) -> ObjectInfo | None:
        """What is at this key; `None` if there is nothing."""
        try:
            return _info(self._ask("look at", key, lambda: obstore.head(self._objects, key)))
        except FileNotFoundError:
            return None

    def names(self, folder: str) -> list[str]:
        """Names of the objects and folders directly in `folder`, sorted."""
        found = self._ask("list", folder, lambda: obstore.list_with_delimiter(self._objects, folder or None))
        keys = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return sorted(key.rstrip("/").rpartition("/")[2] for key in keys)

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        """The first `PAGE` names of objects in `folder` that begin with `prefix` and come after `after`.

        One request, as stores list in order of keys from any key on. Fewer names: that is all.
        """
        way = f"{folder}/" if folder else ""

        def request() -> list[str]:
            pages = obstore.list(
                self._objects, folder or None, offset=way + max(prefix, after), chunk_size=PAGE
            )
            return [item["path"].removeprefix(way) for item in next(iter(pages), [])]

        return [name for name in self._ask("list", folder, request) if name.startswith(prefix)]

    def walk(self, folder: str) -> list[ObjectInfo]:
        """All objects below `folder`, in order of their keys."""

        def request() -> list[ObjectInfo]:
            pages = obstore.list(self._objects, folder or None)
            return [_info(item) for page in pages for item in page]

        found = self._ask("list", folder, request)
        return sorted((item for item in found if item.key != folder), key=lambda item: item.key)

    def _ask(
        self,
        what: str,
        key: str,
        request: Callable[[], T],
        patience_s: float = math.inf,
        *,
        missing_passes: bool = False,
    ) -> T:
        """The answer to a request, asked again while the store is away.

        Raises:
            FileNotFoundError: there is no such object.
            ChangedError: it is not the one asked for.
            RunError: anything else.
        """
        started = self._now()
        patience_s = min(patience_s, store_patience_s(first=not self._answered))

        def ask_once() -> T:
            try:
                answer = request()
            except _ERRORS as error:
                url = self._url(key)
                kind = error_kind(error)
                if kind == "changed":
                    raise ChangedError(f"{url} has changed") from None
                if kind == "missing" and not missing_passes:
                    self._answered = True
                    raise FileNotFoundError(str(url)) from None
                passes = kind in ("passing", "missing") or (kind == "credentials" and self._answered)
                # Not `from error`: the library's text may hold signed addresses.
                problem = f"cannot {what} {url}: {error_words(error, url)}"
                if not passes or self._now() - started >= patience_s:
                    raise RunError(problem) from None
                WAITS.failed(problem)
                raise _AwayError(problem) from None
            self._answered = True
            return answer

        def warn(state: RetryCallState) -> None:
            if state.attempt_number == _WARN_AT and state.outcome is not None:
                logger.warning("%s; asking again for up to %.0f s", state.outcome.exception(), patience_s)

        retrying = Retrying(
            retry=retry_if_exception_type(_AwayError),
            wait=backoff(_MOST_DELAY_S),
            sleep=self._sleep,
            before_sleep=warn,
        )
        try:
            return retrying(ask_once)
        finally:
            WAITS.over()

    def _url(self, key: str) -> ObjectURL:
        return self._root / key if key else self._root


def store_patience_s(*, first: bool) -> float:
    """How long a request is tried again: seconds.

    Args:
        first: the store has not answered this process yet.

    Raises:
        RunError: the environment says something that is no number of seconds.
    """
    told = os.environ.get(PATIENCE_VARIABLE)
    if told is None:
        return FIRST_PATIENCE_S if first else PATIENCE_S
    try:
        seconds = float(told)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise RunError(f"{PATIENCE_VARIABLE} must be a number of seconds, got {told!r}")
    return seconds


@cache
def open_bucket(root: ObjectURL) -> Bucket:
    """The bucket of an address, by the environment's credentials; one client a process and bucket.

    Raises:
        RunError: the environment says something that cannot be, or too little.
    """
    options: dict[str, Any] = {
        "connect_timeout": timedelta(seconds=CONNECT_S),
        "timeout": timedelta(seconds=REQUEST_S),
    }
    # Our own patience is the outer one. Repetitions in here renew no credentials and say nothing.
    retries = {
        "max_retries": 2,
        "retry_timeout": timedelta(seconds=CONNECT_S),
        "backoff": {"init_backoff": timedelta(milliseconds=50), "max_backoff": timedelta(milliseconds=500)},
    }
    try:
        settings: Any = {"client_options": options, "retry_config": retries}
        objects: S3Store | GCSStore | AzureStore
        variable = endpoint_variable(root.scheme)
        if variable and os.environ[variable].startswith("http://"):
            options["allow_http"] = True  # who writes it so means it
        if root.scheme == "gs":
            objects = GCSStore(root.bucket, **settings)
        elif root.scheme == "az":
            objects = AzureStore(root.bucket, **settings)
        else:
            if bundle := os.environ.get("AWS_CA_BUNDLE"):
                options["root_certificate"] = Path(bundle).read_bytes()
            # One at a time: not every server knows the request that removes many.
            objects = S3Store(root.bucket, config={"disable_bulk_delete": True}, **settings)
    except _ERRORS as error:
        raise RunError(f"cannot use {root}: {error_words(error, root)}") from None
    return Bucket(root, objects)


def _info(item: Any) -> ObjectInfo:
    return ObjectInfo(item["path"], item["size"], item["e_tag"] or item["version"] or "")
