"""Hard negatives from an index."""

from __future__ import annotations

from skillstream.index.skills_index import build_index
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder
from skillstream.training.negatives import hard_negatives

LABELS = ["bake bread", "bake cakes", "bake bread rolls", "sell bread", "mow lawns", "drive lorries"]


def mined(anchor: str, positives: list[str], count: int = 3) -> list[tuple[str, ...]]:
    encoder = HashEncoder()
    skills = [Skill(uri=f"s:{i}", label=label) for i, label in enumerate(LABELS)]
    index = build_index(Taxonomy(name="t", version="1", skills=skills), encoder)
    return hard_negatives([anchor], [positives], encoder, index, count)[0]


def test_near_labels_are_taken_the_nearest_first() -> None:
    (found,) = mined("You bake bread here", ["bake bread"])
    assert found[0] == "bake bread rolls"
    assert "bake bread" not in found
    assert len(mined("You bake bread here", ["bake bread"], count=1)[0]) == 1


def test_what_is_right_by_any_pair_is_no_negative() -> None:
    found = mined("You bake bread rolls and bake cakes", ["bake bread rolls", "Bake Cakes"])
    assert len(found) == 2
    assert not {"bake bread rolls", "bake cakes"} & {label for labels in found for label in labels}


def test_nothing_that_is_nearer_than_the_positive() -> None:
    # Anything may be right for an anchor whose own positive is far away.
    assert mined("We sell bread", ["gastronomy"]) == [()]


def test_texts_longer_than_the_encoder_reads() -> None:
    assert mined("bake bread " * 400, ["bake bread"])[0]
