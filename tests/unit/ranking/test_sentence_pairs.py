"""Features of many pairs at once beside those of each pair by itself, straight from their definitions."""

import numpy as np
import pytest

from skillstream.index.skills_index import build_index
from skillstream.ranking.features import FEATURES
from skillstream.ranking.sentence_pairs import PairMaker
from skillstream.ranking.word_overlap import stems
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

LABELS = [
    "SQL",
    "weld metal",
    "manage the budgets of projects",
    "speak French",
    *(f"use tool {i}" for i in range(20)),
]
ENCODER = HashEncoder()
INDEX = build_index(
    Taxonomy("test", "1", [Skill(f"s:{i}", label) for i, label in enumerate(LABELS)]), ENCODER
)
TEXTS = ["You weld metal, know SQL and manage large budgets", "x", "French", "SQL and SQL", "tools " * 40]


def overlap(text, label):
    counts = {word: sum(word in stems(other) for other in LABELS) for word in stems(label)}
    weights = {word: np.log(1 + len(LABELS) / count) for word, count in counts.items()}
    return sum(weights[word] for word in stems(label) & stems(text)) / sum(weights.values())


@pytest.mark.parametrize("part_tokens", [1, 12, 10_000])
def test_features_are_as_defined_however_sentences_are_put_together(part_tokens):
    encoded = ENCODER.encode_tokens(TEXTS)
    maker = PairMaker(INDEX, 5, part_tokens)
    seen = 0
    for pairs in maker.pairs(TEXTS, encoded, maker.near(encoded)):
        for row in range(len(pairs.skills)):
            i = pairs.first + row
            seen += 1
            tokens = encoded.tokens[encoded.bounds[i] : encoded.bounds[i + 1]]
            skills = pairs.skills[row][pairs.present[row]].tolist()
            assert skills == sorted(set(skills))
            assert set(pairs.names[row]) <= set(skills)
            assert len(skills) >= 5
            for column, skill in enumerate(skills):
                label = INDEX.vectors[skill]
                cosines = tokens @ label
                weights = np.exp(10 * cosines) / np.exp(10 * cosines).sum()
                found = dict(zip(FEATURES, pairs.features[row, column].tolist(), strict=True))
                assert found["pooled"] == pytest.approx(encoded.pooled[i] @ label, abs=1e-6)
                assert found["token"] == pytest.approx(weights @ cosines, abs=1e-6)
                assert found["overlap"] == pytest.approx(overlap(TEXTS[i], LABELS[skill]), abs=1e-6)
                assert found["length"] == pytest.approx(-np.log2(len(LABELS[skill].split())))
                assert found["preferred"] == pairs.named[row, column] == (skill in pairs.names[row])
    assert seen == len(TEXTS)


def test_without_neighbours_only_names_are_candidates():
    encoded = ENCODER.encode_tokens(TEXTS)
    maker = PairMaker(INDEX, 0)
    [pairs] = maker.pairs(TEXTS, encoded, maker.near(encoded))
    assert [pairs.skills[row][pairs.present[row]].tolist() for row in range(5)] == [[0, 1], [], [], [0], []]
