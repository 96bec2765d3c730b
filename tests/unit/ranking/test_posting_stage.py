"""The posting stage with trees made by hand."""

from importlib.resources import files

import msgspec
import numpy as np
import pytest

from skillstream.errors import ModelError
from skillstream.index.skills_index import build_index
from skillstream.postings.sentences import Document, Sentence
from skillstream.ranking.heads import neutral_heads
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.posting_stage import (
    STAGE_FEATURES,
    FittedStage,
    LearnedLabels,
    learned_features,
    load_posting_stage,
    read_posting_stage,
    save_posting_stage,
)
from skillstream.ranking.ranker import Ranker, RankingOptions
from skillstream.ranking.reasons import WORDINGS, band, reasons
from skillstream.ranking.trees import TreeTables
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

SKILLS = [
    Skill("s:sql", "SQL"),
    Skill("s:weld", "weld metal"),
    Skill("s:coach", "coach employees"),
    *(Skill(f"s:{i}", f"operate machine type {i}") for i in range(20)),
]
ENCODER = HashEncoder()
INDEX = build_index(Taxonomy("test", "1", SKILLS), ENCODER)
COLUMNS = list(STAGE_FEATURES)
LEARNED = LearnedLabels(
    rate=0.5, labels={"s:weld": (0, 17)}, first_words={"operate": (1, 90)}, vector=[0.0] * ENCODER.dim + [0.5]
)


def stump(feature, threshold, left, right):
    """A stage of one tree with one split."""
    return FittedStage(
        model="hash",
        fingerprint=ENCODER.fingerprint,
        postings=1,
        judged=1,
        floor=0.02,
        threshold=0.5,
        features=COLUMNS,
        learned=LEARNED,
        trees=TreeTables(
            roots=[0],
            feature=[COLUMNS.index(feature), -1, -1],
            threshold=[threshold, 0.0, 0.0],
            left=[1, 1, 2],
            right=[2, 1, 2],
            value=[(left + right) / 2, left, right],
        ),
    )


NAMED = stump("named", 0.5, -2.0, 3.0)  # what is named word for word is right in 95 %, else in 12 %


def rank(fitted, *parts, **options):
    ranker = Ranker(INDEX, neutral_heads(), RankingOptions(**options), fitted)
    texts = [text for _, text in parts]
    sentences, text = [], ""
    for section, part in parts:
        sentences.append(Sentence(part, len(text), len(text) + len(part), section))
        text += part + "\n"
    matches = ranker.match_sentences(texts, ENCODER.encode_tokens(texts))
    return ranker, Document(text, sentences, "en"), matches


def test_the_stage_says_how_sure_a_tag_is_and_its_threshold_which_are_tags():
    ranker, document, matches = rank(NAMED, ("requirements", "You know SQL and operate a welder for metal."))
    [tag] = ranker.rank_document(document, matches)
    assert tag.label == "SQL"
    assert tag.confidence == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)


def test_the_user_may_choose_another_threshold():
    parts = ("requirements", "You know SQL and operate a welder for metal.")
    ranker, document, matches = rank(NAMED, parts, min_confidence=0.1)
    tags = ranker.rank_document(document, matches)
    assert tags[0].label == "SQL"
    assert len(tags) > 1
    assert {round(tag.confidence, 3) for tag in tags[1:]} == {0.119}
    ranker, document, matches = rank(NAMED, parts, min_confidence=0.99)
    assert ranker.rank_document(document, matches) == []


def test_sentences_are_matched_alike_whatever_threshold_the_user_chooses():
    parts = ("requirements", "You know SQL and operate a welder for metal.")
    assert rank(NAMED, parts, min_confidence=0.0)[2] == rank(NAMED, parts, min_confidence=0.99)[2]


@pytest.mark.parametrize("feature", ["mentions", "label_rarity", "fused", "label_accepted", "sentences"])
def test_contributions_sum_to_the_log_odds(feature):
    fitted = stump(feature, 1.0, -0.7, 1.3)
    ranker, document, matches = rank(fitted, ("other", "You weld metal."), ("other", "SQL and weld metal"))
    candidates, confidences = ranker.weigh(document, matches)
    assert len(candidates) > 1
    whole = ranker.stage.base + ranker.stage.contributions(document, candidates).sum(axis=1)
    assert 1 / (1 + np.exp(-whole)) == pytest.approx(confidences, abs=1e-5)


def test_reasons_are_weightiest_first_and_lose_nothing():
    ranker, document, matches = rank(NAMED, ("requirements", "You know SQL."))
    tags, [why] = ranker.explain_document(document, matches)
    assert [tag.label for tag in tags] == ["SQL"]
    assert why[0].text == "named word for word"
    assert why[0].weight == pytest.approx(2.5)
    contributions = np.linspace(-1, 2, len(COLUMNS)).astype(np.float32)
    found = reasons(contributions)
    assert sum(reason.weight for reason in found) == pytest.approx(float(contributions.sum()), abs=1e-4)
    assert [abs(r.weight) for r in found] == sorted((abs(r.weight) for r in found), reverse=True)


def test_every_feature_has_a_kind_of_reason():
    assert {kind for kind, _ in STAGE_FEATURES.values()} == set(WORDINGS)


def test_a_posting_without_skills():
    ranker, document, matches = rank(NAMED, ("other", "Hello."))
    assert ranker.rank_document(document, [()]) == []
    assert ranker.explain_document(document, [()]) == ([], [])
    assert len(matches) == 1


def test_only_the_strongest_candidates_are_weighed():
    labels = [f"operate machine type {number}" for number in range(90)]
    index = build_index(Taxonomy("test", "1", [Skill(label, label) for label in labels]), ENCODER)
    texts = [f"You {label}." for label in labels]
    ranker = Ranker(index, neutral_heads(), RankingOptions(min_confidence=0.0), stump("named", 0.5, 1.0, 1.0))
    sentences = [Sentence(text, 0, len(text), "other") for text in texts]
    matches = ranker.match_sentences(texts, ENCODER.encode_tokens(texts))
    candidates, confidences = ranker.weigh(Document("", sentences, "en"), matches)
    assert len(candidates) == 90
    assert (confidences > 0.5).tolist() == [True] * 64 + [False] * 26


def test_a_technology_told_by_its_name_alone_needs_no_stage():
    skills = [*SKILLS, Skill("t:helm", "Frobnicator", kind="product")]
    index = build_index(Taxonomy("test", "1", skills), ENCODER)
    ranker = Ranker(index, neutral_heads(), RankingOptions(), stump("named", 0.5, -9.0, -9.0))
    text = "You know SQL and Frobnicator."
    document = Document(text, [Sentence(text, 0, len(text), "requirements")], "en")
    matches = ranker.match_sentences([text], ENCODER.encode_tokens([text]))
    tags, why = ranker.explain_document(document, matches)
    assert [(tag.label, tag.confidence) for tag in tags] == [("Frobnicator", pytest.approx(0.96))]
    assert why[0][0].kind == "name"


def test_other_lanes_go_without():
    ranker, document, matches = rank(NAMED, ("other", "You know SQL."), lane="exact", min_confidence=0.0)
    assert ranker.stage is None
    tags, why = ranker.explain_document(document, matches)
    assert tags[0].confidence == matches[0][0].confidence
    assert why[0] == []


def test_what_was_learned_of_labels():
    columns = learned_features(LEARNED, INDEX, LabelFacts(INDEX))
    accepted, judged, verb, meaning = (
        dict(zip(INDEX.uris, column.tolist(), strict=True)) for column in columns.T
    )
    assert accepted["s:weld"] == pytest.approx(np.log(1.5 / 18.5), abs=1e-4)
    assert accepted["s:sql"] == 0.0  # never judged: the mean rate
    assert judged["s:weld"] == pytest.approx(np.log(18))
    assert verb["s:0"] == pytest.approx(np.log(6 / 94), abs=1e-4)
    assert verb["s:coach"] == meaning["s:coach"] == 0.0


def test_a_model_without_a_posting_stage():
    assert load_posting_stage("no such fingerprint") is None


def test_a_stage_is_read_as_it_was_written(tmp_path):
    save_posting_stage(NAMED, tmp_path / "new" / "stage.json")
    assert read_posting_stage(tmp_path / "new" / "stage.json") == NAMED


def test_files_that_do_not_serve_are_refused(tmp_path):
    path = tmp_path / "stage.json"
    with pytest.raises(ModelError, match="fit_posting_stage"):
        read_posting_stage(path)
    path.write_text("{}")
    with pytest.raises(ModelError, match="fit_posting_stage"):
        read_posting_stage(path)
    save_posting_stage(msgspec.structs.replace(NAMED, features=COLUMNS[1:]), path)
    with pytest.raises(ModelError, match="other features"):
        read_posting_stage(path)


def test_the_shipped_stages_are_sound():
    folder = files("skillstream") / "data" / "posting_stage"
    shipped = [path for path in folder.iterdir() if path.name.endswith(".json")]
    assert shipped
    for path in shipped:
        fitted = read_posting_stage(path)
        assert path.name == f"{fitted.fingerprint}.json"
        assert 0 < fitted.floor < fitted.threshold < 1
        Ranker(INDEX, neutral_heads(), stage=fitted)  # its tables fit together


def test_bands():
    assert [band(confidence) for confidence in (0.95, 0.9, 0.8, 0.3)] == [
        "sure",
        "sure",
        "likely",
        "possible",
    ]
