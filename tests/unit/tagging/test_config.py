"""Which taxonomies a configuration names."""

import pytest

from skillstream.errors import UsageError
from skillstream.tagging import TagConfig, taxonomy_names


def test_both_built_in_ones_by_default():
    assert TagConfig().taxonomy == ("esco", "technologies")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("esco", ("esco",)),
        ("esco, technologies", ("esco", "technologies")),
        (("esco", "mine.csv"), ("esco", "mine.csv")),
        (["esco", "esco,technologies"], ("esco", "technologies")),
    ],
)
def test_names_and_paths(given, names):
    assert taxonomy_names(given) == names


def test_a_path_with_a_comma_is_one(tmp_path):
    path = tmp_path / "a,b.csv"
    path.touch()
    assert taxonomy_names(str(path)) == (str(path),)


@pytest.mark.parametrize("given", ["", " ", "esco,", (), ("esco", "")])
def test_an_empty_one_is_refused(given):
    with pytest.raises(UsageError, match="--taxonomy is empty"):
        taxonomy_names(given)
