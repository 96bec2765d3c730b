"""Candidates of invented postings, and what a reader would look at."""

import numpy as np
import pytest

from skillstream.index.skills_index import build_index
from skillstream.postings.sentences import Document, Sentence
from skillstream.ranking.candidates import Candidate, gather
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.matches import Match
from skillstream.ranking.posting_features import POSTING_FEATURES, posting_features
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

SKILLS = [
    Skill("s:0", "Perl", groups=["languages"], kind="knowledge"),
    Skill("s:1", "manage risks in fishery", groups=["management"]),
    Skill("s:2", "manage risks", groups=["management"]),
    Skill("s:3", "SQL", groups=["languages"], kind="knowledge"),
]
INDEX = build_index(Taxonomy("test", "1", SKILLS), HashEncoder())
FACTS = LabelFacts(INDEX)


def document(*parts):
    sentences, text = [], ""
    for section, part in parts:
        sentences.append(Sentence(part, len(text), len(text) + len(part), section))
        text += part + "\n"
    return Document(text, sentences, "en")


def match(skill, words, text, confidence=0.5, **more):
    start = text.index(words)
    return Match(skill, 0.6, confidence, more.pop("kind", "semantic"), start, start + len(words), **more)


def features(posting, matches):
    candidates = gather(posting, matches)
    table = posting_features(posting, candidates, FACTS, INDEX.vectors)
    assert table.shape == (len(candidates), len(POSTING_FEATURES))
    assert np.isfinite(table).all()
    return {
        candidate.skill: dict(zip(POSTING_FEATURES, row.tolist(), strict=True))
        for candidate, row in zip(candidates, table, strict=True)
    }


def test_all_evidence_of_a_skill_comes_together_the_strongest_first():
    posting = document(("title", "SQL developer"), ("requirements", "You know SQL."), ("other", "SQL again"))
    found = gather(
        posting,
        [
            (match(3, "SQL", text.text, confidence),)
            for text, confidence in zip(posting.sentences, (0.8, 0.6, 0.3), strict=True)
        ],
    )
    [candidate] = found
    assert [item.number for item in candidate.evidence] == [1, 0, 2]  # the title's .8 counts .56
    assert posting.text[candidate.best.start : candidate.best.end] == candidate.best.words == "SQL"


def test_boilerplate_counts_only_for_sure_names():
    posting = document(
        ("benefits", "SQL lessons"), ("benefits", "SQL lessons"), ("about_company", "SQL lessons")
    )
    text = "SQL lessons"
    matches = [
        (match(3, "SQL", text, 0.9),),
        (match(3, "SQL", text, 0.6, kind="exact"),),
        (match(3, "SQL", text, 0.8, kind="both"),),
    ]
    [candidate] = gather(posting, matches)
    assert [item.number for item in candidate.evidence] == [2]


def test_words_of_the_label_that_the_posting_never_says():
    text = "You manage risks."
    found = features(
        document(("requirements", text)), [(match(1, "manage risks", text), match(2, "manage risks", text))]
    )
    assert found[1]["ungrounded_words"] == 1
    assert found[1]["ungrounded"] > 0
    assert found[1]["label_in_posting"] < found[2]["label_in_posting"] == 1
    assert (found[1]["last_word"], found[2]["last_word"]) == (0, 1)


def test_a_word_elsewhere_in_the_posting_grounds_the_label():
    text = "You manage risks."
    posting = document(("requirements", text), ("other", "We are a fishery."))
    found = features(posting, [(match(1, "manage risks", text),), ()])
    assert (found[1]["ungrounded_words"], found[1]["ungrounded_words_here"]) == (0, 1)


def test_spelling_alone_is_seen_as_such():
    perks, perl = "Perks of the job", "Perl scripts"
    found = features(document(("other", perks)), [(match(0, "Perks", perks),)])
    assert found[0]["spelling"] == pytest.approx(0.75)
    found = features(document(("other", perl)), [(match(0, "Perl", perl, name="preferred"),)])
    assert (found[0]["spelling"], found[0]["preferred"], found[0]["named"]) == (-1, 1, 1)


def test_rivals_on_the_same_words_are_ranked():
    text = "You manage risks and SQL."
    found = features(
        document(("requirements", text)),
        [
            (
                match(1, "manage risks", text, fused=0.5),
                match(2, "manage risks", text, fused=0.9),
                match(3, "SQL", text, fused=0.2, name="preferred"),
            )
        ],
    )
    assert [found[skill]["rivals"] for skill in (1, 2, 3)] == [1, 1, 0]
    assert [found[skill]["rival_rank"] for skill in (1, 2, 3)] == [1, 0, 0]
    assert found[1]["rival_margin"] == pytest.approx(-0.4)
    assert found[3]["rival_margin"] == 1
    assert found[1]["rival_likeness"] == pytest.approx(float(INDEX.vectors[1] @ INDEX.vectors[2]), abs=1e-5)
    assert found[1]["sentence_skills"] == 3


def test_agreement_is_the_cosine_with_the_others_together():
    text = "You manage risks and SQL."
    matches = [
        (match(1, "manage risks", text, 0.4), match(2, "manage risks", text, 0.8), match(3, "SQL", text, 0.6))
    ]
    found = features(document(("requirements", text)), matches)
    others = 0.8**2 * INDEX.vectors[2] + 0.6**2 * INDEX.vectors[3]
    expected = float(others @ INDEX.vectors[1] / np.linalg.norm(others))
    assert found[1]["fits"] == pytest.approx(expected, abs=1e-4)
    assert [found[skill]["group_fellows"] for skill in (1, 2, 3)] == [1, 1, 0]


def test_where_the_evidence_is():
    parts = ("title", "SQL developer"), ("requirements", "You know SQL."), ("nice_to_have", "SQL again")
    posting = document(*parts)
    matches = [
        (match(3, "SQL", text, confidence),)
        for (_, text), confidence in zip(parts, (0.5, 0.4, 0.25), strict=True)
    ]
    row = features(posting, matches)[3]
    assert row["share_title"] == pytest.approx(0.35)
    assert row["share_requirements"] == pytest.approx(0.4)
    assert row["share_nice_to_have"] == pytest.approx(0.25)
    assert row["in_title"] == pytest.approx(0.5)
    assert (row["mentions"], row["position"]) == (3, pytest.approx(1 / 3))


def test_nothing_found_no_rows():
    assert features(document(("other", "nothing")), [()]) == {}


def test_a_label_without_words():
    index = build_index(Taxonomy("test", "1", [Skill("s:0", "?")]), HashEncoder())
    posting = document(("other", "What?"))
    candidates = gather(posting, [(match(0, "What", "What?"),)])
    assert isinstance(candidates[0], Candidate)
    table = posting_features(posting, candidates, LabelFacts(index), index.vectors)
    assert np.isfinite(table).all()
