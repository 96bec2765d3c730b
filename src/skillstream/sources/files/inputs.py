"""Input files out of what the user named: files, folders and glob patterns, here or in an object store."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstream.errors import RunError, SourceError
from skillstream.output import RUN_FILE, TAGS_FOLDER, holds_output
from skillstream.storage import (
    ObjectURL,
    folder_name,
    input_exists,
    is_url,
    list_objects,
    match_objects,
    parse_url,
)

__all__ = ["InputKind", "expand_inputs", "input_kind"]

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
_KNOWN = f"{' '.join(_FORMATS)}, all but .parquet also with {' or '.join(_COMPRESSIONS)}"


@dataclass(frozen=True)
class InputKind:
    """What a file's name says: its stem, format and compression (`gzip`, `zstd` or `None`)."""

    stem: str
    format: str
    compression: str | None


def input_kind(path: Path | ObjectURL) -> InputKind:
    """The kind of a file by its name. Raises `SourceError` if it is unknown."""
    stem, extension = os.path.splitext(path.name)  # noqa: PTH122 (twice, for .jsonl.gz)
    compression = _COMPRESSIONS.get(extension.lower())
    if compression is not None:
        stem, extension = os.path.splitext(stem)  # noqa: PTH122
    file_format = _FORMATS.get(extension.lower())
    if file_format is None or (file_format == "parquet" and compression is not None):
        raise SourceError(f"{path}: unknown kind of file; expected {_KNOWN}")
    return InputKind(stem, file_format, compression)


def expand_inputs(inputs: Sequence[str], output: str | None = None) -> list[Path | ObjectURL]:
    """The files that the inputs name, each once, in order.

    What folders and patterns hold below `output` is left out, and in folders other outputs of ours, too.

    Raises:
        SourceError: an input names nothing, something that is no file of a known kind, or what lies below
            `output`.
    """
    if not inputs:
        raise SourceError("no input: name files, folders or patterns")
    skipped = None if output is None else f"{folder_name(output)}/"
    files: dict[str, Path | ObjectURL] = {}
    for name in inputs:
        resolved = {folder_name(path): path for path in _expand(name)}
        if skipped is not None:
            resolved = {key: path for key, path in resolved.items() if not key.startswith(skipped)}
        if not resolved:
            raise SourceError(f"{name}: lies in the output folder {output}; choose another --output")
        for key, path in resolved.items():
            files.setdefault(key, path)
    return list(files.values())


def _expand(name: str) -> Sequence[Path | ObjectURL]:
    return _expand_url(parse_url(name)) if is_url(name) else _expand_path(name)


def _expand_url(url: ObjectURL) -> list[ObjectURL]:
    try:
        if glob.has_magic(url.key):
            found = match_objects(url)
            if not found:
                raise SourceError(f"{url}: no object matches this pattern")
        elif url.key and input_exists(url):
            found = [url]
        else:
            found = _data_objects(url)
            if not found:
                raise SourceError(f"{url}: no such object, and no input below; expected names like {_KNOWN}")
    except RunError as error:
        raise SourceError(str(error)) from error
    for match in found:
        input_kind(match)
    return found


def _data_objects(folder: ObjectURL) -> list[ObjectURL]:
    """As `_data_files`, below an address."""
    below = list_objects(folder)
    outputs = [str(url).removesuffix(RUN_FILE) for url in below if url.name == RUN_FILE]
    outputs = [root for root in outputs if any(str(url).startswith(f"{root}{TAGS_FOLDER}/") for url in below)]
    found = []
    for url in below:
        parts = str(url).removeprefix(f"{folder}/").split("/")
        if any(part[:1] in ("", ".", "_") for part in parts) or str(url).startswith(tuple(outputs)):
            continue
        try:
            input_kind(url)
        except SourceError:
            continue
        found.append(url)
    return found


def _expand_path(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(_data_files(path))
        if not found:
            raise SourceError(
                f"{name}: no input in this folder; expected files named {_KNOWN}; "
                "outputs of skillstream are left out"
            )
        return found
    if path.is_file():
        input_kind(path)
        return [path]
    if path.exists():
        raise SourceError(f"{name}: expected a file or folder, got a pipe or device")
    if glob.has_magic(name):
        matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207 (absolute ones)
        found = [match for match in matches if match.is_file()]
        if not found:
            raise SourceError(f"{name}: no file matches this pattern")
        for match in found:
            input_kind(match)
        return found
    raise SourceError(f"{name}: no such file or folder")


def _data_files(folder: Path) -> Iterator[Path]:
    """Files of known kinds below a folder; names that begin with `.` or `_` are not data.

    Nor are outputs of ours: their rows have titles, and would be tagged as postings.
    """
    for parent, folders, names in os.walk(folder):
        if holds_output([*names, *folders]):
            folders.clear()
            continue
        folders[:] = [name for name in folders if name[0] not in "._"]
        for name in names:
            path = Path(parent) / name
            try:
                input_kind(path)
            except SourceError:
                continue
            if name[0] not in "._":
                yield path
