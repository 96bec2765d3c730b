"""The vectors of an index are in fp32, whatever computes those of the sentences."""

from __future__ import annotations

import pytest

import skillstream.cli.evaluate
from skillstream import Tagger
from skillstream.cli import main
from skillstream.encoder import exact_encoder

CSV = "id,label\n1,SQL\n2,weld pipes\n3,manage budgets\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))


def test_by_a_backend_that_has_no_fp32(tmp_path):
    (tmp_path / "skills.csv").write_text(CSV)
    tagger = Tagger.load(backend="onnxruntime", taxonomy=str(tmp_path / "skills.csv"))
    assert (tagger.encoder.backend, tagger.encoder.precision) == ("onnxruntime", "int8")
    assert tagger.index.info.backend == "openvino"
    exact = exact_encoder().encode(tagger.index.labels)
    assert (exact * tagger.index.vectors).sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert "SQL" in [tag.label for tag in tagger.tag("You write SQL queries every day.")]


def test_in_evaluate_too(tmp_path, monkeypatch):
    encoders = []
    make = skillstream.cli.evaluate.labels_index

    def spy(labels, encoder):
        encoders.append(encoder)
        return make(labels, encoder)

    monkeypatch.setattr(skillstream.cli.evaluate, "labels_index", spy)
    (tmp_path / "labels.txt").write_text("SQL\nweld pipes\nmanage budgets\n")
    (tmp_path / "gold.csv").write_text("sentence,label\nYou weld pipes all day.,weld pipes\n")
    arguments = ["--annotations", f"{tmp_path}/gold.csv", "--labels", f"{tmp_path}/labels.txt"]
    assert main(["evaluate", *arguments, "--backend", "onnxruntime", "--precision", "int8"]) == 0
    assert [encoder.precision for encoder in encoders] == ["fp32"]
