"""The examples of the recipe `skills`."""

from __future__ import annotations

from itertools import islice

import msgspec
import pytest

from skillstream.training.compose import compose
from skillstream.training.pairs import TrainingPair

PAIRS = [
    TrainingPair("You bake bread and cakes.", "bake bread", "sentence", "s"),
    TrainingPair("You bake bread and cakes.", "bake cakes", "sentence", "s"),
    TrainingPair("making loaves", "bake bread", "alternative", "s"),
    TrainingPair("cake baking", "bake cakes", "alternative", "s"),
    TrainingPair("green thumb", "care for plants", "phrase", "s"),
    TrainingPair("Keep plants alive. Water them.", "care for plants", "description", "s"),
    TrainingPair("Mow the lawn", "Care for plants", "task", "s"),
]


def test_same_seed_same_examples_and_more_begin_with_fewer() -> None:
    few = list(compose(PAIRS, 50, seed=7))
    assert few == list(islice(compose(PAIRS, 500, seed=7), 50))
    assert few != list(compose(PAIRS, 50, seed=8))


def test_every_positive_belongs_to_its_query() -> None:
    for example in compose(PAIRS, 500, seed=1):
        assert example.positive in example.known
        if "You bake bread and cakes." in example.query:
            assert {"bake bread", "bake cakes"} <= example.known
        if "loaves" in example.query.lower():
            assert "bake bread" in example.known


def test_bullets_name_several_skills_and_all_are_known() -> None:
    names = {"making loaves": "bake bread", "cake baking": "bake cakes", "green thumb": "care for plants"}
    for example in compose(PAIRS, 200, seed=3, mix={"bullet": 1.0}):
        for name, label in names.items():
            if name in example.query.lower() or label in example.query.lower():
                assert label in example.known


def test_negatives_are_those_of_the_positive_and_never_known() -> None:
    near = {"bake bread": ("bake cakes", "sell bread"), "bake cakes": ("bake pies",)}
    pairs = [msgspec.structs.replace(pair, negatives=near.get(pair.positive, ())) for pair in PAIRS]
    examples = list(compose(pairs, 500, seed=1))
    assert {example.negative for example in examples if example.positive == "bake cakes"} == {"bake pies"}
    for example in examples:
        if example.positive == "bake bread" and "bake cakes" in example.known:
            assert example.negative == "sell bread"
    # Without negatives nothing else changes: the same queries are drawn.
    assert all(example.negative is None for example in compose(PAIRS, 50, seed=1))


def test_kinds_outside_the_mix_are_left_out_and_none_at_all_is_refused() -> None:
    assert all("Mow" not in example.query for example in compose(PAIRS, 300, seed=1))
    with pytest.raises(ValueError, match="no training pairs"):
        list(compose([PAIRS[-1]], 1, seed=1))
