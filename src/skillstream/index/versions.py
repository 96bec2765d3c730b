"""Versions of a skills index on disk: written whole or not at all, checked when read.

See `skillstream.index.skills_index` for the layout of the folder.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from filelock import FileLock

from skillstream.errors import IndexFormatError, OutputError, RunError
from skillstream.storage import (
    ObjectURL,
    fetch_file,
    fetch_folder,
    is_url,
    parse_url,
    push_folder,
    replace_file,
)
from skillstream.taxonomy import Skill

__all__ = [
    "IndexInfo",
    "current_version",
    "prune_versions",
    "push_version",
    "read_version",
    "remove_version",
    "sync",
    "version_folder",
    "write_version",
]

FORMAT_VERSION = 1
POINTER, LOCK = "CURRENT", ".lock"
INFO, SKILLS, VECTORS = "index.json", "skills.parquet", "vectors.npy"
KEPT_VERSIONS = 3  # running jobs may still read the one before
# Waits in seconds: writers may prune a version between our reading the pointer and reading the version.
READ_WAITS = (0.0, 0.01, 0.05, 0.2)

TEXTS = pa.list_(pa.string())
SKILLS_SCHEMA = pa.schema(
    {"uri": pa.string(), "label": pa.string(), "alt_labels": TEXTS, "groups": TEXTS, "kind": pa.string()}
)
Floats = npt.NDArray[np.float32]


class IndexInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `index.json`.

    `version` is the fingerprint of vectors, taxonomy and model; `checksums` (XXH3-128, hex) are those of the
    other files.
    """

    format_version: int = FORMAT_VERSION
    version: str
    count: int
    dim: int
    metric: str = "cosine"
    model_name: str
    model_fingerprint: str
    backend: str
    taxonomy_name: str
    taxonomy_version: str
    taxonomy_fingerprint: str
    created: str
    checksums: dict[str, str] = {}


def current_version(folder: str | Path) -> str:
    """Name of the version in use. Reads one small file, so that running jobs can look often.

    Raises:
        IndexFormatError: no index there, or it cannot be read.
    """
    if is_url(folder):
        return _remote_version(parse_url(str(folder))).name
    return version_folder(folder).name


def version_folder(folder: str | Path) -> Path:
    """The folder of the version in use; `folder` itself if it is a version's own.

    Of an index in an object store, a copy of that version's folder (see `skillstream.storage.remote_folder`).

    Raises:
        IndexFormatError: no index there, or it cannot be read.
    """
    if is_url(folder):
        return _fetch_version(parse_url(str(folder)))
    folder = Path(folder)
    with _errors_told(folder):
        try:
            version = (folder / POINTER).read_text("utf-8", errors="replace").strip()
        except (FileNotFoundError, NotADirectoryError) as error:
            if (folder / INFO).is_file():
                return folder.resolve()
            raise IndexFormatError(
                f"{folder} holds no skills index (no file {POINTER}): make one with "
                f"'skillstream index build --output {folder}'"
            ) from error
    return folder / _checked(version, folder)


def _fetch_version(folder: ObjectURL) -> Path:
    version = _remote_version(folder)
    try:
        found = fetch_folder(version)
    except RunError as error:
        raise IndexFormatError(f"skills index {folder}: {error}") from error
    if found is None:
        raise IndexFormatError(f"skills index {folder} lacks its version {version.name}: build it again")
    return found


def _remote_version(folder: ObjectURL) -> ObjectURL:
    try:
        pointer = fetch_file(folder / POINTER)
        if pointer is not None:
            return folder / _checked(pointer.decode(errors="replace").strip(), folder)
        if fetch_file(folder / INFO) is not None:
            return folder
    except RunError as error:
        raise IndexFormatError(f"skills index {folder}: {error}") from error
    raise IndexFormatError(
        f"{folder} holds no skills index (no file {POINTER}): make one with "
        f"'skillstream index build --output {folder}'"
    )


def _checked(version: str, folder: Path | ObjectURL) -> str:
    if not version.isalnum():
        raise IndexFormatError(f"{folder / POINTER} is damaged: build the index again")
    return version


def push_version(version: Path, folder: ObjectURL) -> ObjectURL:
    """Copies a version's folder to an object store and makes it the current one there; its address.

    The pointer comes last: readers see all of a version or nothing. Older versions stay.

    Raises:
        OutputError: the store cannot be used.
    """
    try:
        push_folder(version, folder / version.name)
        replace_file(folder / POINTER, f"{version.name}\n".encode())
    except RunError as error:
        raise OutputError(f"skills index: {error}") from error
    return folder / version.name


def write_version(folder: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Floats) -> Path:
    """Writes a version and makes it the current one; returns its folder.

    Writers of one folder take turns, by a lock that dies with its holder. Each

    1. sweeps what dead writers left,
    2. writes all files into a hidden folder, and flushes them to disk,
    3. renames it to the version's name; if that exists whole, it has the same content and ours is dropped,
    4. replaces the pointer,
    5. removes old versions.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = folder / info.version
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK):
            for left in folder.glob(".tmp-*"):  # 1
                shutil.rmtree(left)
            temporary = folder / f".tmp-{info.version}"
            try:
                _write_files(temporary, info, skills, vectors)  # 2
                _put_in_place(temporary, target)  # 3
                _replace_pointer(folder, info.version)  # 4
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            prune_versions(folder, keep=target)  # 5
    except OSError as error:
        raise OutputError(f"skills index cannot be written to {folder}: {error}") from error
    return target


def read_version(folder: str | Path) -> tuple[IndexInfo, list[Skill], Floats]:
    """Info, skills and memory-mapped vectors of the current version, checksums verified.

    Raises:
        IndexFormatError: no index there, another format version, or files missing, damaged or not readable.
    """
    for wait in (*READ_WAITS, None):
        version = version_folder(folder)
        try:
            with _errors_told(version):
                return _read_files(version)
        except FileNotFoundError as error:
            if wait is None:
                raise IndexFormatError(
                    f"skills index {version} lacks {error.filename}: build it again"
                ) from error
            time.sleep(wait)
    raise AssertionError("the last round returns or raises")


@contextmanager
def _errors_told(path: Path) -> Iterator[None]:
    """Errors of the file system as IndexFormatError: a job that looks for a new version must not die of them.

    Missing files pass: that is the callers' business.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexFormatError(f"skills index {path} cannot be read: {error}") from error


def _write_files(temporary: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Floats) -> None:
    temporary.mkdir()
    columns = {field: [getattr(skill, field) for skill in skills] for field in Skill.__struct_fields__}
    pq.write_table(pa.table(columns, schema=SKILLS_SCHEMA), temporary / SKILLS, compression="zstd")
    np.save(temporary / VECTORS, vectors, allow_pickle=False)
    checksums = {name: _checksum(temporary / name) for name in (SKILLS, VECTORS)}
    content = msgspec.json.encode(msgspec.structs.replace(info, checksums=checksums))
    (temporary / INFO).write_bytes(msgspec.json.format(content) + b"\n")
    for path in (*temporary.iterdir(), temporary):
        sync(path)


def _put_in_place(temporary: Path, target: Path) -> None:
    try:
        _read_files(target)
    except (IndexFormatError, OSError):  # not there, or damaged on disk
        remove_version(target)
        temporary.rename(target)
        sync(target.parent)
    else:
        os.utime(target)  # in use again: the newest, as far as pruning goes


def _replace_pointer(folder: Path, version: str) -> None:
    temporary = folder / f".tmp-{version}" / POINTER
    temporary.parent.mkdir(exist_ok=True)
    temporary.write_text(version + "\n", "utf-8")
    sync(temporary)
    temporary.replace(folder / POINTER)
    sync(folder)


def prune_versions(folder: Path, keep: Path, min_age_s: float = 0.0) -> None:
    """Removes all but the newest versions; `keep` stays, however old its folder is, and so do young ones."""
    versions = [path.parent for path in folder.glob(f"[!.]*/{INFO}")]
    versions.sort(key=lambda path: (path == keep, path.stat().st_mtime), reverse=True)
    for path in versions[KEPT_VERSIONS:]:
        if time.time() - path.stat().st_mtime >= min_age_s:
            remove_version(path)


def remove_version(version: Path) -> None:
    """Hides a version before it is removed, so that no half of it is ever seen under its name."""
    hidden = version.with_name(f".tmp-removed-{version.name}")
    if version.exists():
        version.rename(hidden)
        shutil.rmtree(hidden)


def _read_files(version: Path) -> tuple[IndexInfo, list[Skill], Floats]:
    try:
        content = (version / INFO).read_bytes()
        found = msgspec.json.decode(content, type=dict[str, object]).get("format_version")
        if found != FORMAT_VERSION:
            raise IndexFormatError(
                f"skills index {version} has format version {found}, "
                f"this skillstream reads {FORMAT_VERSION}: build it again"
            )
        info = msgspec.json.decode(content, type=IndexInfo)
    except msgspec.DecodeError as error:
        raise IndexFormatError(f"{version / INFO} is damaged ({error}): build the index again") from error
    for name in (SKILLS, VECTORS):
        if _checksum(version / name) != info.checksums.get(name):
            raise IndexFormatError(f"{version / name} is damaged (wrong checksum): build the index again")
    table = pq.read_table(version / SKILLS)
    skills = [Skill(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    vectors: Floats = np.load(version / VECTORS, mmap_mode="r", allow_pickle=False)
    if vectors.shape != (info.count, info.dim) or len(skills) != info.count or vectors.dtype != np.float32:
        raise IndexFormatError(
            f"skills index {version} states {info.count} skills of {info.dim} dimensions, but holds "
            f"{len(skills)} skills and vectors {vectors.dtype}{list(vectors.shape)}: build it again"
        )
    return info, skills, vectors


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        digest = xxhash.xxh3_128()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Flushes a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
