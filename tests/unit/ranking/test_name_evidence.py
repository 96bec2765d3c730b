"""What a proper name proves: itself, not what is spelled like it."""

import pytest

from skillstream.ranking.name_evidence import NameEvidence
from skillstream.taxonomy.skills import Skill

EVIDENCE = NameEvidence([
    Skill("1", "dock operations", ["harbour work"]),
    Skill("2", "German"),
    Skill("3", "Docker", [], [], "product"),
    Skill("4", "Spring", [], [], "product"),
    Skill("5", "SAS", [], [], "product"),
    Skill("6", "recruit people"),
])  # fmt: skip


def rests(sentence, words, label, names=()):
    start = sentence.index(words)
    spans = [(sentence.index(name), sentence.index(name) + len(name)) for name in names]
    return EVIDENCE.rests_on_name(sentence, start, start + len(words), label, spans)


@pytest.mark.parametrize(
    ("sentence", "words", "label", "names"),
    [
        ("You run Docker in production", "Docker", "dock operations", ["Docker"]),
        ("You run Docker in production", "Docker in", "dock operations", ["Docker"]),
        ("Services on Spring Boot", "Spring", "types of spring", ["Spring Boot"]),
        ("Deployments with Frobnix", "Frobnix", "frost protection", []),  # nobody knows it
    ],
)
def test_nothing_but_letters(sentence, words, label, names):
    assert rests(sentence, words, label, names)


@pytest.mark.parametrize(
    ("sentence", "words", "label", "names"),
    [
        ("Tables in Excel", "Excel", "use spreadsheets software", ["Excel"]),  # not by its letters
        ("You speak German", "German", "German", []),  # known
        ("Frobnix operators wanted", "Frobnix", "frost protection", []),  # any first word has a capital
        ("You run Docker and dock ships", "dock ships", "dock operations", ["Docker"]),
        ("you weld pipes", "weld", "welding", []),
        ("Reports by SAS", "SAS", "SAS language", ["SAS"]),  # the label says it itself
        (
            "Reports by Google Analytics",
            "Analytics",
            "web analytics",
            ["Google Analytics"],
        ),  # a word, no name
        ("We want a Recruiter", "Recruiter", "hire people", []),  # not unknown: recruit people
    ],
)
def test_more_than_letters(sentence, words, label, names):
    assert not rests(sentence, words, label, names)
