"""A version of a skills index as one value, to travel where no folder is shared."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from skillstream.errors import IndexFormatError
from skillstream.index.skills_index import SkillsIndex, load_index
from skillstream.index.versions import FORMAT_VERSION, LOCK, prune_versions, version_folder
from skillstream.storage import remove_whole, sweep, taking_turns, whole_folder

__all__ = ["IndexPackage", "load_package", "pack_index", "unpack_index"]

# A process that was given a folder may be about to load it.
UNUSED_S = 86_400.0


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
    """Writes the package below `cache` once per machine and returns the version's folder, checked."""
    return _open_package(package, cache)[0]


def load_package(package: IndexPackage, cache: Path) -> SkillsIndex:
    """The index in `package`, from its folder below `cache`, which is written once per machine.

    It is read and checked once. Processes take turns, by a lock that dies with its holder. A folder there
    that is damaged is made again, what dead processes left is swept, and versions not used for a day give
    way to newer ones.

    Raises:
        OSError: `cache` cannot be written.
    """
    return _open_package(package, cache)[1]


def _open_package(package: IndexPackage, cache: Path) -> tuple[Path, SkillsIndex]:
    target = cache / f"{package.version}-{FORMAT_VERSION}"
    with taking_turns(cache / LOCK):
        sweep(cache)
        try:
            index = load_index(target)
        except IndexFormatError:  # not there, or damaged on disk
            with whole_folder(target) as temporary:
                for name, content in package.files.items():
                    (temporary / name).write_bytes(content)
                remove_whole(target)
            index = load_index(target)
        os.utime(target)  # in use: the newest, as far as pruning goes
        prune_versions(cache, keep=target, min_age_s=UNUSED_S)
    return target, index
