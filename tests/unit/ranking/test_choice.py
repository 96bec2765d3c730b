"""What a posting keeps of many sentences: each skill's best evidence, and only the best skills."""

from __future__ import annotations

import itertools

import pytest

from skillstream.ranking import Match, RankingOptions
from tests.unit.ranking.test_ranker import INDEX, NUMBER, Ranker, document, neutral_heads


def found(skill: str, confidence: float) -> Match:
    return Match(NUMBER[skill], 0.5, confidence, "exact", 0, 3)


@pytest.mark.parametrize("order", itertools.permutations([0.5, 0.9, 0.7]))
def test_the_best_evidence_is_kept_wherever_it_is(order):
    ranker = Ranker(INDEX, neutral_heads(), RankingOptions(min_confidence=0.05))
    posting = document(*(("other", f"SQL, sure to {confidence}") for confidence in order))
    [tag] = ranker.rank_document(posting, [(found("s:sql", confidence),) for confidence in order])
    assert (tag.confidence, tag.evidence) == (pytest.approx(0.9), "SQL, sure to 0.9")


@pytest.mark.parametrize("most", [1, 2, 3])
def test_top_k_is_of_the_posting_and_not_of_each_sentence(most):
    ranker = Ranker(INDEX, neutral_heads(), RankingOptions(min_confidence=0.05, top_k=most))
    skills = {"s:sql": 0.6, "s:weld": 0.9, "s:coach": 0.7, "s:java": 0.8}
    posting = document(*(("other", f"a sentence for {skill}") for skill in skills))
    tags = ranker.rank_document(posting, [(found(*item),) for item in skills.items()])
    assert [tag.uri for tag in tags] == ["s:weld", "s:java", "s:coach"][:most]
    assert [tag.rank for tag in tags] == list(range(1, most + 1))
