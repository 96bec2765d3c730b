"""The layout of an output folder, known here only: names of its folders and files, and a walk over them.

    run.json                                      what the output was made from
    chains/<source>.<partition>.start             where a partition's chain begins
    tags/<source>.<partition>.<start>.parquet     the rows of offsets [start, end)
    _restarts/<job>                               a job on Flink that a watchdog has cancelled to restart it

`tags` holds data and nothing else, in one level, so that whatever reads Parquet reads it as a folder: Spark
looks into no folders below it but those named `key=value`, which all readers would take for columns. No name
in it begins with `.` or `_`, which readers skip. Temporary files lie in the output folder itself (see
`skillstream.storage.local_store`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from skillstream.errors import OutputError
from skillstream.storage import PAGE, Store, open_store

__all__ = [
    "CHAINS_FOLDER",
    "RUN_FILE",
    "SOURCES_FOLDER",
    "TAGS_FOLDER",
    "Partition",
    "PublishedFile",
    "chain_name",
    "check_layout",
    "claimed",
    "file_path",
    "files",
    "holds_output",
    "newest_start",
    "restart_mark",
    "root_path",
]

RUN_FILE = "run.json"
TAGS_FOLDER = "tags"
CHAINS_FOLDER = "chains"
SOURCES_FOLDER = "sources"

_DIGITS = 20
_MOST = 10**_DIGITS - 1
_FILE_NAME = re.compile(rf"(?P<chain>.+)\.(?P<start>\d{{{_DIGITS}}})\.parquet")
_ROOT_NAME = re.compile(r"(?P<chain>.+)\.start")
_CHAIN_NAME = re.compile(r"(?P<source>.+)\.(?P<partition>\d{5,})")
# Most file systems allow 255 bytes; the rest is for partition, start and suffix. Kafka allows 249.
_MAX_SOURCE_LENGTH = 210
# As skillstream named folders before ADR 10: tags/source=<source>/partition=<partition>/.
_OLD_SOURCE = "source="


class Partition(NamedTuple):
    """A partition of a source, as a walk finds it."""

    source: str
    partition: int


class PublishedFile(NamedTuple):
    """A published file: the offset in its name, and its path relative to the output folder."""

    start: int
    path: str


def chain_name(source: str, partition: int) -> str:
    """What the names of a partition's files begin with: the source percent-encoded, the partition.

    Raises:
        ValueError: the source has no name.
        OutputError: its name is too long for a file's.
    """
    if not source:
        raise ValueError("expected a source's name, got an empty one")
    name = quote(source, safe="")
    if name[0] in "._":  # to readers, such names are hidden
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > _MAX_SOURCE_LENGTH:
        raise OutputError(
            f"{source[:60]}...: this name is {len(name)} characters long in a file's name, and there is room "
            f"for {_MAX_SOURCE_LENGTH}"
        )
    return f"{name}.{partition:05d}"


def file_path(source: str, partition: int, start: int) -> str:
    """The file of the rows from offset `start` on, relative to the output folder."""
    return f"{TAGS_FOLDER}/{chain_name(source, partition)}.{start:0{_DIGITS}d}.parquet"


def root_path(source: str, partition: int) -> str:
    """The file that says where a partition's chain begins, relative to the output folder."""
    return f"{CHAINS_FOLDER}/{chain_name(source, partition)}.start"


def restart_mark(job_id: str) -> str:
    """The file that says that a watchdog has cancelled this job on Flink, relative to the output folder."""
    return f"_restarts/{job_id}"


def newest_start(
    store: Store, source: str, partition: int, known: int = -1, *, fresh: bool = False
) -> int | None:
    """The start of a partition's newest file by name; `None` if none begins behind `known`.

    A long chain is not listed whole: jumps of twice the length each, then bisection. 100,000 files take
    about 15 listings of a page.

    Args:
        store: where the output lies.
        source: whose files.
        partition: which of its partitions.
        known: files up to this start are of no interest.
        fresh: list all files now; otherwise the listing may be some seconds old (see `Store.names_after`).
    """
    prefix = f"{chain_name(source, partition)}."
    if fresh:
        return max(_starts(store.names(TAGS_FOLDER), prefix), default=None)

    def page_after(start: int) -> tuple[list[int], bool]:
        """The starts on the first page with any after `start`; whether there are no more behind."""
        after = "" if start < 0 else f"{start:0{_DIGITS}d}.parquet"
        while True:
            names = store.names_after(TAGS_FOLDER, prefix, f"{prefix}{after}")
            starts = _starts(names, prefix)
            # Names of others, such as source `a.00001.b` has for `a`, may fill whole pages.
            if starts or len(names) < PAGE:
                return starts, len(names) < PAGE
            after = names[-1].removeprefix(prefix)

    starts, whole = page_after(known)
    if not starts:
        return None
    newest, step = starts[-1], starts[-1] - starts[0] + 1
    nothing_after: int | None = None
    while not whole and newest != nothing_after:
        jump = min(newest + step, _MOST) if nothing_after is None else (newest + nothing_after) // 2
        starts, whole = page_after(jump)
        if starts:
            newest, step = starts[-1], step * 2
        else:
            nothing_after, whole = jump, False
    return newest


def _starts(names: Iterable[str], prefix: str) -> list[int]:
    """The starts of those names that are a chain's files, in order of the names."""
    return [
        int(match["start"])
        for name in names
        if name.startswith(prefix) and (match := _FILE_NAME.fullmatch(name)) and match["chain"] == prefix[:-1]
    ]


def _ignore(path: str) -> None: ...


def files(store: Store, *, stray: Callable[[str], object] = _ignore) -> dict[Partition, list[PublishedFile]]:
    """All published files, in order of source, partition and offset: one listing.

    `stray` is called with the path of everything else in the folder `tags`.
    """
    found: list[tuple[Partition, PublishedFile]] = []
    for name in store.names(TAGS_FOLDER):
        match = _FILE_NAME.fullmatch(name)
        partition = _partition(match["chain"]) if match else None
        if match is None or partition is None:
            stray(f"{TAGS_FOLDER}/{name}")
        else:
            found.append((partition, PublishedFile(int(match["start"]), f"{TAGS_FOLDER}/{name}")))
    by_partition: dict[Partition, list[PublishedFile]] = {}
    for partition, file in sorted(found):
        by_partition.setdefault(partition, []).append(file)
    return by_partition


def claimed(store: Store, *, stray: Callable[[str], object] = _ignore) -> list[Partition]:
    """The partitions whose chain has a root, in order, maybe without a file; `stray` as in `files`."""
    found = []
    for name in store.names(CHAINS_FOLDER):
        match = _ROOT_NAME.fullmatch(name)
        partition = _partition(match["chain"]) if match else None
        if partition is None:
            stray(f"{CHAINS_FOLDER}/{name}")
        else:
            found.append(partition)
    return sorted(found)


def holds_output(names: Iterable[str]) -> bool:
    """Whether a folder with these names in it is an output with rows."""
    return {RUN_FILE, TAGS_FOLDER} <= set(names)


def check_layout(root: str | Path, *, store: Store | None = None) -> None:
    """Refuses an output of an earlier version, whose folders were named differently. Changes nothing.

    Raises:
        OutputError: it is one.
    """
    store = open_store(root) if store is None else store
    if any(name.startswith(_OLD_SOURCE) for name in store.names_after(TAGS_FOLDER, _OLD_SOURCE)):
        raise OutputError(
            f"{root} was written by an earlier version of skillstream ({TAGS_FOLDER}/{_OLD_SOURCE}.../"
            "partition=...), which this one neither continues nor reads: choose another --output"
        )


def _partition(name: str) -> Partition | None:
    """Whose files are named so; `None` if `chain_name` makes no such name."""
    match = _CHAIN_NAME.fullmatch(name)
    if match is None:
        return None
    found = Partition(unquote(match["source"]), int(match["partition"]))
    try:
        return found if chain_name(*found) == name else None
    except OutputError:
        return None
