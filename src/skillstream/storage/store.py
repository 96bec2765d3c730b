"""Storage primitives of the chain of files: list, read, create only if absent.

A `Store` is all that `skillstream.output.chain` and `skillstream.output.run_info` know about where the
output lies, so that another kind of storage is another class and nothing else. Paths are relative to the
store's root, with `/` between folders.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from skillstream.errors import OutputError, RunError, UsageError
from skillstream.storage.local_store import LocalStore
from skillstream.storage.url import ObjectURL, is_url, parse_url

__all__ = ["LocalStore", "Store", "check_local", "folder_name", "open_store"]


class Store(Protocol):
    """Where files are. Everything raises `RunError` with one clear line if the storage fails."""

    def names(self, folder: str) -> list[str]:
        """Names of the files and folders directly in `folder`, sorted; none if it does not exist."""

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        """The first `PAGE` names in `folder` that begin with `prefix` and come after `after`; fewer are all.

        One request to an object store, wherever in the folder that is. The listing may be some seconds old,
        as many callers share one: new names may be missing, and files in it may be gone.
        """

    def read(self, path: str) -> bytes | None:
        """The whole file; `None` if there is none."""

    def read_end(self, path: str, size: int) -> bytes | None:
        """The last `size` bytes of the file, or all if it has fewer; `None` if there is none."""

    def create(self, path: str, data: bytes) -> bool:
        """Make the file whole, visible and durable, only if there is none: False if there is one.

        Of racing writers exactly one gets True. Once it returns, the file survives a power cut,
        whoever made it.
        """

    def sweep(self) -> int:
        """Remove what dead writers left; how many files."""

    def probe(self) -> None:
        """Try what `create` needs, and leave nothing behind. Raises `OutputError` if it fails."""


def open_store(root: str | Path) -> Store:
    """The store for an output folder or an address in an object store.

    Raises:
        OutputError: an address of a kind not supported, with credentials in it, or that the environment
            says too little for.
    """
    if not is_url(root):
        return LocalStore(Path(root))
    # Imported when it is used: local files need no obstore.
    from skillstream.storage.object_store import ObjectStore

    try:
        return ObjectStore(parse_url(str(root)))
    except (UsageError, RunError) as error:
        raise OutputError(f"output {error}") from error


def folder_name(root: str | Path | ObjectURL) -> str:
    """The output as one way of writing it: absolute, without links or slashes at the end."""
    if isinstance(root, Path):
        return str(root.resolve())
    return str(parse_url(root) if is_url(root) else Path(str(root)).resolve())


def check_local(flag: str, folder: str | Path) -> None:
    """Refuses an address in an object store where only folders will do. Raises `OutputError`."""
    if is_url(folder):
        raise OutputError(f"{flag} must be a folder of this machine; copy it to the object store afterwards")
