"""A version of a skills index as one value, to travel where no folder is shared."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import msgspec

from skillstream.index_files import version_folder

__all__ = ["IndexPackage", "pack_index", "unpack_index"]


class IndexPackage(msgspec.Struct, frozen=True, array_like=True):
    """The files of one version folder; `version` names it."""

    version: str
    files: dict[str, bytes]


def pack_index(folder: str | Path) -> IndexPackage:
    """The current version of the index in `folder`, whole.

    Raises:
        IndexFormatError: the folder holds no index.
    """
    version = version_folder(folder)
    files = {path.name: path.read_bytes() for path in sorted(version.iterdir()) if path.is_file()}
    return IndexPackage(version=version.name, files=files)


def unpack_index(package: IndexPackage, cache: Path) -> Path:
    """Writes the package below `cache` once per machine and returns the version's folder.

    Processes may race: the folder appears under its name only when it is whole, and the first wins.
    """
    target = cache / package.version
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".unpack-", dir=cache))
    for name, content in package.files.items():
        (temporary / name).write_bytes(content)
    try:
        temporary.rename(target)
    except OSError:
        shutil.rmtree(temporary, ignore_errors=True)
        if not target.is_dir():
            raise
    return target
