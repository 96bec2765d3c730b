"""Bad input through the whole pipeline: a bad record is one row with a code and its payload."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstream import FilesConfig
from skillstream.errors import SourceError
from skillstream.pipelines import tag_files
from tests.faults.ledger import assert_exactly_once

pytestmark = pytest.mark.usefixtures("hash_model")

GOOD = b'{"id": "good", "title": "Welder", "description": "You weld metal."}'
HUGE = b'{"description": "' + b"weld metal. " * 4_200_000 + b'"}'
BOMB = "<div>" * 50_000 + "weld metal" + "</div>" * 50_000

# payload -> the code it is rejected with; None: it is read, and must do no harm
LINES: dict[str, tuple[bytes, str | None]] = {
    "empty line": (b"", "empty"),
    "white space": (b"  \t ", "empty"),
    "truncated": (b'{"title": "x", "descr', "invalid_json"),
    "invalid utf-8": (b'{"description": "caf\xe9"}', "invalid_utf8"),
    "lone surrogate": (rb'{"description": "a \ud800 b"}', "invalid_unicode"),
    "no JSON number": (b'{"description": "x", "pay": nan}', "invalid_json"),
    "1e999 as id": (b'{"id": 1e999, "description": "weld metal"}', "invalid_json"),
    "deep nesting": (b'{"description": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "too_deep"),
    "50 MB": (HUGE, "too_large"),
    "no text": (b'{"id": 3}', "missing_text"),
    "number for text": (b'{"title": 5, "description": {"a": 1}}', "wrong_type"),
    "array": (b"[1, 2]", "not_an_object"),
    "html bomb": (json.dumps({"description": BOMB}).encode(), None),
    "entity flood": (json.dumps({"description": "<p>" + "&amp;" * 100_000}).encode(), None),
    "zero width and right to left": ('{"description": "we\u200bld \u202emetal\u202c עברית"}'.encode(), None),
    "chinese": ('{"title": "焊工", "description": "负责焊接工作。需要三年经验。"}'.encode(), None),
    "only emoji": ('{"description": "🔥🚀🎉"}'.encode(), None),
    "duplicate id": (GOOD, None),
}


def run(tmp_path, index_folder, *files):
    config = FilesConfig(output=str(tmp_path / "out"), index=str(index_folder), max_chunk_rows=4)
    summary = tag_files.run(config, [str(file) for file in files])
    paths = sorted((tmp_path / "out" / "tags").rglob("*.parquet"))
    rows = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
    return summary, sorted(rows, key=lambda row: row["offset"])


def test_each_bad_line_is_one_row_and_the_rest_is_tagged(tmp_path, index_folder):
    payloads = [payload for payload, _ in LINES.values()]
    interleaved = [line for payload in payloads for line in (payload, GOOD)]
    (tmp_path / "bad.jsonl").write_bytes(b"\n".join(interleaved) + b"\n")
    summary, rows = run(tmp_path, index_folder, tmp_path / "bad.jsonl")
    assert_exactly_once(tmp_path / "out", len(interleaved))
    assert all(row["error"] is None and row["skills"] for row in rows[1::2]), "good postings between bad ones"
    for (name, (payload, code)), row in zip(LINES.items(), rows[::2], strict=True):
        assert (row["error"] and row["error"]["code"]) == code, name
        if code is not None:
            assert row["error"]["payload"] == payload, name
    assert sum(summary.rejected.values()) == sum(code is not None for _, code in LINES.values())


def test_an_empty_file_has_no_rows(tmp_path, index_folder):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    (tmp_path / "one.jsonl").write_bytes(GOOD)
    summary, rows = run(tmp_path, index_folder, tmp_path / "empty.jsonl", tmp_path / "one.jsonl")
    assert [source.rows for source in summary.sources] == [0, 1]
    assert len(rows) == 1


def test_ragged_csv_rows_are_rejected_one_by_one(tmp_path, index_folder):
    (tmp_path / "a.csv").write_bytes(
        b"id,description\n1,weld metal\n2\n3,weld metal,more,more\n4,weld metal\n"
    )
    _, rows = run(tmp_path, index_folder, tmp_path / "a.csv")
    assert [row["error"] and row["error"]["code"] for row in rows] == [None, "ragged_row", "ragged_row", None]


def test_a_parquet_file_with_the_wrong_columns_is_refused(tmp_path, index_folder):
    pq.write_table(pa.table({"a": ["x"]}), tmp_path / "wrong.parquet")
    with pytest.raises(SourceError, match="wrong.parquet"):
        run(tmp_path, index_folder, tmp_path / "wrong.parquet")
    assert not (tmp_path / "out").exists()


def test_a_gzip_file_cut_in_the_middle_keeps_the_rows_before(tmp_path, index_folder):
    lines = [json.dumps({"id": n, "description": f"weld metal {n * 7919}"}).encode() for n in range(3000)]
    whole = gzip.compress(b"\n".join(lines))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    summary, rows = run(tmp_path, index_folder, tmp_path / "cut.jsonl.gz")
    assert 0 < len(rows) < 3000
    assert [row["offset"] for row in rows] == list(range(len(rows)))
    assert len(summary.problems) == 1
