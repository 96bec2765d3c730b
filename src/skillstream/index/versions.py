"""Versions of a skills index on disk: written whole or not at all, checked when read.

See `skillstream.index.skills_index` for the layout of the folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.errors import IndexFormatError, OutputError, RunError
from skillstream.storage import (
    ObjectURL,
    fetch_file,
    fetch_folder,
    file_digest,
    is_url,
    parse_url,
    prune,
    push_folder,
    remove_whole,
    replace_file,
    sweep,
    taking_turns,
    whole_file,
    whole_folder,
)
from skillstream.taxonomy import Skill

__all__ = [
    "IndexInfo",
    "current_version",
    "is_whole",
    "prune_versions",
    "push_version",
    "read_info",
    "read_version",
    "version_folder",
    "write_version",
]

FORMAT_VERSION = 2
POINTER, LOCK = "CURRENT", ".lock"
INFO, SKILLS, VECTORS = "index.json", "skills.parquet", "vectors.npy"
KEPT_VERSIONS = 3  # running jobs may still read the one before
# Waits in seconds: writers may prune a version between our reading the pointer and reading the version.
READ_WAITS = (0.0, 0.01, 0.05, 0.2)

TEXTS = pa.list_(pa.string())
SKILLS_SCHEMA = pa.schema(
    [
        ("uri", pa.string()),
        ("label", pa.string()),
        ("alt_labels", TEXTS),
        ("groups", TEXTS),
        ("kind", pa.string()),
        ("same_as", TEXTS),
        ("as_written", TEXTS),
        ("in_context", TEXTS),
    ]
)
Floats = npt.NDArray[np.float32]
Stored = npt.NDArray[np.float32] | npt.NDArray[np.float16]
T = TypeVar("T")


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


def write_version(folder: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Stored) -> Path:
    """Writes a version and makes it the current one; returns its folder.

    Vectors in float16 take half the size, but each process that reads them holds its own.

    Writers of one folder take turns, by a lock that dies with its holder. Each

    1. sweeps what dead writers left,
    2. writes the version (see `skillstream.storage.whole`), unless it is there, with the same content,
    3. replaces the pointer,
    4. removes old versions.

    Raises:
        OutputError: the folder cannot be written.
    """
    target = folder / info.version
    try:
        with taking_turns(folder / LOCK):
            sweep(folder)  # 1
            if not is_whole(target):
                with whole_folder(target) as temporary:  # 2
                    _write_files(temporary, info, skills, vectors)
                    remove_whole(target)
            os.utime(target)  # in use again: the newest, as far as pruning goes
            with whole_file(folder / POINTER) as pointer:  # 3
                pointer.write_text(info.version + "\n", "utf-8")
            prune_versions(folder, keep=target)  # 4
    except OSError as error:
        raise OutputError(f"skills index cannot be written to {folder}: {error}") from error
    return target


def read_info(folder: str | Path) -> IndexInfo:
    """What the current version states of itself. Reads two small files; nothing else is fetched or checked.

    Raises:
        IndexFormatError: no index there, or another format version.
    """
    if is_url(folder):
        remote = _remote_version(parse_url(str(folder)))
        try:
            content = fetch_file(remote / INFO)
        except RunError as error:
            raise IndexFormatError(f"skills index {remote}: {error}") from error
        if content is None:
            raise IndexFormatError(f"skills index {folder} lacks its version {remote.name}: build it again")
        return _decode_info(content, remote)
    return _read_current(folder, lambda version: _decode_info((version / INFO).read_bytes(), version))


def read_version(folder: str | Path) -> tuple[IndexInfo, list[Skill], Floats]:
    """Info, skills and memory-mapped vectors of the current version, checksums verified.

    Raises:
        IndexFormatError: no index there, another format version, or files missing, damaged or not readable.
    """
    return _read_current(folder, _read_files)


def _read_current(folder: str | Path, read: Callable[[Path], T]) -> T:
    for wait in (*READ_WAITS, None):
        version = version_folder(folder)
        try:
            with _errors_told(version):
                return read(version)
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


def _write_files(temporary: Path, info: IndexInfo, skills: Sequence[Skill], vectors: Stored) -> None:
    columns = {field: [getattr(skill, field) for skill in skills] for field in Skill.__struct_fields__}
    pq.write_table(pa.table(columns, schema=SKILLS_SCHEMA), temporary / SKILLS, compression="zstd")
    np.save(temporary / VECTORS, vectors, allow_pickle=False)
    checksums = {name: file_digest(temporary / name) for name in (SKILLS, VECTORS)}
    content = msgspec.json.encode(msgspec.structs.replace(info, checksums=checksums))
    (temporary / INFO).write_bytes(msgspec.json.format(content) + b"\n")


def is_whole(version: Path) -> bool:
    """There is a version in this folder, all of it, undamaged."""
    try:
        _read_files(version)
    except (IndexFormatError, OSError):
        return False
    return True


def prune_versions(folder: Path, keep: Path, min_age_s: float = 0.0) -> None:
    """Removes all but the newest versions; `keep` stays, however old its folder is, and so do young ones."""
    others = (path.parent for path in folder.glob(f"[!.]*/{INFO}") if path.parent != keep)
    prune(others, min_age_s, newest=KEPT_VERSIONS - 1)


def _read_files(version: Path) -> tuple[IndexInfo, list[Skill], Floats]:
    info = _decode_info((version / INFO).read_bytes(), version)
    for name in (SKILLS, VECTORS):
        if file_digest(version / name) != info.checksums.get(name):
            raise IndexFormatError(f"{version / name} is damaged (wrong checksum): build the index again")
    table = pq.ParquetFile(version / SKILLS).read()  # `read_table` takes as long to import what it needs
    skills = [Skill(*row) for row in zip(*(column.to_pylist() for column in table.columns), strict=True)]
    vectors: Floats = np.load(version / VECTORS, mmap_mode="r", allow_pickle=False)
    if vectors.dtype == np.float16:
        vectors = vectors.astype(np.float32)
        vectors.setflags(write=False)
    if vectors.shape != (info.count, info.dim) or len(skills) != info.count or vectors.dtype != np.float32:
        raise IndexFormatError(
            f"skills index {version} states {info.count} skills of {info.dim} dimensions, but holds "
            f"{len(skills)} skills and vectors {vectors.dtype}{list(vectors.shape)}: build it again"
        )
    return info, skills, vectors


def _decode_info(content: bytes, version: Path | ObjectURL) -> IndexInfo:
    try:
        found = msgspec.json.decode(content, type=dict[str, object]).get("format_version")
        if found != FORMAT_VERSION:
            raise IndexFormatError(
                f"skills index {version} has format version {found}, "
                f"this skillstream reads {FORMAT_VERSION}: build it again"
            )
        return msgspec.json.decode(content, type=IndexInfo)
    except msgspec.DecodeError as error:
        raise IndexFormatError(f"{version / INFO} is damaged ({error}): build the index again") from error
