"""The files pipeline on the local runner: what lies in the files afterwards, and what is refused before."""

import gzip
import io
import json
import re
from contextlib import nullcontext

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstream import FilesConfig
from skillstream.cli import main
from skillstream.errors import IndexFormatError, OutputError, RunError, SourceError
from skillstream.index.skills_index import build_index, save_index
from skillstream.output import read_run, source_paths
from skillstream.output.chain_check import verify_chain
from skillstream.pipelines import tag_files
from skillstream.tagging import files_job
from skillstream.tagging.files_job import plan_job
from skillstream.taxonomy.load import load_taxonomy
from skillstream.workers import tag_here
from tests.data import make_jsonl, make_posting

pytestmark = pytest.mark.usefixtures("hash_model")


@pytest.fixture
def config(tmp_path, index_folder):
    def make(**options):
        defaults = {"output": str(tmp_path / "out"), "index": str(index_folder), "max_chunk_rows": 7}
        return FilesConfig(**{**defaults, **options})

    return make


@pytest.fixture(params=["here", "beam"])
def tag(request):
    """Files tagged as `skillstream tag` does it on one machine, and as Beam does it."""
    if request.param == "beam":
        return tag_files.run
    return lambda config, inputs: tag_here(config, plan_job(config, inputs), lambda *_: nullcontext())


def read_rows(output):
    files = [str(path) for path in sorted((output / "tags").rglob("*.parquet"))]
    rows = [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(rows, key=lambda row: (row["source"], row["partition"], row["offset"]))


def write(path, content):
    path.write_bytes(content)
    return str(path)


def test_every_record_of_every_file_is_one_row(tmp_path, config, tag):
    lines = make_jsonl(30)
    inputs = [
        write(tmp_path / "a.jsonl", lines),
        write(tmp_path / "b.jsonl.gz", gzip.compress(make_jsonl(9, seed=1) + b"not json\n")),
        write(tmp_path / "c.csv", b"title,description\nWelder,weld metal\nCook,prepare pastry\nragged\n"),
    ]
    pq.write_table(pa.Table.from_pylist([make_posting(1), make_posting(2)]), tmp_path / "d.parquet")
    summary = tag(config(), [*inputs, str(tmp_path / "d.parquet")])
    assert (summary.records, summary.tagged, summary.rejected) == (
        45,
        43,
        {"invalid_json": 1, "ragged_row": 1},
    )
    assert [source.rows for source in summary.sources] == [30, 10, 3, 2]
    assert summary.problems == []
    assert (summary.title_only, summary.fields, summary.notes) == (0, [], [])
    rows = read_rows(tmp_path / "out")
    assert len(rows) == 45
    assert len({(row["source"], row["partition"], row["offset"]) for row in rows}) == 45
    assert summary.tags == sum(len(row["skills"]) for row in rows) > 45
    report = verify_chain(tmp_path / "out")
    assert (report.rows, report.findings) == (45, [])


def test_running_again_adds_nothing_and_goes_on_where_it_stopped(tmp_path, config, tag):
    inputs = [write(tmp_path / "a.jsonl", make_jsonl(30))]
    tag(config(), inputs)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    newest = max(before)
    newest.unlink()  # as if the job had died before its last chunk
    summary = tag(config(), inputs)
    assert (summary.resumed, summary.records) == (28, 2)
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.parquet")}
    assert {path: after[path] for path in before if path != newest} == {
        path: time for path, time in before.items() if path != newest
    }
    assert len(read_rows(tmp_path / "out")) == 30
    assert tag(config(), inputs).records == 0


def test_large_files_are_cut_into_ranges_with_absolute_row_numbers(tmp_path, config, monkeypatch, tag):
    monkeypatch.setattr(files_job, "RANGE_BYTES", 2000)
    path = write(tmp_path / "a.jsonl", make_jsonl(40))
    summary = tag(config(), [path])
    rows = read_rows(tmp_path / "out")
    assert len({row["partition"] for row in rows}) > 2
    assert sorted(row["offset"] for row in rows) == list(range(40))
    assert [row["posting_id"] for row in sorted(rows, key=lambda row: row["offset"])] == [
        f"t{n}" for n in range(40)
    ]
    assert summary.sources[0].rows == 40
    # A later start with another default still cuts as run.json says.
    monkeypatch.setattr(files_job, "RANGE_BYTES", 1 << 20)
    assert tag(config(), [path]).records == 0


def test_a_cut_gzip_file_keeps_the_rows_before_and_is_reported(tmp_path, config, tag):
    whole = gzip.compress(make_jsonl(2000, seed=3), mtime=0)
    inputs = [
        write(tmp_path / "cut.jsonl.gz", whole[: len(whole) // 2]),
        write(tmp_path / "ok.jsonl", make_jsonl(5)),
    ]
    summary = tag(config(max_chunk_rows=100), inputs)
    assert len(summary.problems) == 1
    assert "cut.jsonl.gz" in summary.problems[0]
    cut, ok = summary.sources
    assert 0 < cut.rows < 2000
    assert ok.rows == 5
    assert verify_chain(tmp_path / "out").findings == []


def test_options_and_versions_are_recorded_without_secrets(tmp_path, config, index_folder, tag):
    model = "https://user:hidden@models.example/jobs"  # hash_model takes any
    tag(config(model=model), [write(tmp_path / "a.jsonl", make_jsonl(2))])
    assert "hidden" not in (tmp_path / "out" / "run.json").read_text()
    run = json.loads((tmp_path / "out" / "run.json").read_bytes())
    assert run["identity"]["taxonomy"] == "test"
    assert run["options"]["max_chunk_rows"] == 7
    assert run["options"]["index"] == str(index_folder)
    assert run["options"]["model"] == "https://***@models.example/jobs"
    assert run["versions"]["skillstream"]


def refused(tmp_path, call, error, match):
    with pytest.raises(error, match=match):
        call()
    out = tmp_path / "out"
    assert not out.exists() or list(out.rglob("*.parquet")) == []


def test_a_missing_input_is_refused_before_anything_is_written(tmp_path, config, tag):
    refused(tmp_path, lambda: tag(config(), [str(tmp_path / "none.jsonl")]), SourceError, "none.jsonl")
    assert not (tmp_path / "out").exists()


def test_a_table_without_a_text_column_is_refused(tmp_path, config, tag):
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "x.parquet")
    refused(tmp_path, lambda: tag(config(), [str(tmp_path / "x.parquet")]), SourceError, "x.parquet")


def test_an_index_of_another_model_is_refused(tmp_path, config, monkeypatch, tag):
    from skillstream.testing import HashEncoder

    monkeypatch.setattr("skillstream.tagging.worker.load_encoder", lambda *_, **__: HashEncoder(dim=64))
    path = write(tmp_path / "a.jsonl", make_jsonl(1))
    refused(tmp_path, lambda: tag(config(), [path]), IndexFormatError, "made with model")
    assert not (tmp_path / "out").exists()


def test_an_output_made_with_another_taxonomy_is_refused_unless_forced(tmp_path, config, tag):
    path = write(tmp_path / "a.jsonl", make_jsonl(1))
    tag(config(), [path])
    run_file = tmp_path / "out" / "run.json"
    run_file.write_text(run_file.read_text().replace('"taxonomy": "test"', '"taxonomy": "other"'))
    with pytest.raises(OutputError, match="other"):
        tag(config(), [path])
    assert tag(config(force=True), [path]).records == 0


def test_run_json_names_the_path_of_every_source_and_later_starts_add_theirs(tmp_path, config, tag):
    a, b = write(tmp_path / "a.jsonl", make_jsonl(1)), write(tmp_path / "b.jsonl", make_jsonl(2))
    source_a = tag(config(), [a]).sources[0].source
    assert read_run(tmp_path / "out").sources == source_paths(tmp_path / "out") == {source_a: a}
    before = (tmp_path / "out" / "run.json").read_bytes()
    for _ in range(2):
        source_b = tag(config(), [a, b]).sources[1].source
        assert source_paths(tmp_path / "out") == {source_a: a, source_b: b}
        assert len(list((tmp_path / "out" / "sources").iterdir())) == 1
    assert (tmp_path / "out" / "run.json").read_bytes() == before


def test_another_taxonomy_file_of_the_same_name_is_refused_and_a_new_version_of_an_index_is_not(
    tmp_path, config, encoder, tag
):
    path = write(tmp_path / "a.jsonl", make_jsonl(1))
    own = tmp_path / "own.csv"
    own.write_text("id,label\n1,weld metal\n")
    tag(config(index=None, taxonomy=str(own)), [path])
    assert tag(config(index=None, taxonomy=str(own)), [path]).records == 0
    save_index(build_index(load_taxonomy(str(own)), encoder), tmp_path / "index")
    by_index = config(index=str(tmp_path / "index"), output=str(tmp_path / "out2"))
    tag(by_index, [path])
    own.write_text("id,label\n1,weld metal\n2,Python\n")
    with pytest.raises(OutputError, match=r"made with taxonomy 'own@\w{8}', this run has 'own@\w{8}'"):
        tag(config(index=None, taxonomy=str(own)), [path])
    save_index(build_index(load_taxonomy(str(own)), encoder), tmp_path / "index")
    assert tag(by_index, [path]).records == 0


def test_a_failing_worker_is_one_error_and_running_again_goes_on(tmp_path, config, monkeypatch, tag):
    from skillstream.tagging.tagger import Tagger

    path = write(tmp_path / "a.jsonl", make_jsonl(30))
    whole = Tagger.tag_chunk

    def broken(self, chunk):
        if chunk.start >= 14:
            raise OSError("the encoder's device is gone")
        return whole(self, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(Tagger, "tag_chunk", broken)
        with pytest.raises(RunError, match="the encoder's device is gone"):
            tag(config(), [path])
    assert [row["offset"] for row in read_rows(tmp_path / "out")] == list(range(14))
    assert tag(config(), [path]).records == 16
    assert len(read_rows(tmp_path / "out")) == 30


def test_main_takes_flags_in_beams_style(tmp_path, index_folder, capsys):
    path = write(tmp_path / "a.jsonl", make_jsonl(3))
    arguments = [
        f"--input={path}",
        f"--output={tmp_path / 'out'}",
        f"--index={index_folder}",
        "--max_chunk_rows=2",
    ]
    assert tag_files.main([*arguments, "--runner=DirectRunner"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 3
    assert tag_files.main([*arguments, "--top_k=0"]) == 2
    assert "top-k" in capsys.readouterr().err


def test_tag_works_where_the_cache_cannot_be_written(tmp_path, config, monkeypatch, tag):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    (tmp_path / "own.csv").write_text("id,label\n1,weld metal\n2,Python\n")
    path = write(tmp_path / "a.jsonl", make_jsonl(3))
    own = str(tmp_path / "own.csv")
    assert tag(config(index=None, taxonomy=own), [path]).tagged == 3
    assert tag(config(output=str(tmp_path / "out2")), [path]).tagged == 3


def test_descriptions_that_were_not_found_are_counted_and_the_fields_named(tmp_path, config, tag):
    lines = [{"id": n, "title": "Welder", "blurb": "weld metal"} for n in range(3)] + [make_posting(4)]
    path = write(tmp_path / "a.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    summary = tag(config(), [path])
    assert (summary.tagged, summary.title_only) == (4, 3)
    assert summary.fields == ["blurb", "id", "title"]
    assert summary.notes == [
        "3 of 4 records have no description and were tagged by their title alone; such a record has 'blurb', "
        "'id', 'title': name the field with --text-field, or the feed with --feed"
    ]
    named = tag(config(output=str(tmp_path / "named"), text_field="blurb"), [path])
    assert named.title_only == 1
    assert named.tags > summary.tags


def test_times_that_cannot_be_read_are_counted(tmp_path, config, tag):
    lines = [
        {"title": "Welder", "text": "weld metal", "posted": posted} for posted in ("3 days ago", "2026-01-02")
    ]
    path = write(tmp_path / "a.jsonl", b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    summary = tag(config(), [path])
    assert (summary.tagged, summary.unread_times, summary.unread_time) == (2, 1, "posted: 3 days ago")
    assert summary.notes == [
        "1 of 2 records state a time that cannot be read, such as posted: 3 days ago: it is left out"
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz"])
@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("text_field", "field 'jobDescripton' (--text-field); they have 'id', 'title', 'jobDescription'"),
        ("title_field", "no record of the first 2 has a field 'jobDescripton' (--title-field)"),
        ("id_field", "no record of the first 2 has a field 'jobDescripton' (--id-field)"),
    ],
)  # fmt: skip
def test_a_field_that_no_record_has_is_refused_before_anything_is_written(
    tmp_path, config, name, option, told, tag
):
    lines = [{"id": n, "title": "Cook", "jobDescription": "cook pastry"} for n in range(2)]
    content = (
        json.dumps(lines).encode()
        if name == "a.json"
        else b"".join(json.dumps(x).encode() + b"\n" for x in lines)
    )
    path = write(tmp_path / name, gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(SourceError, match=re.escape(told)):
        tag(config(**{option: "jobDescripton"}), [path])
    assert not (tmp_path / "out").exists()
    assert tag(config(**{option: "jobDescription"}), [path]).tagged == 2


def test_a_field_that_one_record_has_or_that_nobody_can_tell_is_not_refused(tmp_path, config, tag):
    good = write(tmp_path / "a.jsonl", b'{"title":"Cook"}\n{"title":"Cook","job":{"text":null}}\n')
    broken = write(tmp_path / "b.jsonl", b"broken\n")
    empty = write(tmp_path / "c.jsonl", b"")
    assert tag(config(text_field="job.text"), [good, broken, empty]).records == 3


def test_a_quote_that_is_not_closed_is_a_problem_and_the_rest_is_tagged(tmp_path, config, tag):
    path = write(tmp_path / "x.csv", b'id,title\n1,Baker\n2,"Smith\n3,Tailor\n')
    summary = tag(config(), [path])
    rows = read_rows(tmp_path / "out")
    assert [row["error"] and row["error"]["code"] for row in rows] == [None, "ragged_row", None]
    assert summary.rejected == {"ragged_row": 1}
    assert len(summary.problems) == 1
    assert "a quote opened in row 2 (line 3) is not closed" in summary.problems[0]


def test_rows_that_are_not_utf8_bring_a_note_with_the_remedy(tmp_path, config, tag):
    path = write(tmp_path / "x.csv", b"id,title\n1,caf\xe9\n2,Baker\n")
    summary = tag(config(), [path])
    assert "--encoding cp1252" in "\n".join(summary.notes)
    summary = tag(config(output=str(tmp_path / "again"), encoding="cp1252"), [path])
    assert (summary.rejected, summary.notes[1:]) == ({}, [])
    assert read_rows(tmp_path / "again")[0]["title"] == "café"


@pytest.mark.parametrize(
    "data", [b'{"id": 1, "title": "Baker"}\n{"id": 2, "title"', b"id;title\n1;Baker\n2;x;y\n"]
)
def test_standard_input_to_json_lines_on_standard_output(index_folder, monkeypatch, data):
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(data))))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output))
    assert main(["tag", "-", "--output", "-", "--index", str(index_folder)]) == 0
    rows = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [(row["offset"], row["title"], row["error"] is None) for row in rows] == [
        (0, "Baker", True),
        (1, None, False),
    ]
    assert rows[0]["source"].startswith("stdin-")


def test_standard_input_resumes_where_it_stopped(tmp_path, index_folder, monkeypatch, capsys):
    data = make_jsonl(9)
    arguments = ["tag", "-", "--output", str(tmp_path / "out"), "--index", str(index_folder), "--json"]
    for resumed in (0, 9):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert main(arguments) == 0
        assert json.loads(capsys.readouterr().out)["resumed"] == resumed
    assert len(read_rows(tmp_path / "out")) == 9


def test_standard_input_is_refused_where_it_cannot_be(tmp_path, index_folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    arguments = ["tag", "-", "--output", str(tmp_path / "out"), "--index", str(index_folder)]
    assert main(arguments) == 2
    assert "standard input (-) is empty" in capsys.readouterr().err
    assert main([*arguments, "--runner", "FlinkRunner"]) == 2
    assert main([*arguments, "-"]) == 2


@pytest.mark.parametrize("flags", [["--runner", "DirectRunner"], ["--", "--runner=FlinkRunner"]])
def test_standard_input_goes_to_no_runner_of_beam(tmp_path, capsys, flags):
    assert main(["tag", "-", "--output", str(tmp_path / "out"), *flags]) == 2
    assert "for the local runner only" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
