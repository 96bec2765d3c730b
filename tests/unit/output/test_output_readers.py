"""What people read the output with: every way that docs/exactly-once.md and the README name."""

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from skillstream.output.chain import Chain
from skillstream.rows import ROW_SCHEMA
from tests.chain_fakes import make_rows

SOURCES = ["feed 1/50%", "2030-01-01", "топик"]
ROWS = sorted(
    (source, partition, offset) for source in SOURCES for partition in (0, 12) for offset in range(4)
)


@pytest.fixture(scope="module")
def tags(tmp_path_factory):
    """The folder `tags` of an output, with a live writer's temporary file in it."""
    root = tmp_path_factory.mktemp("out")
    for source in SOURCES:
        for partition in (0, 12):
            chain = Chain(root, source, partition)
            chain.claim(0)
            chain.publish(0, 2, make_rows(0, 2, source, partition))
            chain.publish(2, 4, make_rows(2, 4, source, partition))
    (root / chain.folder / ".host-0-1-0000000000000000.tmp").write_bytes(b"half a file")
    return root / "tags"


def test_duckdb(tags):
    query = f"FROM read_parquet('{tags}/**/*.parquet', hive_partitioning = false)"
    assert sorted(duckdb.sql(f'SELECT source, partition, "offset" {query}').fetchall()) == ROWS
    assert duckdb.sql(f"SELECT count(*) {query} WHERE error.code = 'invalid_json'").fetchall() == [(6,)]


def test_duckdb_takes_the_folders_names_by_default(tags):
    """Then `partition` is text with leading zeros; comparing with a number works all the same."""
    query = f"FROM read_parquet('{tags}/**/*.parquet')"
    found = duckdb.sql(f'SELECT source, partition::INT, "offset" {query}').fetchall()
    assert sorted(found) == ROWS
    assert duckdb.sql(f"SELECT DISTINCT typeof(partition) {query}").fetchall() == [("VARCHAR",)]
    pruned = duckdb.sql(f"SELECT count(*) {query} WHERE partition = 12 AND source = 'feed 1/50%'").fetchall()
    assert pruned == [(4,)]


def test_polars(tags):
    frame = pl.scan_parquet(f"{tags}/**/*.parquet").filter(pl.col("partition") >= 0).collect()
    assert sorted(frame.select("source", "partition", "offset").rows()) == ROWS
    assert frame.schema["partition"] == pl.Int32
    assert frame.explode("skills").unnest("skills")["rank"].drop_nulls().len() == 18


def test_pandas(tags):
    frame = pd.read_parquet(tags, partitioning=None)
    assert sorted(frame[["source", "partition", "offset"]].itertuples(index=False, name=None)) == ROWS
    assert frame["partition"].dtype == "int32"


def test_pyarrow(tags):
    table = ds.dataset(tags, format="parquet").to_table()
    assert table.schema.equals(ROW_SCHEMA)
    partitioning = ds.partitioning(
        pa.schema([("source", pa.string()), ("partition", pa.int32())]), flavor="hive"
    )
    table = ds.dataset(tags, partitioning=partitioning).to_table(filter=ds.field("partition") == 12)
    assert len(table) == 12
    assert set(table["source"].to_pylist()) == set(SOURCES)
