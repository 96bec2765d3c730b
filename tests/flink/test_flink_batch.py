"""`skillstream tag` and `training-data` on a real Flink cluster."""

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
    table = ds.dataset(output / "tags").to_table()
    table = table.drop_columns("tagged_at").sort_by([("partition", "ascending"), ("offset", "ascending")])
    assert isinstance(table, pa.Table)
    return table.to_pylist()


def test_the_same_rows_as_on_the_local_runner(flink, exported_model, model_index, tmp_path):
    source = tmp_path / "postings.jsonl"
    source.write_bytes(make_jsonl(250) + b"broken\n\n" + make_jsonl(50, seed=1))
    tag(source, tmp_path / "local", exported_model, model_index)
    on_flink = ("--runner=PortableRunner", "--", *flink.beam_flags(2)[1:])
    tag(source, tmp_path / "flink", exported_model, model_index, *on_flink)
    assert_exactly_once(tmp_path / "flink", 302)
    assert rows(tmp_path / "flink") == rows(tmp_path / "local")


def training_data(sources: list[str], output: Path, *flags: str) -> dict[str, bytes]:
    """The files it makes, by name."""
    command = [
        sys.executable,
        "-m",
        "skillstream",
        "training-data",
        *(f"--source={spec}" for spec in sources),
    ]
    command += [f"--output={output}", "--held-out=0.1", "--shards=2", "--near-duplicates=0.7", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    return {str(path.relative_to(output)): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_training_data_is_the_same_bytes_as_on_the_local_runner(flink, tmp_path):
    with (tmp_path / "roles.csv").open("w") as file:
        print("text,skills", file=file)
        for number in range(100):
            text = f"role {number} works for us in the old town near the river all year {number}"
            print(
                f"{text},skill {number}\n{text.upper()},Skill {number}\n{text} gladly,skill {number}",
                file=file,
            )
        print(",nothing", file=file)
    sources = [f"pairs={tmp_path / 'roles.csv'}:text:skills", "phrases=builtin"]
    local = training_data(sources, tmp_path / "local")
    on_flink = training_data(
        sources, tmp_path / "flink", "--runner=PortableRunner", "--", *flink.beam_flags(2)[1:]
    )
    assert len(local) == 8  # three splits in two shards, the data card twice
    assert on_flink == local
