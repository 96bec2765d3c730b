"""Several taxonomies as one: order, what both have, what is stated of them."""

from skillstream.taxonomy import Skill, Taxonomy, combine_taxonomies, load_taxonomies

FIRST = Taxonomy(
    "first",
    "1",
    [Skill("f/1", "Python (programming)", ["Py"], ["languages"], "knowledge"), Skill("f/2", "weld pipes")],
)
SECOND = Taxonomy(
    "second",
    "7",
    [
        Skill("s/1", "Python", ["CPython"], ["software"], "product", ["f/1"], ["Python"], []),
        Skill("s/2", "Go", ["Golang"], [], "product", [], [], ["Go"]),
    ],
)


def test_one_taxonomy_is_itself():
    assert combine_taxonomies([FIRST]) is FIRST


def test_what_both_have_is_one_skill_of_the_first():
    both = combine_taxonomies([FIRST, SECOND])
    assert (both.name, both.version, len(both), both.merged) == ("first+second", "1+7", 3, 1)
    assert both.skills[0] == Skill(
        "f/1",
        "Python (programming)",
        ["Py", "Python", "CPython"],
        ["languages", "software"],
        "knowledge",
        ["s/1"],
        ["Python"],
        [],
    )


def test_the_order_of_the_taxonomies_says_whose_entry_it_is():
    both = combine_taxonomies([SECOND, FIRST])
    assert [skill.uri for skill in both.skills] == ["s/1", "s/2", "f/2"]
    assert both.skills[0].same_as == ["f/1"]


def test_names_only_come_last_in_an_index():
    ordered = combine_taxonomies([SECOND, FIRST]).ordered()
    assert [skill.uri for skill in ordered.skills] == ["f/2", "s/1", "s/2"]


def test_built_in_ones_share_entries():
    both = load_taxonomies(["esco", "technologies"])
    (python,) = [skill for skill in both.skills if skill.label == "Python (computer programming)"]
    assert python.same_as == ["urn:skillstream:technology:python"]
    assert python.kind == "knowledge"
    assert len({skill.uri for skill in both.skills}) == len(both)


def test_a_name_given_twice_counts_once():
    assert load_taxonomies(["technologies", "technologies"]).name == "technologies"


def test_later_fields_do_not_change_the_fingerprint_of_what_lacks_them():
    plain = Taxonomy("t", "1", [Skill("u/1", "weld", ["welding"], ["metal"], "skill")])
    assert plain.fingerprint == "686f9b45317e161f9229e33fb573e715"
    named = Taxonomy("t", "1", [Skill("u/1", "weld", ["welding"], ["metal"], "skill", ["other/1"])])
    assert named.fingerprint != plain.fingerprint
