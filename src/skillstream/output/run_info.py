"""`run.json`: what an output folder was made from, written once and verified at every later start.

It also says where each source was read from. A later start may bring further sources: they go into a file of
their own, `sources/<digest>.json`, named by its content and made only if it is absent. If `run.json` were
rewritten instead, two starts at the same time could lose the sources of one; so nothing in an output is ever
rewritten. `source_paths` reads them all.

It keeps two outputs from being mixed in one folder. What a *row* was made by is stated in the row.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from skillstream.errors import OutputError, RunError
from skillstream.output.layout import RUN_FILE, SOURCES_FOLDER, check_layout
from skillstream.storage import Store, open_store
from skillstream.version import __version__

__all__ = [
    "RunInfo",
    "open_run",
    "read_run",
    "source_paths",
    "taxonomy_identity",
    "versions",
    "without_secrets",
    "without_user",
]


_SECRET_NAME = re.compile(r"passw|secret|token|credential|access.?key|api.?key|private.?key|sasl|auth", re.I)
_URL_USER = re.compile(r"(\w+://)[^/@\s]+@")


class RunInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What `run.json` holds.

    Attributes:
        identity: what must be the same at every start: `taxonomy`, `source` (`files` or `kafka`) and,
            for Kafka, `cluster_id`. Anything a source needs can be added.
        created_at: ISO 8601, UTC.
        versions: of skillstream, Python and the libraries that decide what rows look like.
        options: as given at the first start, without secrets (see `without_secrets`).
        range_bytes: size of the ranges that large files are cut into; later starts must keep it.
        sources: name of a source, as rows state it → where the first start read it, as given.
        precision: what the first start's encoder computed with; later starts keep to it unless told
            otherwise. `None` for a job elsewhere whose workers choose.
    """

    identity: dict[str, str]
    created_at: str
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    options: dict[str, object] = msgspec.field(default_factory=dict)
    range_bytes: int | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)
    precision: str | None = None


def read_run(root: str | Path, *, store: Store | None = None) -> RunInfo | None:
    """What the folder was made from; `None` if it has no `run.json`.

    Raises:
        OutputError: it cannot be read, is none of ours, or has the layout of an earlier version.
    """
    store = open_store(root) if store is None else store
    try:
        data = store.read(RUN_FILE)
        check_layout(root, store=store)
    except RunError as error:
        raise OutputError(str(error)) from error
    if data is None:
        return None
    try:
        return msgspec.json.decode(data, type=RunInfo)
    except msgspec.DecodeError as error:
        raise OutputError(f"{root}/{RUN_FILE}: not written by skillstream ({error})") from error


def open_run(root: str | Path, info: RunInfo, *, force: bool = False, store: Store | None = None) -> RunInfo:
    """Write `run.json` if there is none, else verify that it fits; the one that holds.

    Args:
        root: output folder; made if it is missing.
        info: what this run is.
        force: go on although the identity differs; `run.json` stays as it is.
        store: where to write, by default what `root` names.

    Raises:
        OutputError: the folder cannot be written or does not support what exactly-once output needs,
            or it was made from something else.
    """
    store = open_store(root) if store is None else store
    held = read_run(root, store=store)
    store.probe()
    if held is None:
        try:
            store.create(RUN_FILE, msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n")
        except RunError as error:
            raise OutputError(str(error)) from error
        held = read_run(root, store=store) or info  # maybe another process was faster
    if not force:
        _check_identity(root, held.identity, info.identity)
    if held.range_bytes != info.range_bytes and None not in (held.range_bytes, info.range_bytes):
        raise OutputError(
            f"{root} holds files cut into ranges of {held.range_bytes} bytes, this run planned "
            f"{info.range_bytes}; start again, and its own size will be used"
        )
    _note_sources(store, root, held, info)
    return held


def source_paths(root: str | Path, *, store: Store | None = None) -> dict[str, str]:
    """Name of every source of the output → where it was read from, whichever start brought it.

    A source read from several places (copies of one file) has the one that was noted first, or any of those
    that were noted at the same time.

    Raises:
        OutputError: `run.json` or a list of sources cannot be read.
    """
    store = open_store(root) if store is None else store
    held = read_run(root, store=store)
    return {} if held is None else _noted(store, root, held)


def _note_sources(store: Store, root: str | Path, held: RunInfo, info: RunInfo) -> None:
    if info.sources.items() <= held.sources.items():
        return
    known = _noted(store, root, held)
    new = {name: path for name, path in sorted(info.sources.items()) if name not in known}
    if not new:
        return
    data = msgspec.json.format(msgspec.json.encode(new), indent=2) + b"\n"
    try:
        store.create(f"{SOURCES_FOLDER}/{hashlib.sha256(data).hexdigest()[:16]}.json", data)
    except RunError as error:
        raise OutputError(str(error)) from error


def _noted(store: Store, root: str | Path, held: RunInfo) -> dict[str, str]:
    found = dict(held.sources)
    try:
        for name in store.names(SOURCES_FOLDER):
            data = store.read(f"{SOURCES_FOLDER}/{name}") if name.endswith(".json") else None
            noted = {} if data is None else msgspec.json.decode(data, type=dict[str, str])
            found = noted | found
    except RunError as error:
        raise OutputError(str(error)) from error
    except msgspec.DecodeError as error:
        raise OutputError(f"{root}/{SOURCES_FOLDER}: not written by skillstream ({error})") from error
    return found


def taxonomy_identity(name: str, fingerprint: str, *, prebuilt: bool) -> str:
    """What `identity` states of the taxonomy.

    A file's name is not enough: another one may have the same. Of a prebuilt index (`--index`) it is the
    name alone, as running jobs take up new versions of it, and rows say which one made them.
    """
    return name if prebuilt else f"{name}@{fingerprint[:8]}"


def versions() -> dict[str, str]:
    """Versions of skillstream, Python and the installed libraries that decide what rows look like."""
    found = {"skillstream": __version__, "python": platform.python_version()}
    for name in ("apache-beam", "openvino", "pyarrow", "sentence-transformers", "tokenizers", "torch"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def without_secrets(options: Mapping[str, object]) -> dict[str, object]:
    """The options with the values of secret ones, and users and passwords in URLs, replaced by `***`."""
    return {name: _masked(name, value) for name, value in options.items()}


def without_user(text: str) -> str:
    """The text with users and passwords in URLs replaced by `***`."""
    return _URL_USER.sub(r"\1***@", text)


def _masked(name: str, value: object) -> object:
    if isinstance(value, Mapping):
        return without_secrets(value)
    if isinstance(value, list | tuple):
        return [_masked(name, item) for item in value]
    if isinstance(value, str):
        return "***" if _SECRET_NAME.search(name) else without_user(value)
    return value


# Brokers before 2.8 state no topic's id; earlier versions wrote that as zeros.
_UNKNOWN = {"", "00000000-0000-0000-0000-000000000000"}


def _check_identity(root: str | Path, held: Mapping[str, str], given: Mapping[str, str]) -> None:
    for name in sorted({*held, *given}):
        if name == "topic_id" and not _UNKNOWN.isdisjoint((held.get(name), given.get(name))):
            continue  # unknown is neither the same nor another
        if held.get(name) != given.get(name):
            raise OutputError(
                f"{root} was made with {name} {held.get(name, 'unset')!r}, this run has "
                f"{given.get(name, 'unset')!r}: choose another --output, or go on with --force"
            )
