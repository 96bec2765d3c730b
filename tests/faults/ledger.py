"""The ledger: what was put in against what lies in the output, record by record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.output.chain_check import verify_chain
from skillstream.storage.store import Store, open_store

__all__ = ["assert_exactly_once", "published"]


def published(output: Path | str) -> Counter[tuple[str, int, int]]:
    """How often each (source, partition, offset) stands in the output."""
    found: Counter[tuple[str, int, int]] = Counter()
    store = open_store(output)
    for path in _files(store):
        data = store.read(path) if path.endswith(".parquet") else None
        if data is None:
            continue
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        table = file.read(["source", "partition", "offset"])
        found.update((row["source"], row["partition"], row["offset"]) for row in table.to_pylist())
    return found


def assert_exactly_once(output: Path | str, records: int) -> None:
    """Every record in exactly one row, every file readable, every chain whole, nothing left over."""
    found = published(output)
    doubled = {key: count for key, count in found.items() if count > 1}
    assert not doubled, f"rows that came twice: {sorted(doubled)[:5]}"
    assert len(found) == records, f"expected {records} rows, got {len(found)}"
    report = verify_chain(output)
    assert report.findings == []
    assert report.rows == records
    assert [path for path in _files(open_store(output)) if "/." in path] == []


def _files(store: Store) -> list[str]:
    folders = [f"tags/{source}" for source in store.names("tags")]
    folders = [f"{folder}/{partition}" for folder in folders for partition in store.names(folder)]
    return [f"{folder}/{name}" for folder in folders for name in store.names(folder)]
