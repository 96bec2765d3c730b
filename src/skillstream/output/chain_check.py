"""Walks the chains of an output folder and reports everything that is not as it should be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from skillstream.output.chain_file import FileFormatError, FileHeader, decode_header, decode_table
from skillstream.output.layout import PublishedFile, check_layout, claimed, files, root_path
from skillstream.storage import Store, open_store

__all__ = ["ChainReport", "Finding", "verify_chain"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: `hole` (offsets in no file), `overlap` (offsets in two), `unreadable` (damaged, or no
            Parquet), `misplaced` (a whole file in the wrong place or under the wrong name), `bad_rows`
            (rows outside of what the file covers), `no_root` (no readable root), `stray`
            (something that is not part of a chain).
        path: relative to the output folder.
        detail: a sentence.
    """

    kind: str
    path: str
    detail: str


@dataclass(frozen=True)
class ChainReport:
    """What a walk saw: how much, and what is wrong with it."""

    partitions: int
    files: int
    rows: int
    findings: list[Finding]


def verify_chain(root: str | Path, *, store: Store | None = None) -> ChainReport:
    """Every file of every chain in the output folder, read whole, all checksums verified.

    Files being published meanwhile do no harm: names are listed before files are read, and only
    whole files have a name.
    """
    store = open_store(root) if store is None else store
    check_layout(root, store=store)
    walk = _Walk(store)
    published = files(store, stray=walk.note_stray)
    # The files' names first: a root is there before any of them.
    for found in sorted({*published, *claimed(store, stray=walk.note_stray)}):
        walk.check_partition(*found, published.get(found, []))
    return ChainReport(walk.partitions, walk.files, walk.rows, walk.findings)


class _Walk:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.partitions = self.files = self.rows = 0
        self.findings: list[Finding] = []

    def note_stray(self, path: str) -> None:
        if path.rsplit("/", 1)[-1][0] not in "._":  # those are not data, by contract
            self.findings.append(Finding("stray", path, "not part of a chain"))

    def check_partition(self, source: str, partition: int, published: Iterable[PublishedFile]) -> None:
        self.partitions += 1
        expected = self._root(root_path(source, partition))
        for start, path in published:
            self.files += 1
            if expected is not None and start > expected:
                self.findings.append(Finding("hole", path, f"offsets [{expected}, {start}) are in no file"))
            if expected is not None and start < expected:
                self.findings.append(
                    Finding("overlap", path, f"begins before {expected}, where the last one ends")
                )
            expected = self._check_file(path, source, partition, start)

    def _root(self, path: str) -> int | None:
        data = self._store.read(path)
        try:
            return int(data or b"")
        except ValueError:
            self.findings.append(
                Finding("no_root", path, "missing or no number: where the chain begins is unknown")
            )
            return None

    def _check_file(self, path: str, source: str, partition: int, start: int) -> int | None:
        """Where the file ends; `None` if it does not tell."""
        data = self._store.read(path)
        if data is None:
            self.findings.append(Finding("unreadable", path, "vanished while it was looked at"))
            return None
        try:
            header = decode_header(data)
            table = decode_table(data)
        except FileFormatError as error:
            self.findings.append(Finding("unreadable", path, str(error)))
            return None
        self.rows += header.rows
        if (header.source, header.partition, header.start) != (source, partition, start):
            detail = (
                f"it says it is source {header.source!r}, partition {header.partition}, from {header.start}"
            )
            self.findings.append(Finding("misplaced", path, detail))
        for detail in _bad_rows(table, header):
            self.findings.append(Finding("bad_rows", path, detail))
        return header.end


def _bad_rows(table: pa.Table, header: FileHeader) -> Iterator[str]:
    offsets = table.column("offset").to_numpy()
    if len(offsets) and not (header.start <= offsets.min() and offsets.max() < header.end):
        yield f"offsets beyond [{header.start}, {header.end})"
    if not (offsets[1:] > offsets[:-1]).all():
        yield "offsets out of order or twice"
    for column, value in (("source", header.source), ("partition", header.partition)):
        if not pc.all(pc.equal(table.column(column), value), min_count=0).as_py():
            yield f"rows of another {column}"
