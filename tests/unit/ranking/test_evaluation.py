import json

import numpy as np
import pytest
from click.testing import CliRunner

from skillstream.cli import cli, main
from skillstream.cli import evaluate as command_module
from skillstream.errors import UsageError
from skillstream.ranking.evaluation import (
    evaluate,
    gold_ranks,
    labels_index,
    ranking_figures,
    read_annotations,
    read_labels,
)
from skillstream.ranking.heads import neutral_heads
from skillstream.testing import HashEncoder

LABELS = ["SQL", "weld metal", "manage budgets", "coach employees", "Java (computer programming)"]
ROWS = """sentence,span,label
You know SQL and Java,SQL,SQL
You weld metal,weld,weld metal
You know SQL and Java,Java,Java (computer programming)
We are nice,nice,LABEL NOT PRESENT
You manage budgets,x,"manage budgets "
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.csv").write_text(ROWS)
    (tmp_path / "labels.txt").write_text("\n".join([*LABELS, "", "SQL "]) + "\n")
    return tmp_path / "a.csv", tmp_path / "labels.txt"


def test_rows_of_one_sentence_are_joined(files):
    annotations = read_annotations(files[0])
    assert annotations["You know SQL and Java"] == {"SQL", "Java (computer programming)"}
    assert list(annotations) == [
        "You know SQL and Java",
        "You weld metal",
        "We are nice",
        "You manage budgets",
    ]


def test_lists_of_skills_are_read(tmp_path):
    (tmp_path / "k.csv").write_text(",sentence,skills\n0,\"a, b\",\"['SQL', 'x']\"\n1,c,\"['UNK']\"\n")
    assert read_annotations(tmp_path / "k.csv") == {"a, b": {"SQL", "x"}, "c": {"UNK"}}


@pytest.mark.parametrize("cell", ["SQL", "__import__('os')", "[1]", "", "[" * 500, "{'a'}"])
def test_a_list_that_is_none_is_refused(tmp_path, cell):
    (tmp_path / "k.csv").write_text(f'sentence,skills\na,"{cell}"\n')
    with pytest.raises(UsageError, match="record 2: expected a list"):
        read_annotations(tmp_path / "k.csv")


def test_the_vocabulary_has_no_blanks_and_no_repeats(files):
    assert read_labels(files[1]) == LABELS


def test_missing_columns_are_named(tmp_path):
    (tmp_path / "x.csv").write_text("text,label\na,b\n")
    with pytest.raises(UsageError, match="expected the columns 'sentence' and 'label'.*'text', 'label'"):
        read_annotations(tmp_path / "x.csv")


def test_figures_of_hand_made_ranks():
    # One query with its hits at 1 and 7 of 2, one with its only hit at 3: by hand from the definitions.
    figures = ranking_figures([np.array([0, 6]), np.array([2])])
    assert figures == pytest.approx(
        {"mrr": (1 + 1 / 3) / 2, "rp1": 0.5, "rp5": 0.75, "rp10": 1.0, "r50": 1.0}
    )


def test_rp_divides_by_k_where_there_are_more_gold_labels_than_k():
    assert ranking_figures([np.arange(8)])["rp5"] == 1.0
    assert ranking_figures([np.arange(100, 108)])["r50"] == 0.0


def test_ties_go_by_the_order_of_the_vocabulary():
    scores = np.array([0.5, 0.7, 0.5, 0.5], np.float32)
    assert gold_ranks(scores, [0, 3]).tolist() == [1, 3]


def test_evaluate_counts_queries_and_tags(files):
    encoder = HashEncoder()
    index = labels_index(read_labels(files[1]), encoder)
    figures = evaluate(read_annotations(files[0]), index, encoder, neutral_heads())
    assert (figures.n, figures.sentences) == (2, 4)  # "manage budgets " is no label, nor LABEL NOT PRESENT
    assert figures.mrr == figures.rp5 == figures.r50 == 1.0
    right = round(figures.recall * 3)
    assert right > 0
    assert figures.precision == right / figures.tags
    assert figures.f1 == pytest.approx(2 * right / (figures.tags + 3))


def test_labels_that_esco_knows_bring_their_alternative_labels():
    index = labels_index(["Java (computer programming)", "no such label"], HashEncoder())
    assert index.alt_labels(0)
    assert not index.alt_labels(1)
    assert list(index.labels) == ["Java (computer programming)", "no such label"]


def test_nothing_in_common_is_refused(files):
    encoder = HashEncoder()
    with pytest.raises(UsageError, match="right two files"):
        evaluate(read_annotations(files[0]), labels_index(["cook soup"], encoder), encoder, neutral_heads())


@pytest.fixture
def hash_encoder(monkeypatch):
    monkeypatch.setattr(command_module, "load_encoder", lambda *_: HashEncoder())


@pytest.mark.parametrize("lane", ["pooled", "semantic", "exact", "full"])
def test_json_is_one_object_of_fractions(files, hash_encoder, lane):
    arguments = ["--annotations", str(files[0]), "--labels", str(files[1]), "--lanes", lane, "--json"]
    result = CliRunner().invoke(cli, ["evaluate", *arguments])
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["lanes"] == lane
    assert figures["n"] == 2
    assert figures["labels"] == 5
    for name in ("mrr", "rp@1", "rp@5", "rp@10", "r@50", "precision", "recall", "f1", "threshold"):
        assert 0 <= figures[name] <= 1


def test_a_table_for_people_and_a_warning_without_heads(files, hash_encoder):
    result = CliRunner().invoke(cli, ["evaluate", "--annotations", str(files[0]), "--labels", str(files[1])])
    assert "RP@5" in result.stdout
    assert "No heads were fitted" in result.stderr


@pytest.mark.parametrize(
    ("annotations", "labels"),
    [("missing.csv", "labels.txt"), ("a.csv", "missing.txt"), ("labels.txt", "labels.txt")],
)
def test_missing_files_and_columns_exit_with_2(files, hash_encoder, capsys, annotations, labels):
    folder = files[0].parent
    code = main(["evaluate", "--annotations", str(folder / annotations), "--labels", str(folder / labels)])
    assert code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
