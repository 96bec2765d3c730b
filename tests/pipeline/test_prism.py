"""`tag` on Beam's Prism runner gives the same rows as the local one; where `prism` was built."""

from __future__ import annotations

import pyarrow.dataset as ds
import pytest

from skillstream import FilesConfig
from skillstream.pipelines import tag_files
from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once


@pytest.mark.slow
@pytest.mark.usefixtures("hash_model")
def test_the_same_rows_as_on_the_local_runner(tmp_path, index_folder, prism):
    source = tmp_path / "postings.jsonl"
    source.write_bytes(make_jsonl(120) + b"broken\n")
    found = {}
    for name, flags in {"local": [], "prism": ["--runner=PrismRunner", f"--prism_location={prism}"]}.items():
        output = tmp_path / name
        config = FilesConfig(output=str(output), index=str(index_folder), max_chunk_rows=20)
        summary = tag_files.run(config, [str(source)], flags)
        assert (summary.records, summary.tagged, summary.problems) == (121, 120, [])
        assert_exactly_once(output, 121)
        table = ds.dataset(output / "tags").to_table().drop_columns("tagged_at")
        found[name] = table.sort_by("offset").to_pylist()
    assert found["prism"] == found["local"]
