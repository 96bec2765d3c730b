"""`skillstream evaluate --judgements` on invented postings, by the stand-in encoder."""

import json

import pytest
from click.testing import CliRunner

from skillstream.cli import cli, main
from skillstream.cli import evaluate as command_module
from skillstream.testing import HashEncoder

POSTINGS = [
    {"id": "p1", "title": "Analyst", "description": "You know SQL.\nYou weld metal every day."},
    {"id": "p2", "title": "Cook", "description": "You cook soup."},
    {"id": "p3", "title": "Other", "description": "Nobody judged this one: SQL."},
]
JUDGED = [
    {"id": "p1", "tags": [{"uri": "s:sql", "label": "SQL", "verdict": "r"}]},
    {"id": "p2", "tags": [{"uri": "s:soup", "label": "cook soup", "verdict": "w"}]},
    {"id": "p9", "tags": [{"uri": "s:sql", "label": "SQL", "verdict": "r"}]},
]


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    monkeypatch.setattr(command_module, "load_encoder", lambda *_: HashEncoder())
    for name, lines in (("postings", POSTINGS), ("judged", JUDGED)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "skills.csv").write_text("id,label\ns:sql,SQL\ns:soup,cook soup\ns:weld,weld metal\n")
    return [
        "--judgements", str(tmp_path / "judged.jsonl"), "--postings", str(tmp_path / "postings.jsonl"),
        "--taxonomy", str(tmp_path / "skills.csv"), "--min-confidence", "0.05",
    ]  # fmt: skip


def test_json_has_the_figures_of_judged_postings_that_were_found(arguments):
    result = CliRunner().invoke(cli, ["evaluate", *arguments, "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["all"]["postings"] == 2  # p9 has no posting, p3 no judgement
    assert report["all"]["recall"] == 1.0
    assert (report["all"]["right"], report["all"]["wrong"]) == (0.5, 0.5)
    assert report["all"]["unjudged"] >= 1
    assert report["min_confidence"] == 0.05
    assert {"both", "exact", "semantic"} <= report.keys()


def test_a_table_a_picture_and_a_warning(arguments):
    result = CliRunner().invoke(cli, ["evaluate", *arguments])
    assert result.exit_code == 0, result.output
    assert "or debatable" in result.stdout
    assert "confidence  right" in result.stdout
    assert "No posting stage" in result.stderr


@pytest.mark.parametrize("given", [["--judgements", "x"], ["--annotations", "x", "--postings", "y"], []])
def test_half_of_the_options_exit_with_2(given, capsys):
    assert main(["evaluate", *given]) == 2
    assert "either" in capsys.readouterr().err


def test_postings_with_other_ids_exit_with_2(arguments, tmp_path, capsys):
    (tmp_path / "postings.jsonl").write_text('{"id": "other", "description": "SQL"}\n')
    assert main(["evaluate", *arguments]) == 2
    assert "ids" in capsys.readouterr().err
