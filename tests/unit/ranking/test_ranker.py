"""Ranking by a stand-in encoder that knows letters but no meaning: enough for everything but quality."""

import msgspec
import numpy as np
import pytest

from skillstream.index.skills_index import build_index
from skillstream.postings.sentences import Document, Sentence
from skillstream.ranking.features import weight_vector
from skillstream.ranking.heads import neutral_heads
from skillstream.ranking.ranker import Match, Ranker, RankingOptions
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

SKILLS = [
    Skill("s:sql", "SQL", ["structured query language"], ["databases", "ICT"]),
    Skill("s:budgets", "manage budgets", ["budget management"]),
    Skill("s:budget", "manage the budgets"),
    Skill("s:weld", "weld metal"),
    Skill("s:java", "Java (computer programming)"),
    Skill("s:coach", "coach employees"),
    *(Skill(f"s:{i}", f"operate machine type {i}") for i in range(40)),
]
NUMBER = {skill.uri: i for i, skill in enumerate(SKILLS)}
ENCODER = HashEncoder()
INDEX = build_index(Taxonomy("test", "1", SKILLS), ENCODER)


def ranker(**options):
    options = {"min_confidence": 0.05, **options}
    return Ranker(INDEX, neutral_heads(), RankingOptions(**options))


def document(*parts):
    """A document of (section, sentence) parts, one a line."""
    sentences, text = [], ""
    for section, part in parts:
        sentences.append(Sentence(part, len(text), len(text) + len(part), section))
        text += part + "\n"
    return Document(text, sentences, "en")


def match(ranker, *texts):
    return ranker.match_sentences(texts, ENCODER.encode_tokens(texts))


def rank(ranker, *parts):
    posting = document(*parts)
    return posting, ranker.rank_document(posting, match(ranker, *(text for _, text in parts)))


def test_a_posting_becomes_ranked_tags_with_their_evidence():
    posting, tags = rank(ranker(), ("title", "Analyst"), ("requirements", "You know SQL and you weld metal."))
    assert [tag.rank for tag in tags] == list(range(1, len(tags) + 1))
    assert [tag.confidence for tag in tags] == sorted((tag.confidence for tag in tags), reverse=True)
    sql = next(tag for tag in tags if tag.label == "SQL")
    assert (sql.uri, sql.groups, sql.section) == ("s:sql", ["databases", "ICT"], "requirements")
    assert sql.match in {"exact", "both"}
    for tag in tags:
        assert posting.text[tag.start : tag.end] == tag.evidence
        assert posting.text[tag.words_start : tag.words_end] == tag.words
        assert tag.start <= tag.words_start < tag.words_end <= tag.end
        assert 0 <= tag.confidence <= 1
        assert -1 <= tag.score <= 1.0001
    assert sql.words == "SQL"
    assert {"SQL", "weld metal"} <= {tag.label for tag in tags}


def test_score_is_the_mean_of_pooled_and_token_level_similarity():
    text = "Somebody who can weld metal plates"
    encoded = ENCODER.encode_tokens([text])
    [found] = ranker().match_sentences([text], encoded)
    weld = next(match for match in found if match.skill == NUMBER["s:weld"])
    similarity = encoded.tokens @ INDEX.vectors[weld.skill]
    weights = np.exp(10 * similarity) / np.exp(10 * similarity).sum()
    expected = (encoded.pooled[0] @ INDEX.vectors[weld.skill] + weights @ similarity) / 2
    assert np.isclose(weld.score, expected, atol=1e-5)


def test_a_skill_is_listed_once_with_its_best_sentence():
    first, best = "We also speak of a budget now and then, among other things.", "manage budgets"
    _, tags = rank(ranker(), ("other", first), ("other", best), ("other", first))
    found = [tag for tag in tags if tag.uri in {"s:budgets", "s:budget"}]
    assert [tag.evidence for tag in found] == [best]  # and its near-synonym is not listed beside it


def test_near_synonyms_on_the_same_words_are_listed_once():
    r = ranker()
    alike = float(INDEX.vectors[NUMBER["s:budgets"]] @ INDEX.vectors[NUMBER["s:budget"]])
    assert 0.65 < alike < 0.9
    posting = document(("other", "manage budgets, and weld metal"))
    better = Match(NUMBER["s:budgets"], 0.7, 0.8, "both", 0, 14)
    same_words = Match(NUMBER["s:budget"], 0.6, 0.7, "semantic", 7, 14)
    other_words = Match(NUMBER["s:budget"], 0.6, 0.7, "semantic", 20, 30)
    assert [tag.uri for tag in r.rank_document(posting, [(better, same_words)])] == ["s:budgets"]
    assert len(r.rank_document(posting, [(better, other_words)])) == 2


def test_boilerplate_needs_a_strong_name():
    r = ranker()
    text = "We pay those who weld metal."
    assert rank(r, ("requirements", text))[1]
    strong, weak = Match(0, 0.5, 0.9, "exact", 0, 3), Match(3, 0.5, 0.6, "exact", 0, 3)
    semantic = Match(5, 0.5, 0.99, "semantic", 0, 3)
    posting = document(("benefits", "SQL and so on"))
    tags = r.rank_document(posting, [(strong, weak, semantic)])
    assert [tag.uri for tag in tags] == ["s:sql"]


def test_words_that_every_posting_has_prove_nothing():
    taxonomy = Taxonomy(
        "t", "1", [Skill("a", "skills"), Skill("b", "develop personal skills"), Skill("c", "SQL")]
    )
    index = build_index(taxonomy, ENCODER)
    r = Ranker(index, neutral_heads(), RankingOptions(min_confidence=0.0))
    [found] = match(r, "Excellent skills")
    assert all(
        match.kind != "semantic" or match.skill == 2 for match in found if match.end - match.start <= 6
    )


def test_names_do_not_compete_with_each_other():
    r = ranker(min_confidence=0.0)
    [alone], [together] = match(r, "Java"), match(r, "SQL, weld metal, coach employees, Java")
    java = NUMBER["s:java"]
    ranks = [m.skill for m in together]
    assert set(ranks) >= {java, NUMBER["s:sql"], NUMBER["s:weld"], NUMBER["s:coach"]}
    assert next(m for m in together if m.skill == java).kind != "semantic"
    assert next(m for m in alone if m.skill == java).confidence > 0


def test_top_k_and_the_threshold_are_kept():
    text = ("other", "Operate machine type 1, operate machine type 2, SQL, weld metal, coach employees")
    assert len(rank(ranker(top_k=2), text)[1]) == 2
    _, tags = rank(ranker(min_confidence=0.3, top_k=50), text)
    assert tags
    assert all(tag.confidence >= 0.3 for tag in tags)
    assert rank(ranker(min_confidence=1.0), text)[1] == []


def test_lanes_look_at_different_things():
    text = "Structured query language and a bit of metal"
    [exact] = match(ranker(lane="exact", min_confidence=0.001), text)
    assert [match.skill for match in exact] == [NUMBER["s:sql"]]
    [semantic] = match(ranker(lane="semantic", min_confidence=0.0), text)
    assert len(semantic) > 1


def test_the_same_whatever_stands_beside_it():
    r = ranker()
    texts = ["You know SQL", "weld metal daily", "", "coach employees and manage budgets"]
    together = match(r, *texts)
    assert together == [match(r, text)[0] for text in texts]
    assert together == list(reversed(match(r, *reversed(texts))))


def test_a_document_without_sentences_has_no_tags():
    assert ranker().rank_document(Document("", [], None), []) == []
    assert match(ranker()) == []


def test_all_scores_agree_with_the_candidates():
    text = "You weld metal and know SQL"
    encoded = ENCODER.encode_tokens([text])
    r = ranker(candidates=5)
    everything = r.score_all([text], encoded)
    assert everything.shape == (1, len(INDEX))
    maker = r.sentence_stage.pairs
    [pairs] = maker.pairs([text], encoded, maker.near(encoded))
    assert set(pairs.names[0]) <= set(pairs.skills[0].tolist())
    assert NUMBER["s:weld"] in pairs.skills[0]
    assert np.allclose(
        everything[0, pairs.skills[0]], pairs.features[0] @ weight_vector(r.lane.weights), atol=1e-6
    )


def test_a_gate_that_is_shut_lets_no_semantic_tag_through():
    shut = msgspec.structs.replace(neutral_heads(), gate=[0.0] * ENCODER.dim + [-50.0])
    lane = shut.lanes["full"]
    confidence = msgspec.structs.replace(lane.confidence, gate=0.3)
    shut = msgspec.structs.replace(shut, lanes={"full": msgspec.structs.replace(lane, confidence=confidence)})
    r = Ranker(INDEX, shut, RankingOptions(min_confidence=0.05))
    assert match(r, "Somebody who can weld a metal") == [()]


@pytest.mark.parametrize("text", ["\x00", "?", "😀😀", "a" * 200, "١٢٣ العربية", "SQL" * 50])
def test_odd_texts_are_ranked_without_complaint(text):
    posting, tags = rank(ranker(min_confidence=0.0), ("other", text))
    for tag in tags:
        assert posting.text[tag.words_start : tag.words_end] == tag.words


def test_a_negated_skill_is_no_tag_unless_it_is_asked_for_elsewhere():
    _, tags = rank(ranker(), ("other", "No SQL needed"), ("other", "You weld metal"))
    assert "SQL" not in {tag.label for tag in tags}
    _, tags = rank(ranker(), ("other", "No SQL needed"), ("nice_to_have", "SQL"))
    assert next(tag for tag in tags if tag.label == "SQL").required is False


def test_required_wished_for_or_neither():
    _, tags = rank(
        ranker(), ("other", "SQL would be a plus"), ("requirements", "weld metal"), ("other", "Java")
    )
    required = {tag.label: tag.required for tag in tags}
    assert (required["SQL"], required["weld metal"]) == (False, True)
    assert required["Java (computer programming)"] is None
