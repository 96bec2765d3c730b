"""The ledger: what was put in against what lies in the output, record by record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from skillstream.chain_check import verify_chain

__all__ = ["assert_exactly_once", "published"]


def published(output: Path) -> Counter[tuple[str, int, int]]:
    """How often each (source, partition, offset) stands in the output."""
    found: Counter[tuple[str, int, int]] = Counter()
    for path in (output / "tags").rglob("*.parquet"):
        table = pq.ParquetFile(path, page_checksum_verification=True).read(["source", "partition", "offset"])
        found.update((row["source"], row["partition"], row["offset"]) for row in table.to_pylist())
    return found


def assert_exactly_once(output: Path, records: int) -> None:
    """Every record in exactly one row, every file readable, every chain whole, nothing left over."""
    found = published(output)
    doubled = {key: count for key, count in found.items() if count > 1}
    assert not doubled, f"rows that came twice: {sorted(doubled)[:5]}"
    assert len(found) == records, f"expected {records} rows, got {len(found)}"
    report = verify_chain(output)
    assert report.findings == []
    assert report.rows == records
    left_over = [path for path in (output / "tags").rglob(".*") if path.is_file()]
    assert left_over == []
