"""The normal form of words: what compares equal, and what must not."""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.ranking.words import lower, normal_words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("database", "Databases"),
        ("problem solving", "problem-solving"),
        ("data modelling", "data modeling"),
        ("organise labour programmes", "organize the labor programs"),
        ("analyse fibre optics", "analyze fiber optics"),
        ("paediatrics", "pediatrics"),
        ("food & beverages", "food and beverage"),
        ("driver's licence", "drivers license"),
        ("driver’s licence", "driver licence"),
        ("manage a team", "manage your team"),
        ("policies", "policy"),
        ("processes", "process"),
    ],
)
def test_compare_equal(one, other):
    assert normal_words(one) == normal_words(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("C", "C++"),
        ("C", "C#"),
        ("net", ".NET"),
        ("new", "news"),
        ("security", "securities"),
        ("genetic", "genetics"),
        ("business", "busines"),
        ("it", "it's"),
        ("project, management", "project management"),
        ("Java - developer", "Java developer"),
    ],
)
def test_compare_unequal(one, other):
    assert normal_words(one) != normal_words(other)


def test_names_with_marks_are_one_word():
    assert normal_words("Node.js, .NET, R&D, C++/C#") == [
        "node.j",
        ",",
        ".net",
        ",",
        "r&d",
        ",",
        "c++",
        "/",
        "c#",
    ]


def test_lower_keeps_the_length_of_every_character():
    for number in range(sys.maxunicode + 1):
        if not 0xD800 <= number <= 0xDFFF:
            assert len(lower(chr(number))) == 1


@given(st.text())
def test_normal_form_is_stable_for_any_text(text):
    assert len(lower(text)) == len(text)
    assert all(normal_words(text))
