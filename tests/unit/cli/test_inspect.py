"""`skillstream inspect`: what it shows of files, and what it refuses."""

import gzip
import io
import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstream.cli import main

POSTING = {"id": 7, "title": "Cook", "description": "You cook pasta.", "posted": "three days ago"}


def inspected(capsys, *arguments, code=0):
    assert main(["inspect", *map(str, arguments), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def taken_for(file):
    return {field["name"]: field["taken_for"] for field in file["records"]["fields"]}


def test_a_file_by_its_format_fields_and_text(tmp_path, capsys):
    path = tmp_path / "a.jsonl.gz"
    lines = [json.dumps(POSTING), json.dumps({"title": "Baker", "site": "x"}), "{broken"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    report = inspected(capsys, path)
    [file] = report["files"]
    assert (file["format"], file["compression"], file["encoding"]) == ("jsonl", "gzip", "utf-8")
    assert (file["whole"], file["refused"], file["fault"]) == (True, None, None)
    records = file["records"]
    assert (records["records"], records["rejected"]) == (3, {"invalid_json": 1})
    assert (records["title_only"], records["unread_times"]) == (1, 1)
    assert records["unread_time"] == "posted: three days ago"
    assert [(p["offset"], p["code"]) for p in records["problems"]] == [(2, "invalid_json")]
    assert taken_for(file) == {
        "id": "id",
        "title": "title",
        "description": "description",
        "posted": None,
        "site": None,
    }
    shares = {field["name"]: field["share"] for field in records["fields"]}
    assert (shares["title"], shares["site"]) == (1.0, 0.5)
    assert records["sample"]["text"] == "Cook\nYou cook pasta."
    assert [part["section"] for part in records["sample"]["sections"]] == ["title", "other"]


def test_a_table_by_its_dialect_and_the_options_of_tag(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_bytes("sep=;\nnr;posten;text\n1;Köchin;Kocht Nudeln\n".encode("cp1252"))
    report = inspected(capsys, path, "--encoding", "cp1252", "--title-field", "posten", "--id-field", "nr")
    [file] = report["files"]
    assert (file["encoding"], file["dialect"]["delimiter"], file["dialect"]["skipped"]) == ("cp1252", ";", 1)
    assert taken_for(file) == {"nr": "id", "posten": "title", "text": "description"}
    assert file["records"]["sample"]["title"] == "Köchin"


def test_nested_fields_are_shown_by_their_paths(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    lever = {"text": "Cook", "hostedUrl": "u", "content": {"description": "Cook", "lists": []}}
    path.write_text(json.dumps({"job": lever}))
    [file] = inspected(capsys, path)["files"]
    assert file["records"]["feeds"] == {"lever": 1}
    assert taken_for(file)["content.description"] == "description"
    assert taken_for(file)["text"] == "title"


def test_a_posting_in_a_list_or_graph_shows_its_own_fields(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    graph = [{"@type": "WebPage"}, {"@type": "JobPosting", "title": "Cook", "description": "You cook."}]
    path.write_text(json.dumps({"@graph": graph}))
    [file] = inspected(capsys, path)["files"]
    assert taken_for(file) == {"@type": None, "title": "title", "description": "description"}


def test_xml_parquet_and_lists_say_what_a_record_is(tmp_path, capsys):
    (tmp_path / "a.xml").write_text("<jobs><job><title>Cook</title></job></jobs>")
    (tmp_path / "b.json").write_text(json.dumps({"results": [{"id": 1, "title": "Cook", "url": "u"}] * 2}))
    pq.write_table(pa.table({"title": ["Cook"], "vector": [[1.0, 2.0]]}), tmp_path / "c.parquet")
    xml, listed, parquet = inspected(capsys, tmp_path)["files"]
    assert (xml["element"], listed["records_path"], parquet["format"]) == ("job", "results", "parquet")
    assert [file["records"]["records"] for file in (xml, listed, parquet)] == [1, 2, 1]


def test_what_a_folder_holds_and_is_left_out_is_shown(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(json.dumps(POSTING))
    (tmp_path / "notes.docx").write_bytes(b"PK\x03\x04")
    report = inspected(capsys, tmp_path)
    assert any("notes.docx" in line for line in report["left_out"])


def test_standard_input(monkeypatch, capsys):
    stream = io.TextIOWrapper(io.BytesIO(b"title,description\nCook,You cook\n"))
    monkeypatch.setattr(sys, "stdin", stream)
    [file] = inspected(capsys, "-")["files"]
    assert (file["path"], file["format"], file["records"]["records"]) == ("-", "csv", 1)


def test_an_object_store(memory_s3, capsys):
    memory_s3("bucket").put("jobs/a.jsonl", json.dumps(POSTING).encode())
    [file] = inspected(capsys, "s3://bucket/jobs/")["files"]
    assert (file["path"], file["records"]["records"]) == ("s3://bucket/jobs/a.jsonl", 1)


def test_only_the_first_records_are_read(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(f"{json.dumps(POSTING)}\n" for _ in range(9)))
    [file] = inspected(capsys, path, "--records", "4")["files"]
    assert (file["records"]["records"], file["whole"]) == (4, False)


def test_a_file_that_is_cut_off_is_a_problem_and_what_came_before_is_shown(tmp_path, capsys):
    path = tmp_path / "a.jsonl.gz"
    lines = "".join(f"{json.dumps(POSTING | {'id': number})}\n" for number in range(2000))
    path.write_bytes(gzip.compress(lines.encode())[:-20])
    [file] = inspected(capsys, path, "--records", "5000")["files"]
    assert "cut off in the middle" in file["fault"]
    assert file["records"]["sample"]["posting_id"] == "0"


def test_a_refused_file_among_others_is_shown_with_the_reason(tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(json.dumps(POSTING))
    (tmp_path / "b.csv").write_text("colour,size\nred,4\n")
    _, refused = inspected(capsys, tmp_path, code=2)["files"]
    assert "no column with a title or description; it has 'colour', 'size'" in refused["refused"]
    assert main(["inspect", str(tmp_path)]) == 2
    assert "refused" in capsys.readouterr().out


def test_a_field_that_no_record_has_is_refused_but_the_fields_are_shown(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(POSTING))
    [file] = inspected(capsys, path, "--text-field", "descripton", code=2)["files"]
    assert "has a field 'descripton' (--text-field)" in file["refused"]
    assert "description" in taken_for(file)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give either INPUT... or --topic"),
        (["{tmp}/a.jsonl", "--topic", "t"], "give either INPUT... or --topic"),
        (["{tmp}/none.jsonl"], "none.jsonl"),
        (["{tmp}/photo.png"], "unknown kind of file"),
        (["{tmp}/a.pdf"], "got a PDF"),
        (["{tmp}/a.csv"], "no column with a title or description"),
        (["{tmp}/a.jsonl", "--records", "0"], "--records"),
        (["{tmp}/a.jsonl", "--feed", "frob"], "--feed must be one of"),
        (["{tmp}/a.jsonl", "--encoding", "frob"], "no such encoding"),
        (["{tmp}/a.jsonl", "--csv-quote", "ab"], "--csv-quote must be one character"),
        (["--topic", "t", "--csv-quote", "'"], "--csv-quote is for files"),
        (["--topic", "a/b", "--bootstrap-servers", "127.0.0.1:1"], "no topic's name"),
        (["--topic", "t"], "bootstrap"),
        (["--topic", "t", "--bootstrap-servers", "127.0.0.1:1"], "Kafka at 127.0.0.1:1 cannot be used"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, says, tmp_path, capsys):
    (tmp_path / "a.jsonl").write_text(json.dumps(POSTING))
    (tmp_path / "photo.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00")
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7\n")
    (tmp_path / "a.csv").write_text("colour,size\nred,4\n")
    assert main(["inspect", *(argument.replace("{tmp}", str(tmp_path)) for argument in arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.strip().splitlines()) == 1
    assert says in captured.err


def test_hostile_values_break_no_line_of_the_page(tmp_path, capsys):
    path = tmp_path / "a.jsonl"
    odd = {
        "title": "[bold]Cook[/bold]",
        "n\x1b[31m": 10**400,
        "l": [1, {"a": []}],
        "t": "\x07",
    }
    path.write_text(json.dumps(odd | {"description": "You\x1b[31m cook."}))
    assert main(["inspect", str(path)]) == 0
    page = capsys.readouterr().out
    assert "[bold]Cook[/bold]" in page
    assert "\x1b" not in page
