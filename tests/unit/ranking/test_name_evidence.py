"""What a proper name proves: itself, not what is spelled like it."""

import pytest

from skillstream.ranking.name_evidence import known_words, rests_on_name
from skillstream.taxonomy.skills import Skill

KNOWN = known_words([
    Skill("1", "dock operations", ["harbour work"]),
    Skill("2", "German"),
    Skill("3", "Docker", [], [], "product"),
])  # fmt: skip


def rests(sentence, words, label, names=()):
    start = sentence.index(words)
    spans = [(sentence.index(name), sentence.index(name) + len(name)) for name in names]
    return rests_on_name(sentence, start, start + len(words), label, spans, KNOWN)


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
    ],
)
def test_more_than_letters(sentence, words, label, names):
    assert not rests(sentence, words, label, names)


def test_products_are_no_known_words():
    assert "docker" not in KNOWN
    assert "harbor" in KNOWN
