"""The built-in taxonomy `technologies`: what is in it, and what is not."""

import re
from collections import Counter

import pytest

from skillstream.ranking.words import normal_words
from skillstream.taxonomy import NAME_ONLY, load_taxonomy


@pytest.fixture(scope="module")
def skills():
    return load_taxonomy("technologies").skills


@pytest.fixture(scope="module")
def by_name(skills):
    return {name.lower(): skill for skill in reversed(skills) for name in (skill.label, *skill.alt_labels)}


def test_every_entry_has_an_address_of_its_own_and_a_kind(skills):
    assert all(
        re.fullmatch(r"urn:skillstream:technology:[a-z0-9]+(-[a-z0-9]+)*", skill.uri) for skill in skills
    )
    assert len({skill.uri for skill in skills}) == len(skills)
    assert {skill.kind for skill in skills} == NAME_ONLY
    assert all(skill.groups for skill in skills)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("excel", "Microsoft Excel"),
        ("ms excel", "Microsoft Excel"),
        ("k8s", "Kubernetes"),
        ("js", "JavaScript"),
        ("reactjs", "React"),
        ("react.js", "React"),
        ("postgres", "PostgreSQL"),
        ("gcp", "Google Cloud Platform"),
        ("aws", "Amazon Web Services"),
        ("amazon web services", "Amazon Web Services"),
        ("powerbi", "Power BI"),
        ("power bi", "Power BI"),
        ("ccna", "Cisco Certified Network Associate"),
        ("golang", "Go"),
    ],
)
def test_names_as_postings_write_them(by_name, name, label):
    assert by_name[name].label == label


def test_marks_and_commodities_of_onet(by_name):
    groups = by_name["microsoft excel"].groups
    assert groups == ["Office software", "Spreadsheet software", "O*NET hot technology", "O*NET in demand"]


@pytest.mark.parametrize(
    "name",
    ["analytical software", "timeline software", "human resources software", "email software", "compilers"],
)
def test_kinds_of_software_of_onet_are_left_out(by_name, name):
    assert name not in by_name


def test_a_name_belongs_to_one_entry(skills):
    owners = Counter(
        form
        for skill in skills
        for form in {tuple(normal_words(n)) for n in (skill.label, *skill.alt_labels)}
    )
    assert [form for form, count in owners.items() if count > 1] == []


def test_what_is_said_of_names_is_said_of_names_it_has(skills):
    for skill in skills:
        assert {*skill.as_written, *skill.in_context} <= {skill.label, *skill.alt_labels}, skill.uri
        assert not set(skill.as_written) & set(skill.in_context), skill.uri
