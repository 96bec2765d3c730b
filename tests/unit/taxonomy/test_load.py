"""Taxonomies: what every source becomes, and the ESCO that ships with the package."""

import pytest

from skillstream.errors import TaxonomyError
from skillstream.taxonomy.load import load_taxonomy
from skillstream.taxonomy.skills import Skill, Taxonomy, collect_skills


@pytest.fixture(scope="module")
def esco() -> Taxonomy:
    return load_taxonomy("esco")


def test_shipped_esco_is_whole(esco):
    assert (esco.name, esco.version, len(esco)) == ("esco", "1.2.0", 13_939)
    assert len({skill.uri for skill in esco.skills}) == len(esco)
    assert all(skill.uri.startswith("http://data.europa.eu/esco/skill/") for skill in esco.skills)
    assert all(skill.label == skill.label.strip() != "" for skill in esco.skills)
    assert sum(len(skill.alt_labels) for skill in esco.skills) > 80_000
    assert {skill.kind for skill in esco.skills} == {"skill", "knowledge"}


def test_shipped_esco_knows_groups_most_specific_first(esco):
    pregnancy = next(skill for skill in esco.skills if skill.label == "pregnancy")
    assert pregnancy.groups == ["nursing and midwifery", "health", "health and welfare"]
    grouped = sum(bool(skill.groups) for skill in esco.skills)
    assert grouped / len(esco) > 0.9


def test_fingerprint_is_of_the_content_not_the_order():
    skills = [Skill("a", "one"), Skill("b", "two", ["zwei"])]
    same = Taxonomy("t", None, skills[::-1])
    assert Taxonomy("t", None, skills).fingerprint == same.fingerprint
    assert Taxonomy("t", None, skills).version == same.version == same.fingerprint[:8]
    assert Taxonomy("t", None, [skills[0], Skill("b", "two")]).fingerprint != same.fingerprint


def test_rows_are_stripped_and_merged_by_id():
    rows = [
        Skill(" a ", "  weld  metal ", ["welding ", "", "weld metal"], ["making"], None),
        Skill("a", "welding of metal", ["welding"], ["making", "crafts"], "skill"),
        Skill("", "no id"),
        Skill("b", "  "),
    ]
    taxonomy = collect_skills("t", "1", rows)
    assert taxonomy.skills == [
        Skill("a", "weld metal", ["welding", "welding of metal"], ["making", "crafts"], "skill")
    ]
    assert (taxonomy.skipped, taxonomy.merged) == (2, 1)


def test_missing_path_is_told():
    with pytest.raises(TaxonomyError, match=r"no-such\.csv.*no such file or folder.*'esco'"):
        load_taxonomy("no-such.csv")


def test_taxonomy_without_skills_is_refused(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("id,label\n,x\n1,\n", "utf-8")
    with pytest.raises(TaxonomyError, match="has no skills: 2 rows"):
        load_taxonomy(str(path))
