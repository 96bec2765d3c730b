"""The command line: exit codes, one-line errors, output for scripts."""

import gzip
import json

import pytest

from skillstream.cli import COMMANDS, cli, main
from tests.data import make_jsonl


@pytest.fixture
def postings(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(make_jsonl(6) + b"broken\n")
    return path


def one_line(captured):
    assert captured.out == ""
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, captured.err
    assert "Traceback" not in captured.err
    return lines[0]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert "Usage: skillstream" in capsys.readouterr().out


def test_every_option_has_help():
    def walk(command, path):
        for parameter in command.params:
            if parameter.param_type_name == "option":
                assert parameter.help, f"{path} {parameter.name}"
        for name in getattr(command, "list_commands", lambda _: [])(None):
            walk(command.get_command(None, name), f"{path} {name}")

    walk(cli, "skillstream")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("skillstream, version ")


@pytest.mark.usefixtures("hash_model")
def test_tag_prints_a_summary_for_scripts(postings, index_folder, tmp_path, capsys):
    arguments = ["tag", str(postings), "--output", str(tmp_path / "out"), "--index", str(index_folder)]
    assert main([*arguments, "--json"]) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["records"], summary["tagged"], summary["rejected"]) == (7, 6, {"invalid_json": 1})
    assert main([*arguments, "--show", "1"]) == 0
    again = capsys.readouterr().out
    assert "7 from earlier runs" in again
    assert "Position 0" in again


@pytest.mark.usefixtures("hash_model")
def test_beam_flags_follow_two_dashes(postings, index_folder, tmp_path, capsys):
    arguments = [
        "tag",
        str(postings),
        "--output",
        str(tmp_path / "out"),
        "--index",
        str(index_folder),
        "--json",
    ]
    assert main([*arguments, "--", "--runner=DirectRunner", "--job_name=x"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 7


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["tag"], "Missing argument 'INPUT...'"),
        (["tag", "{tmp}/a.jsonl"], "--output"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--frob"], "No such option"),
        (["tag", "{tmp}/none.jsonl", "--output", "{tmp}/out"], "none.jsonl"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/a.jsonl"], "a.jsonl"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--top-k", "0"], "--top-k must be at least 1"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--index", "{tmp}"], "holds no skills index"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--runner", "NoRunner"], "NoRunner"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--show", "-1"], "--show"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--", "--frob=3"], "--frob=3"),
        (
            ["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--", "--direct_num_workers=x"],
            "direct_num_workers",
        ),
        (["explain", "{tmp}/a.jsonl", "--", "--frob"], "no flags for Beam"),
        (["explain", "{tmp}/none.json"], "none.json"),
        (["explain", "{tmp}/a.jsonl", "--record", "99"], "--record 99"),
        (["index", "info", "{tmp}"], "holds no skills index"),
        (["index", "build", "--taxonomy", "{tmp}/none.csv", "--output", "{tmp}/index"], "none.csv"),
        (["index", "build", "--taxonomy", "", "--output", "{tmp}/index"], "'esco'"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--index", ""], "--index is empty"),
        (["tag", "{tmp}/a.jsonl", "--output", "{tmp}/out", "--taxonomy", " "], "--taxonomy is empty"),
        (["doctor", "--output", "{tmp}/none"], "none"),
        (["doctor", "--output", "{tmp}"], "no output of skillstream"),
        (["doctor", "--output", ""], "no output of skillstream"),
        (["frobnicate"], "No such command"),
    ],
)
@pytest.mark.usefixtures("hash_model")
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, says, postings, tmp_path, capsys):
    before = sorted(tmp_path.rglob("*"))
    code = main([argument.replace("{tmp}", str(tmp_path)) for argument in arguments])
    line = one_line(capsys.readouterr())
    assert says in line
    assert code == 2
    assert sorted(tmp_path.rglob("*")) == before, "nothing may be written"


def test_a_folder_without_a_model_is_refused(postings, tmp_path, capsys):
    code = main(["tag", str(postings), "--output", str(tmp_path / "out"), "--model", str(tmp_path)])
    assert (code, str(tmp_path) in one_line(capsys.readouterr())) == (2, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("hash_model")
def test_debug_shows_the_traceback(tmp_path, capsys):
    assert main(["--debug", "tag", str(tmp_path / "none.jsonl"), "--output", str(tmp_path / "out")]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("hash_model")
def test_doctor_says_whether_an_output_is_whole(postings, index_folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["tag", str(postings), "--output", str(out), "--index", str(index_folder), "--json"]) == 0
    capsys.readouterr()
    assert main(["doctor", "--output", str(out)]) == 0
    assert "whole" in capsys.readouterr().out
    (file,) = out.rglob("*.parquet")
    file.write_bytes(file.read_bytes()[:-30])
    assert main(["doctor", "--output", str(out)]) == 1
    assert "unreadable" in capsys.readouterr().out


@pytest.mark.usefixtures("hash_model")
def test_explain_shows_text_and_tags(tmp_path, index_folder, capsys):
    posting = tmp_path / "posting.json"
    posting.write_text('{"title": "Welder", "description": "You weld metal."}')
    assert main(["explain", str(posting), "--index", str(index_folder)]) == 0
    assert "weld metal" in capsys.readouterr().out
    assert main(["explain", str(posting), "--index", str(index_folder), "--json"]) == 0
    explained = json.loads(capsys.readouterr().out)
    tag = explained["tags"][0]
    assert explained["text"][tag["start"] : tag["end"]] == tag["evidence"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.pdf", b"%PDF-1.7\n\x00\x01\x02 cook pastry", "got a PDF"),
        ("a.docx", b"PK\x03\x04 cook pastry", "got a ZIP archive or a workbook"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00", "byte 0 cannot be decoded"),
        ("a.bin", b"cook\x00\x01pastry", "a control character at 4"),
        ("a.txt", "Cook pastry in a large bakery".encode("utf-16-le"), "UTF-16; say --encoding utf-16-le"),
        ("a.txt", "K\u00f6chin".encode("cp1252"), "byte 1 cannot be decoded"),
        ("a.json", b'{"title": "Cook", "description": "cook pas', "invalid_json"),
        ("a.html", b'["Cook", "Welder"]', "not_an_object"),
        ("a.json", b'{"jobs": []}', "missing_text"),
        ("a.csv", b"title,description\n", "has 0 records; --record 0"),
        ("a.csv", b"title,description\nCook\n", "rejected: ragged_row: expected 2 cells, got 1"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("hash_model")
def test_explain_refuses_what_is_no_posting(tmp_path, index_folder, capsys, name, content, told):
    (tmp_path / name).write_bytes(content)
    assert main(["explain", str(tmp_path / name), "--index", str(index_folder)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"title,description\nWelder,weld metal\nCook,prepare pastry\n"),
        ("a.jsonl", b'{"title": "Welder"}\n{"title": "Cook", "text": "prepare pastry"}\n'),
        (
            "b.jsonl.gz",
            gzip.compress(b'{"title": "Welder"}\n{"title": "Cook", "text": "prepare pastry"}\n', mtime=0),
        ),
        ("a.json", b'{"jobs": [{"id": 1, "title": "a"}, {"id": 2, "title": "prepare pastry"}]}'),
        ("a", b'[{"title": "Welder"}, {"title": "prepare pastry"}]'),
        ("a.txt", b"[Remote] Cook\nprepare pastry"),
    ],
)
@pytest.mark.usefixtures("hash_model")
def test_explain_shows_one_record_of_several(tmp_path, index_folder, capsys, name, content):
    (tmp_path / name).write_bytes(content)
    arguments = ["explain", str(tmp_path / name), "--index", str(index_folder), "--record", "1", "--json"]
    assert main(arguments) == 0
    assert "prepare pastry" in json.loads(capsys.readouterr().out)["text"]
