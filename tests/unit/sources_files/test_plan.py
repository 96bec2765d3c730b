import gzip
import json
import os
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.errors import SourceError
from skillstream.postings.fields import FieldMapping
from skillstream.sources.files.formats import FileFormat
from skillstream.sources.files.plan import FileRange, plan_files
from skillstream.sources.files.reader import read_chunks

POSTINGS = [{"id": i, "title": f"Welder {i}", "description": "You weld. " * (i % 7)} for i in range(200)]
LINES = b"".join(json.dumps(posting).encode() + b"\n" for posting in POSTINGS)


@pytest.fixture
def jobs(tmp_path):
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(LINES)
    return path


def test_a_small_file_is_one_partition_whose_rows_are_known(jobs):
    plan = plan_files([str(jobs)])
    (file,) = plan.files
    assert (file.path, file.bytes, file.rows) == (str(jobs), len(LINES), 200)
    facts = (jobs.stat().st_size, jobs.stat().st_mtime_ns)
    assert plan.ranges == [FileRange(file.source, 0, str(jobs), FileFormat("jsonl"), 0, 200, 0, None, *facts)]


def test_a_source_is_named_by_the_files_name_and_content(tmp_path, jobs):
    name = plan_files([str(jobs)]).files[0].source
    stem, fingerprint = name.rsplit("-", 1)
    assert stem == "jobs"
    assert len(fingerprint) == 16
    moved = tmp_path / "elsewhere" / "jobs.jsonl"
    moved.parent.mkdir()
    shutil.copy(jobs, moved)
    assert plan_files([str(moved)]).files[0].source == name
    moved.write_bytes(LINES + b"{}\n")
    assert plan_files([str(moved)]).files[0].source not in (name, "jobs-")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a b (1).jsonl", "a_b_1_"),
        ("求人.jsonl.gz", "求人"),
        ("...x.jsonl", "x"),
        ("x" * 200 + ".json", "x" * 120),
        ("v1.2-final.csv", "v1.2-final"),
    ],
)
def test_a_source_stays_readable_and_short(tmp_path, name, stem):
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES) if name.endswith(".gz") else b"title\nx\n")
    assert plan_files([str(path)]).files[0].source.rsplit("-", 1)[0] == stem


def test_large_files_are_cut_into_ranges_that_cover_every_row_once(jobs):
    plan = plan_files([str(jobs)], range_bytes=1000)
    assert len(plan.ranges) > 10
    assert [item.partition for item in plan.ranges] == list(range(len(plan.ranges)))
    assert plan.ranges[0].start == 0
    assert plan.ranges[-1].end == 200
    for one, following in zip(plan.ranges, plan.ranges[1:], strict=False):
        assert (one.end, one.byte_end) == (following.start, following.byte_start)
        assert one.byte_end - one.byte_start >= 1000
    assert plan_files([str(jobs)], range_bytes=1000) == plan


def test_where_ranges_begin_never_changes(tmp_path):
    """Outputs that exist were cut like this: other cuts would tag rows twice."""
    path = tmp_path / "jobs.jsonl"
    path.write_bytes(b"123456789\n" * 10)
    ranges = plan_files([str(path)], range_bytes=20).ranges
    assert [(item.start, item.byte_start) for item in ranges] == [(0, 0), (2, 20), (4, 40), (6, 60), (8, 80)]
    ranges = plan_files([str(path)], range_bytes=31).ranges
    assert [(item.start, item.byte_start) for item in ranges] == [(0, 0), (4, 40), (8, 80)]
    path = tmp_path / "jobs.csv"
    path.write_bytes(b"id,title\n" + b"1,345678\n" * 10)
    ranges = plan_files([str(path)], range_bytes=20).ranges
    assert [(item.start, item.byte_start) for item in ranges] == [(0, 0), (2, 27), (5, 54), (8, 81)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b" ")), min_size=1, max_size=40),
    st.booleans(),
    st.integers(1, 200),
)
def test_ranges_of_any_lines_give_what_the_whole_file_gives(tmp_path_factory, lines, ends, range_bytes):
    path = tmp_path_factory.mktemp("lines") / "x.jsonl"
    data = b"\n".join([b"{}", *lines]) + (b"\n" if ends else b"")  # the first one says what the file is
    path.write_bytes(data)
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    plan = plan_files([str(path)], range_bytes=range_bytes)
    records = [r for item in plan.ranges for chunk in read_chunks(item, item.start, 7) for r in chunk.records]
    assert [record.payload for record in records] == expected
    assert [record.offset for record in records] == list(range(len(expected)))
    assert plan.files[0].rows == len(expected)


def test_csv_with_line_breaks_in_cells_is_cut_between_rows(tmp_path):
    path = tmp_path / "jobs.csv"
    rows = [f'{i},"line one\nline ""two""\n",6" nail\n' for i in range(300)]
    path.write_text("\ufeffid,description,title\n" + "".join(rows))
    plan = plan_files([str(path)], range_bytes=500)
    assert len(plan.ranges) > 10
    records = [r for item in plan.ranges for chunk in read_chunks(item, item.start, 7) for r in chunk.records]
    assert [record.offset for record in records] == list(range(300))
    assert json.loads(records[250].payload) == {
        "id": "250",
        "description": 'line one\nline "two"\n',
        "title": '6" nail',
    }


def test_parquet_is_cut_at_row_groups(tmp_path):
    path = tmp_path / "jobs.parquet"
    pq.write_table(pa.Table.from_pylist(POSTINGS), path, row_group_size=30)
    plan = plan_files([str(path)], range_bytes=1)
    assert [(item.start, item.end) for item in plan.ranges] == [
        *[(at, at + 30) for at in range(0, 180, 30)],
        (180, 200),
    ]


@pytest.mark.parametrize("name", ["jobs.jsonl.gz", "jobs.json"])
def test_what_cannot_be_cut_is_one_range_of_unknown_length(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES) if name.endswith(".gz") else json.dumps(POSTINGS).encode())
    (item,) = plan_files([str(path)], range_bytes=100).ranges
    assert (item.partition, item.start, item.end) == (0, 0, None)


def test_a_json_file_of_lines_is_read_as_lines(tmp_path):
    path = tmp_path / "jobs.json"
    path.write_bytes(LINES)
    assert {item.how.format for item in plan_files([str(path)], range_bytes=1000).ranges} == {"jsonl"}


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.json", "a.csv", "a.tsv", "a.jsonl.gz", "a.csv.zst", "a.parquet"]
)
def test_an_empty_file_is_no_error_and_has_no_ranges(tmp_path, name):
    (tmp_path / name).touch()
    plan = plan_files([str(tmp_path / name)])
    assert [file.rows for file in plan.files] == [0]
    assert plan.ranges == []


def test_folders_and_patterns_expand_and_a_file_named_twice_is_read_once(tmp_path):
    for name in (
        "b.jsonl",
        "a.csv",
        "deep/c.jsonl",
        "_hidden/x.jsonl",
        ".x.jsonl",
        "notes.txt",
        "out/tags/y.parquet",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"title\n{name}\n")
    inputs = [str(tmp_path), str(tmp_path / "b.jsonl"), str(tmp_path / "**" / "c.*")]
    plan = plan_files(inputs, output=str(tmp_path / "out"))
    assert [os.path.relpath(file.path, tmp_path) for file in plan.files] == [
        "a.csv",
        "b.jsonl",
        "deep/c.jsonl",
    ]


def test_the_same_name_and_content_twice_is_read_once_and_told(tmp_path, jobs):
    copy = tmp_path / "copy" / "jobs.jsonl"
    copy.parent.mkdir()
    shutil.copy(jobs, copy)
    other_name = tmp_path / "copy" / "other.jsonl"
    shutil.copy(jobs, other_name)
    plan = plan_files([str(jobs), str(copy), str(other_name)])
    assert [file.path for file in plan.files] == [str(jobs), str(other_name)]
    assert plan.duplicates == [str(copy)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("jobs.xlsx", b"x", r"unknown kind of file; expected \.jsonl"),
        ("jobs.parquet.gz", b"x", "unknown kind of file"),
        ("jobs", b"x", "unknown kind of file"),
        ("jobs.parquet", b"PAR1 no PAR1", "expected a Parquet file"),
        ("jobs.jsonl.gz", b"no gzip", "is no gzip data"),
        ("jobs.jsonl.zst", b"no zstd", "is no zstd data"),
        ("jobs.jsonl", '{"title": "x"}'.encode("utf-16"), "UTF-16"),
        ("jobs.csv", b"\n\n", "expected a header"),
        (
            "jobs.csv",
            b"id,salary\n1,2\n",
            r"no column with a title or description; it has 'id', 'salary'; name one",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        plan_files([str(tmp_path / name)])
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_inputs_that_name_nothing_are_refused(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.jsonl")
    for inputs, message in [
        ([], "no input"),
        ([str(tmp_path / "none.jsonl")], "no such file or folder"),
        ([str(tmp_path / "*.csv")], "no file matches"),
        ([str(tmp_path / "folder")], "no input in this folder"),
        ([str(tmp_path / "pipe.jsonl")], "got a pipe"),
    ]:
        with pytest.raises(SourceError, match=message):
            plan_files(inputs)


def test_everything_within_the_output_is_refused(jobs, tmp_path):
    other = tmp_path.parent / f"{tmp_path.name}-other.jsonl"
    other.write_bytes(LINES)
    for inputs in ([str(jobs)], [str(other), str(jobs)], [str(tmp_path)], [str(tmp_path / "*.jsonl")]):
        with pytest.raises(SourceError, match=f"^{re.escape(inputs[-1])}: .*output folder") as caught:
            plan_files(inputs, output=str(tmp_path))
        assert "\n" not in str(caught.value)


def test_a_pattern_leaves_out_the_output(jobs, tmp_path):
    found = tmp_path / "out" / "tags" / "x.jsonl"
    found.parent.mkdir(parents=True)
    found.write_bytes(LINES)
    plan = plan_files([str(tmp_path / "**" / "*.jsonl")], output=str(tmp_path / "out"))
    assert [file.path for file in plan.files] == [str(jobs)]


def test_other_outputs_of_ours_in_a_folder_are_no_input(jobs, tmp_path):
    for name in ("earlier/run.json", "deep/earlier/run.json", "own/run.json"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text('{"title": "x"}')
        (path.parent / "tags").mkdir()
    (tmp_path / "own" / "tags").rmdir()  # a folder of somebody else's with that name
    for name in ("earlier/tags", "deep/earlier/tags"):
        pq.write_table(pa.table({"title": ["x"]}), tmp_path / name / "x.parquet")
    plan = plan_files([str(tmp_path)])
    assert [os.path.relpath(file.path, tmp_path) for file in plan.files] == ["jobs.jsonl", "own/run.json"]
    with pytest.raises(SourceError, match=r"no input in this folder; .* outputs of skillstream are left out"):
        plan_files([str(tmp_path / "earlier")])


def test_a_table_without_the_right_columns_is_refused(tmp_path):
    path = tmp_path / "jobs.parquet"
    pq.write_table(pa.table({"code": [1], "salary": [2], "Posting_Body": ["x"]}), path)
    with pytest.raises(SourceError, match=r"no column with a title or description; it has 'code', 'salary'"):
        plan_files([str(path)])
    with pytest.raises(SourceError, match=r"no column 'body' for --text-field"):
        plan_files([str(path)], FieldMapping(text="body"))
    assert plan_files([str(path)], FieldMapping(text="Posting_Body")).files[0].rows == 1


@pytest.mark.parametrize("column", ["Description", "JOB_TITLE", "full text", "job.title"])
def test_well_known_columns_are_known_in_any_spelling(tmp_path, column):
    path = tmp_path / "jobs.csv"
    path.write_text(f"id,{column}\n1,x\n")
    fields = FieldMapping(title="job.title") if "." in column else FieldMapping()
    assert len(plan_files([str(path)], fields).ranges) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_refused(jobs):
    jobs.chmod(0)
    with pytest.raises(SourceError, match="Permission denied"):
        plan_files([str(jobs)])
