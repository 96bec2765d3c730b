"""Versions of a skills index on disk: written whole or not at all, checked when read.

See `skillstream.index` for the layout of the folder.
"""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from skillstream.errors import IndexFormatError, OutputError
from skillstream.taxonomy import Skill

__all__ = ["IndexInfo", "current_version", "read_version", "version_folder", "write_version"]

FORMAT_VERSION = 1
POINTER = "CURRENT"
INFO, SKILLS, VECTORS = "index.json", "skills.parquet", "vectors.npy"
KEPT_VERSIONS = 3  # running jobs may still read the one before
STALE_SECONDS = 3600.0  # temporary folders older than this belong to dead writers
READ_ATTEMPTS = 5  # a version can be pruned between reading the pointer and reading the version

TEXTS = pa.list_(pa.string())
SKILLS_SCHEMA = pa.schema(
    {"uri": pa.string(), "label": pa.string(), "alt_labels": TEXTS, "groups": TEXTS, "kind": pa.string()}
)
Floats = npt.NDArray[np.float32]


class IndexInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `index.json`.

    `version` is the fingerprint of vectors, skills and model; `checksums` (XXH3-128, hex) are those of the
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
        IndexFormatError: no index there.
    """
    return version_folder(folder).name


def version_folder(folder: str | Path) -> Path:
    """The folder of the version in use; `folder` itself if it is a version's own.

    Raises:
        IndexFormatError: no index there.
    """
    folder = Path(folder)
    try:
        version = (folder / POINTER).read_text("utf-8").strip()
    except OSError as error:
        if (folder / INFO).is_file():
            return folder.resolve()
        raise IndexFormatError(
            f"{folder} holds no skills index (no file {POINTER}): make one with "
            f"'skillstream index build --output {folder}'"
        ) from error
    if not version.isalnum():
        raise IndexFormatError(f"{folder / POINTER} is damaged: build the index again")
    return folder / version


def write_version(folder: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Floats) -> Path:
    """Writes a version and makes it the current one; returns its folder.

    1. Write all files into a hidden folder of our own, and flush them to disk.
    2. Rename it to the version's name; if that exists whole, it has the same content and ours is dropped.
    3. Replace the pointer.
    4. Prune old versions, and what dead writers left.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = folder / info.version
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            temporary = folder / f".tmp-{uuid.uuid4().hex}"
            try:
                _write_files(temporary, info, skills, vectors)  # 1
                _put_in_place(temporary, target)  # 2
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
            _replace_pointer(folder, info.version)  # 3
            if (target / INFO).exists():  # else another writer pruned it just before it became current
                break
        _prune(folder)  # 4
    except OSError as error:
        raise OutputError(f"skills index cannot be written to {folder}: {error}") from error
    return target


def read_version(folder: Path) -> tuple[IndexInfo, list[Skill], Floats]:
    """Info, skills and memory-mapped vectors of the current version, checksums verified.

    Raises:
        IndexFormatError: no index there, another format version, or files missing or damaged.
    """
    for attempt in range(READ_ATTEMPTS):
        version = version_folder(folder)
        try:
            return _read_files(version)
        except FileNotFoundError as error:
            if attempt + 1 == READ_ATTEMPTS or version_folder(folder) == version:
                raise IndexFormatError(
                    f"skills index {version} lacks {error.filename}: build it again"
                ) from error
    raise AssertionError("unreachable")


def _write_files(temporary: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Floats) -> None:
    temporary.mkdir()
    columns = {field: [getattr(skill, field) for skill in skills] for field in Skill.__struct_fields__}
    pq.write_table(pa.table(columns, schema=SKILLS_SCHEMA), temporary / SKILLS, compression="zstd")
    np.save(temporary / VECTORS, vectors, allow_pickle=False)
    checksums = {name: _checksum(temporary / name) for name in (SKILLS, VECTORS)}
    content = msgspec.json.encode(msgspec.structs.replace(info, checksums=checksums))
    (temporary / INFO).write_bytes(msgspec.json.format(content) + b"\n")
    for path in (*temporary.iterdir(), temporary):
        _sync(path)


def _put_in_place(temporary: Path, target: Path) -> None:
    if target.exists():
        try:
            _read_files(target)
        except (IndexFormatError, OSError):  # damaged on disk: make room for the whole one
            _remove(target)
        else:
            os.utime(target)  # in use again: the newest, as far as pruning goes
            return
    try:
        temporary.rename(target)
    except OSError:
        if not (target / INFO).exists():  # else another writer of the same version was first
            raise
    _sync(target.parent)


def _replace_pointer(folder: Path, version: str) -> None:
    temporary = folder / f".tmp-{uuid.uuid4().hex}"
    temporary.write_text(version + "\n", "utf-8")
    _sync(temporary)
    temporary.replace(folder / POINTER)
    _sync(folder)


def _prune(folder: Path) -> None:
    """Removes all but the newest versions and the current one, and what dead writers left."""
    current = version_folder(folder).name
    versions = {path: path.stat().st_mtime for path in folder.iterdir() if (path / INFO).is_file()}
    newest = sorted(versions, key=lambda path: versions[path], reverse=True)
    for path in newest[KEPT_VERSIONS:]:
        if path.name != current and not path.name.startswith("."):
            _remove(path)
    now = time.time()
    for path in folder.glob(".tmp-*"):
        try:
            stale = now - path.stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            continue
        if stale:
            shutil.rmtree(path, ignore_errors=True)
            path.unlink(missing_ok=True)


def _remove(version: Path) -> None:
    """Hides a version before it is removed, so that no half of it is ever seen under its name."""
    hidden = version.with_name(f".tmp-{uuid.uuid4().hex}")
    try:
        version.rename(hidden)
    except FileNotFoundError:  # another writer removed it
        return
    shutil.rmtree(hidden, ignore_errors=True)


def _read_files(version: Path) -> tuple[IndexInfo, list[Skill], Floats]:
    try:
        content = (version / INFO).read_bytes()
        found = msgspec.json.decode(content, type=dict[str, object]).get("format_version")
        if found != FORMAT_VERSION:
            raise IndexFormatError(
                f"skills index {version} has format version {found}, this skillstream reads {FORMAT_VERSION}: "
                "build it again"
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


def _sync(path: Path) -> None:
    """Flushes a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
