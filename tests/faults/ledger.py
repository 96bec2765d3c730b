"""The ledger: what was put in against what lies in the output, record by record."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.output.chain_check import verify_chain
from skillstream.output.layout import files
from skillstream.storage.store import open_store

__all__ = ["assert_exactly_once", "published"]


def published(output: Path | str) -> Counter[tuple[str, int, int]]:
    """How often each (source, partition, offset) stands in the output."""
    found: Counter[tuple[str, int, int]] = Counter()
    store = open_store(output)
    for _, path in chain.from_iterable(files(store).values()):
        data = store.read(path)
        assert data is not None, path
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
    assert [name for name in open_store(output).names("") if name.endswith(".tmp")] == []
