"""`skillstream tag` on a real Flink cluster, its index as a Beam side input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once

pytestmark = pytest.mark.timeout(900)  # the first test of all also fetches Flink


def tag(source: Path, output: Path, model: Path, index: Path, *flags: str) -> None:
    command = [sys.executable, "-m", "skillstream", "tag", source, "--output", output, "--model", model]
    command += ["--index", index, "--json", *flags]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr


def rows(output: Path) -> list[dict[str, object]]:
    """All columns but the time of tagging, in the order of the input."""
    table = ds.dataset(output / "tags", partitioning=None).to_table()
    table = table.drop_columns("tagged_at").sort_by([("partition", "ascending"), ("offset", "ascending")])
    assert isinstance(table, pa.Table)
    return table.to_pylist()


def test_the_same_rows_as_on_the_local_runner(flink, model, model_index, tmp_path):
    source = tmp_path / "postings.jsonl"
    source.write_bytes(make_jsonl(250) + b"broken\n\n" + make_jsonl(50, seed=1))
    tag(source, tmp_path / "local", model, model_index)
    on_flink = ("--runner=PortableRunner", "--", *flink.beam_flags(2)[1:])
    tag(source, tmp_path / "flink", model, model_index, *on_flink)
    assert_exactly_once(tmp_path / "flink", 302)
    assert rows(tmp_path / "flink") == rows(tmp_path / "local")
