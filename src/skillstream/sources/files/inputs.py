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

__all__ = ["FoundInputs", "InputKind", "find_inputs", "input_kind", "named_kind"]

_FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jl": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".xml": "xml",
    ".rss": "xml",
    ".parquet": "parquet",
}
_COMPRESSIONS = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2"}
_UNDERSCORE = "a name that begins with _"
_UNKNOWN = "an unknown kind of file"
_SHOWN = 5  # names in a note
_KNOWN = f"{' '.join(_FORMATS)}, all but .parquet also with {', '.join(_COMPRESSIONS)}"


@dataclass(frozen=True)
class InputKind:
    """What a file's name says: its stem, format and compression (`gzip`, `zstd`, `bzip2` or `None`)."""

    stem: str
    format: str | None
    compression: str | None


@dataclass(frozen=True)
class FoundInputs:
    """The files that inputs name, each once, in order; a line for each folder that holds others, too."""

    files: list[Path | ObjectURL]
    left_out: list[str]


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


def named_kind(path: Path | ObjectURL) -> InputKind:
    """As `input_kind`, but the format is `None` if the name does not tell it."""
    try:
        return input_kind(path)
    except SourceError:
        stem, extension = os.path.splitext(path.name)  # noqa: PTH122
        compression = _COMPRESSIONS.get(extension.lower())
        if compression is None:
            stem = path.name
        if stem.lower().endswith(".parquet"):
            raise
        return InputKind(stem, None, compression)


def find_inputs(inputs: Sequence[str], output: str | None = None) -> FoundInputs:
    """The files that the inputs name, and what is left out of them.

    What folders and patterns hold below `output` is left out, and in folders other outputs of ours, too.

    Raises:
        SourceError: an input names nothing, something that is no file of a known kind, or what lies below
            `output`.
    """
    if not inputs:
        raise SourceError("no input: name files, folders or patterns")
    skipped = None if output is None else f"{folder_name(output)}/"
    files: dict[str, Path | ObjectURL] = {}
    notes: list[str] = []
    for name in inputs:
        left_out = _LeftOut(name)
        resolved = {folder_name(path): path for path in _expand(name, left_out)}
        if skipped is not None:
            resolved = {key: path for key, path in resolved.items() if not key.startswith(skipped)}
        if not resolved:
            raise SourceError(f"{name}: lies in the output folder {output}; choose another --output")
        for key, path in resolved.items():
            files.setdefault(key, path)
        notes += left_out.lines()
    return FoundInputs(list(files.values()), notes)


class _LeftOut:
    """What a folder holds that is not read, and why."""

    def __init__(self, folder: str) -> None:
        self._folder = folder.rstrip("/")
        self._names: dict[str, list[str]] = {}

    def add(self, path: Path | ObjectURL, why: str) -> None:
        self._names.setdefault(why, []).append(str(path).removeprefix(f"{self._folder}/"))

    def lines(self) -> list[str]:
        """One line for each reason, with the first names."""
        return [
            f"{self._folder}: left out, {why}: {', '.join(sorted(names)[:_SHOWN])}"
            + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            for why, names in self._names.items()
        ]


def _expand(name: str, left_out: _LeftOut) -> Sequence[Path | ObjectURL]:
    return _expand_url(parse_url(name), left_out) if is_url(name) else _expand_path(name, left_out)


def _expand_url(url: ObjectURL, left_out: _LeftOut) -> list[ObjectURL]:
    try:
        if glob.has_magic(url.key):
            found = match_objects(url)
            if not found:
                raise SourceError(f"{url}: no object matches this pattern")
        elif url.key and input_exists(url):
            found = [url]
        else:
            found = _data_objects(url, left_out)
            if not found:
                raise SourceError(f"{url}: no such object, and no input below; expected names like {_KNOWN}")
    except RunError as error:
        raise SourceError(str(error)) from error
    return found


def _data_objects(folder: ObjectURL, left_out: _LeftOut) -> list[ObjectURL]:
    """As `_data_files`, below an address."""
    below = list_objects(folder)
    outputs = [str(url).removesuffix(RUN_FILE) for url in below if url.name == RUN_FILE]
    outputs = [root for root in outputs if any(str(url).startswith(f"{root}{TAGS_FOLDER}/") for url in below)]
    found = []
    for url in below:
        parts = str(url).removeprefix(f"{folder}/").split("/")
        if str(url).startswith(tuple(outputs)) or any(part[:1] in ("", ".") for part in parts):
            continue
        why = _UNDERSCORE if any(part[0] == "_" for part in parts) else _not_input(url)
        if why is not None:
            left_out.add(url, why)
            continue
        found.append(url)
    return found


def _not_input(path: Path | ObjectURL) -> str | None:
    """Why a file in a folder is no input."""
    try:
        input_kind(path)
    except SourceError:
        return f"{_UNKNOWN} (name a file by itself to have its content tell)"
    return None


def _expand_path(name: str, left_out: _LeftOut) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        found = sorted(_data_files(path, left_out))
        if not found:
            raise SourceError(
                f"{name}: no input in this folder; expected files named {_KNOWN}; "
                "outputs of skillstream are left out"
            )
        return found
    if path.is_file():
        return [path]
    if path.exists():
        raise SourceError(f"{name}: expected a file or folder, got a pipe or device")
    if glob.has_magic(name):
        matches = [Path(match) for match in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207 (absolute ones)
        found = [match for match in matches if match.is_file()]
        if not found:
            raise SourceError(f"{name}: no file matches this pattern")
        return found
    raise SourceError(f"{name}: no such file or folder")


def _data_files(folder: Path, left_out: _LeftOut) -> Iterator[Path]:
    """Files of known kinds below a folder; names that begin with `.` or `_` are not data.

    Nor are outputs of ours: their rows have titles, and would be tagged as postings.
    """
    for parent, folders, names in os.walk(folder):
        if holds_output([*names, *folders]):
            left_out.add(Path(parent), "an output of skillstream")
            folders.clear()
            continue
        for name in folders:
            if (Path(parent) / name).is_symlink():
                left_out.add(Path(parent) / name, "a link to a folder")
            elif name[0] == "_":
                left_out.add(Path(parent) / name, _UNDERSCORE)
        folders[:] = [name for name in folders if name[0] not in "._"]
        for name in names:
            path = Path(parent) / name
            if name[0] == ".":
                continue
            why = _UNDERSCORE if name[0] == "_" else _not_input(path)
            if why is None and not path.is_file():
                why = "no file"
            if why is None:
                yield path
            else:
                left_out.add(path, why)
