"""The exact lane: what is found, where, and what is left alone."""

import csv
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import skillstream
from skillstream.ranking.exact import ExactMatcher
from skillstream.ranking.words import lower, normal_words
from skillstream.taxonomy.load import load_taxonomy
from skillstream.taxonomy.skills import Skill

SKILLS = {
    "Java (computer programming)": ["Javax"],
    "C++": [],
    "C#": [],
    "ASP.NET": [],
    ".NET framework": [".NET"],
    "Node.js": [],
    "R": [],
    "LESS": [],
    "SQL": [],
    "database": ["databank"],
    "database management systems": ["SQL", "DBMS"],
    "project management": ["PM"],
    "solve problems": [],
    "lead a team": ["team leadership"],
    "statistics": ["data"],
    "Microsoft Access": ["Access"],
    "computer technology": ["IT"],
    "join metals": ["welding", "bonding of pipes"],
    "weld pipes": ["welding", "bonding of pipes"],
    "ceramics": ["?"],
    "manuals": ["and procedures"],
    "use office systems": [],
    "organise labour programmes": [],
    "securities": [],
}
LABELS = list(SKILLS)


def matcher_of(labels, alternatives) -> ExactMatcher:
    return ExactMatcher([Skill(label, label, list(alternatives[i])) for i, label in enumerate(labels)])


@pytest.fixture(scope="module")
def matcher() -> ExactMatcher:
    return matcher_of(LABELS, list(SKILLS.values()))


def found(matcher, sentence):
    return [(sentence[m.start : m.end], LABELS[m.skill], m.kind) for m in matcher.find(sentence)]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("We use Java daily", [("Java", "Java (computer programming)", "variant")]),
        ("Java (computer programming)!", [("Java (computer programming)", LABELS[0], "preferred")]),
        ("C++/C#", [("C++", "C++", "preferred"), ("C#", "C#", "preferred")]),
        ("we use Node.js.", [("Node.js", "Node.js", "preferred")]),
        ("skills:.NET,so", [(".NET", ".NET framework", "alternative")]),
        ("ASP.NET", [("ASP.NET", "ASP.NET", "preferred")]),
        ("good SQL.Next sentence", [("SQL", "SQL", "preferred")]),
        ("large DATABASES", [("DATABASES", "database", "preferred")]),
        ("a team-leadership role", [("team-leadership", "lead a team", "alternative")]),
        ("strong problem-solving skills", [("problem-solving", "solve problems", "variant")]),
        ("by solving problems", [("solving problems", "solve problems", "variant")]),
        ("you lead our team", [("lead our team", "lead a team", "preferred")]),
        ("leading teams", [("leading teams", "lead a team", "variant")]),
        ("organize labor program", [("organize labor program", "organise labour programmes", "preferred")]),
        ("the İstanbul database", [("database", "database", "preferred")]),
    ],
)  # fmt: skip
def test_found(matcher, sentence, expected):
    assert found(matcher, sentence) == expected


@pytest.mark.parametrize(
    "sentence",
    [
        "",
        "?",
        "JavaScript and databased",  # parts of words
        "project, management",  # across a comma
        "project - management",
        "less work, and it is fun",  # ordinary words
        "it's IT's",
        "Access to all areas",  # begins the sentence
        "Toys R Us; R eliability; S.R.O. partners; R&D",
        "rules and procedures",  # torn from a longer name
        "welding",  # one word, two skills
        "security first",  # not securities
        "we reuse office systems",
    ],
)
def test_not_found(matcher, sentence):
    assert found(matcher, sentence) == []


@pytest.mark.parametrize(
    "sentence", ["Python, R and SQL", "R programming", "experience with R.", "using R/SQL"]
)
def test_single_letter_among_its_like(matcher, sentence):
    assert ("R", "R", "preferred") in found(matcher, sentence)


def test_ordinary_words_where_they_are_names(matcher):
    assert found(matcher, "Excel and Access, LESS and CSS, IT") == [
        ("Access", "Microsoft Access", "alternative"),
        ("LESS", "LESS", "preferred"),
        ("IT", "computer technology", "alternative"),
    ]


def test_preferred_label_is_not_shared_with_alternative_ones(matcher):
    (match,) = matcher.find("SQL")
    assert (LABELS[match.skill], match.shared, match.preferred) == ("SQL", 1, True)


def test_shared_name_gives_every_skill(matcher):
    assert [match.shared for match in matcher.find("bonding of pipes")] == [2, 2]


def test_longest_name_wins(matcher):
    assert found(matcher, "database management systems and database") == [
        ("database management systems", "database management systems", "preferred"),
        ("database", "database", "preferred"),
    ]


def test_word_of_many_skills_tells_none():
    labels = [f"data {number}ing" for number in range(30)] + ["statistics", "soldering"]
    alternatives = [[] for _ in range(30)] + [["data"], ["fusing"]]
    matcher = matcher_of(labels, alternatives)
    assert [labels[match.skill] for match in matcher.find("data and fusing")] == ["soldering"]


def test_no_skills_find_nothing():
    assert ExactMatcher([]).find("anything") == []


PIECES = st.sampled_from([
    "Java", "C++", "C#", ".NET", "Node.js", "databases", "SQL", "R", "team", "lead", "the", "problem",
    "solving", "solve", "problems", "bonding of", "pipes", "IT", "and", "İ", "ß", "’s", "é", "🙂",
    ",", ".", " ", " ", " ", "-", "–", "\n", "&", "+", "_",
])  # fmt: skip


@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text()))
def test_span_holds_the_words_of_a_name(sentence):
    spans = [(match.start, match.end) for match in MATCHER.find(sentence)]
    assert all(one == other or one[1] <= other[0] for one, other in pairwise(spans))
    for match in MATCHER.find(sentence):
        assert 0 <= match.start < match.end <= len(sentence)
        name = MATCHER._names[" ".join(normal_words(sentence[match.start : match.end]))]
        assert match.skill in name.skills
        assert (match.kind, match.shared) == (name.kind, len(name.skills))


MATCHER = matcher_of(LABELS, list(SKILLS.values()))


@pytest.mark.slow
def test_esco_labels_find_themselves():
    skills = load_taxonomy("esco").skills
    matcher = ExactMatcher(skills)
    missed = [
        skill.label
        for number, skill in enumerate(skills)
        if number not in {match.skill for match in matcher.find(f"Experience in {skill.label}.")}
    ]
    assert missed == ["application process"]  # in postings it is how to apply
    assert matcher.find("Data of this form lead to the design of standards for our equipment, etc.") == []


def test_data_table_is_in_normal_form_and_in_order():
    path = Path(skillstream.__file__).parent / "data" / "ambiguous_names.csv"
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    names = [row["name"] for row in rows]
    assert names == sorted(set(names))
    assert [" ".join(normal_words(name)) for name in names] == names
    assert {row["rule"] for row in rows} == {"as-written", "never"}


@given(st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text()))
def test_every_word_has_its_span(sentence):
    lowered = lower(sentence)
    words = [word for chunk in lowered.split() for word in MATCHER._words[chunk]]
    spans = list(MATCHER._spans(lowered))
    assert len(spans) == len(words)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
