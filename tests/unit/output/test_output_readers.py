"""What people read the output with: the folder `tags`, as it is, gives all the same rows and types."""

import os
import shutil
import subprocess
import sys

import duckdb
import msgspec
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from skillstream.output.chain import Chain
from skillstream.rows import ROW_SCHEMA, RowError, rows_to_table
from tests.chain_fakes import make_row, make_rows

SOURCES = [
    "feed 1/50%",
    "2030-01-01",
    "топик",
    "partition=7",
    "_private",
    ".dots",
    "a[b]*?.parquet",
    "a.00003",
]
ROWS = [
    msgspec.structs.replace(
        row,
        event_time=1_700_000_000_000 + row.offset if row.offset % 2 else None,
        headers=[("trace", b"\x00"), ("none", None)] if row.offset == 1 else None,
        key=b"k" if row.offset == 0 else None,
    )
    for source in SOURCES
    for partition in (0, 12)
    for row in make_rows(0, 6, source, partition)
] + [
    msgspec.structs.replace(
        make_row(offset, "rejected", 0), skills=[], error=RowError("invalid_json", "", None)
    )
    for offset in range(3)
]
EXPECTED = sorted(
    rows_to_table(ROWS).to_pylist(), key=lambda row: (row["source"], row["partition"], row["offset"])
)


@pytest.fixture(scope="module")
def tags(tmp_path_factory):
    """The folder `tags` of an output: a file without rows, one of rejected rows only, a writer at work."""
    root = tmp_path_factory.mktemp("out")
    for source, partition in sorted({(row.source, row.partition) for row in ROWS}):
        chain = Chain(root, source, partition)
        chain.claim(0)
        rows = [row for row in ROWS if (row.source, row.partition) == (source, partition)]
        for start, end in [(0, 2), (2, 6), (6, 9)]:
            chain.publish(start, end, [row for row in rows if start <= row.offset < end])
    Chain(root, "nothing yet", 0).claim(0)
    (root / ".host-0-1-0000000000000000.tmp").write_bytes(b"half a file")
    return root / "tags"


def assert_same_rows(found: pa.Table) -> None:
    rows = found.to_pylist()
    assert sorted(rows, key=lambda row: (row["source"], row["partition"], row["offset"])) == EXPECTED


def assert_same_types(found: pa.Schema) -> None:
    """The types that all readers share: not how wide a string's offsets are, nor how fine a time is."""
    assert [plain(field) for field in found] == [plain(field) for field in ROW_SCHEMA]


def plain(field: pa.Field) -> object:
    kind = field.type
    if pa.types.is_struct(kind):
        return field.name, [plain(item) for item in kind]
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return field.name, plain(pa.field("item", kind.value_type))
    if pa.types.is_timestamp(kind):
        return field.name, "timestamp", kind.tz is not None
    wide = {
        "large_string": "string",
        "string_view": "string",
        "large_binary": "binary",
        "binary_view": "binary",
    }
    return field.name, wide.get(str(kind), str(kind))


def test_pandas(tags):
    frame = pd.read_parquet(tags)
    assert list(frame.columns) == ROW_SCHEMA.names
    assert frame["partition"].dtype == "int32"
    assert frame["tagged_at"].dtype == "datetime64[ms, UTC]"
    assert_same_rows(pa.Table.from_pandas(frame, schema=ROW_SCHEMA, preserve_index=False))


def test_pandas_by_its_types_of_arrow(tags):
    frame = pd.read_parquet(tags, dtype_backend="pyarrow")
    table = pa.Table.from_pandas(frame, preserve_index=False)
    assert_same_types(table.schema)
    assert_same_rows(table)


def test_pyarrow(tags):
    for table in (pq.read_table(tags), ds.dataset(tags).to_table()):
        assert table.schema.equals(ROW_SCHEMA)
        assert_same_rows(table)


def test_polars(tags):
    for frame in (pl.read_parquet(tags), pl.scan_parquet(tags).collect()):
        assert_same_types(frame.to_arrow().schema)
        assert_same_rows(frame.to_arrow())


@pytest.mark.parametrize("form", ["read_parquet('{}')", "'{}/*.parquet'"])
def test_duckdb(tags, form):
    table = duckdb.sql(f"FROM {form.format(tags)}").to_arrow_table()
    assert_same_types(table.schema)
    assert_same_rows(table)


SPARK = """
import sys
import pyarrow.parquet as pq
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
pq.write_table(spark.read.parquet(sys.argv[1]).toArrow(), sys.argv[2])
"""


def test_spark(tags, tmp_path):
    pytest.importorskip("pyspark", reason="pip install pyspark (half a gigabyte)")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    result = subprocess.run(
        [sys.executable, "-c", SPARK, tags, tmp_path / "read.parquet"],
        env={"SPARK_LOCAL_IP": "127.0.0.1", "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    table = pq.read_table(tmp_path / "read.parquet")
    assert_same_types(table.schema)
    assert_same_rows(table)


def test_all_files_have_one_schema(tags):
    schemas = [pq.read_schema(path) for path in tags.iterdir()]
    assert len(schemas) == 3 * len({(row.source, row.partition) for row in ROWS})
    assert all(schema.equals(ROW_SCHEMA) for schema in schemas)
