"""`tag` on Beam's Prism runner gives the same rows as the local one; where `prism` is installed.

go install github.com/apache/beam/sdks/v2/go/cmd/prism@v2.77.0
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from skillstream import FilesConfig
from skillstream.pipelines import tag_files
from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once

PRISM = shutil.which("prism", path=f"{os.environ.get('PATH', '')}{os.pathsep}{Path.home() / 'go' / 'bin'}")


@pytest.mark.skipif(
    PRISM is None and os.environ.get("CI") != "true",
    reason="prism is not installed (go install, see the module's docstring)",
)
@pytest.mark.usefixtures("hash_model")
def test_the_same_rows_as_on_the_local_runner(tmp_path, index_folder):
    source = tmp_path / "postings.jsonl"
    source.write_bytes(make_jsonl(120) + b"broken\n")
    found = {}
    for name, flags in {"local": [], "prism": ["--runner=PrismRunner", f"--prism_location={PRISM}"]}.items():
        output = tmp_path / name
        config = FilesConfig(output=str(output), index=str(index_folder), max_chunk_rows=20)
        summary = tag_files.run(config, [str(source)], flags)
        assert (summary.records, summary.tagged, summary.problems) == (121, 120, [])
        assert_exactly_once(output, 121)
        table = ds.dataset(output / "tags", partitioning=None).to_table().drop_columns("tagged_at")
        found[name] = table.sort_by("offset").to_pylist()
    assert found["prism"] == found["local"]
