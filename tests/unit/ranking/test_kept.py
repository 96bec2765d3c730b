"""What is known of names is found out once, and again when skills, rules or the file differ."""

from __future__ import annotations

import pytest

from skillstream.index import load_index
from skillstream.index.cached import SHIPPED as INDEX
from skillstream.ranking import kept as kept_module
from skillstream.ranking.kept import SHIPPED, file_name, kept
from skillstream.ranking.name_evidence import collect_words
from skillstream.ranking.names import Name, collect_names, name_table
from skillstream.ranking.word_overlap import label_stems
from skillstream.taxonomy import Skill

SKILLS = [
    Skill("s:0", "use SQL (query language)", alt_labels=["SQL"]),
    Skill("s:1", "Excel", kind="product", as_written=["Excel"]),
    Skill("s:2", "solve problems", alt_labels=["fix things"]),
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_module, "WORTH", 0)
    return tmp_path / "cache" / "names"


@pytest.fixture
def collected():
    """The lists of skills whose names were collected."""
    calls.clear()
    return calls


calls = []


def collect(skills):
    calls.append(skills)
    return collect_names(skills)


def names_of(skills):
    return kept(collect, skills, list[Name])


def test_the_second_time_they_are_read(collected):
    assert names_of(SKILLS) == names_of(SKILLS) == collect_names(SKILLS)
    assert collected == [SKILLS]


def test_other_skills_have_other_names(collected):
    names_of(SKILLS)
    assert names_of(SKILLS[:2]) == collect_names(SKILLS[:2])
    assert len(collected) == 2


def test_by_other_rules_they_are_collected_again(collected, monkeypatch):
    names_of(SKILLS)
    monkeypatch.setattr(kept_module, "_rules", lambda _: (b"others",))
    names_of(SKILLS)
    assert len(collected) == 2


@pytest.mark.parametrize("damage", [lambda b: b"", lambda b: b[:-9], lambda b: b[:20] + b"??" + b[22:]])
def test_a_damaged_file_is_made_again(collected, folder, damage):
    names_of(SKILLS)
    [path] = folder.iterdir()
    path.write_bytes(damage(path.read_bytes()))
    assert names_of(SKILLS) == collect_names(SKILLS)
    assert names_of(SKILLS) == collect_names(SKILLS)
    assert len(collected) == 2


def test_a_cache_that_cannot_be_written_is_no_error(folder, collected):
    folder.parent.write_bytes(b"")  # a file where the folder should be
    assert names_of(SKILLS) == names_of(SKILLS)
    assert len(collected) == 2


def test_few_skills_leave_nothing_in_the_cache(folder, monkeypatch):
    monkeypatch.setattr(kept_module, "WORTH", len(SKILLS) + 1)
    assert names_of(SKILLS) == collect_names(SKILLS)
    assert not folder.exists()


def test_the_package_has_what_is_known_of_the_default_names(folder):
    skills = load_index(INDEX).skills
    shipped = {file_name(make, skills) for make in (name_table, collect_words, label_stems)}
    assert {path.name for path in SHIPPED.iterdir()} == shipped, "run scripts/make_default_index.py --names"
    assert kept(label_stems, skills, list[list[str]]) == label_stems(skills)
    assert not folder.exists()
