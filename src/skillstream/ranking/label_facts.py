"""What can be known of every label of an index before any posting is read: words, their rarity, kind."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import numpy.typing as npt

from skillstream.index import SkillsIndex
from skillstream.ranking.kept import kept
from skillstream.ranking.word_overlap import label_stems

__all__ = ["LabelFacts"]

Floats = npt.NDArray[np.float32]


class LabelFacts:
    """Facts of the labels of one index. Row i of everything is the same skill.

    Attributes:
        stems: stems of the label's content words, in order.
        weights: the rarity (inverse document frequency among the labels) of each of these.
        rarity: stem → rarity; stems that no label has are not in it.
        first_words: the label's first word in lower case, mostly a verb: "manage".
        groups: roll-up groups, as a set.
        knowledge: whether the taxonomy calls the skill knowledge.
        form: float32[n, 5]: words, characters, sum, maximum and minimum of the rarity.
    """

    def __init__(self, index: SkillsIndex) -> None:
        self.stems = [tuple(stems) for stems in kept(label_stems, index.skills, list[list[str]])]
        # Names of products are no words of a language: with them or without, rarity is the same.
        counts = Counter(stem for stems in self.stems[: index.searched] for stem in set(stems))
        rarest = math.log(1 + max(1, index.searched))
        self.rarity = {stem: math.log(1 + index.searched / count) for stem, count in counts.items()}
        self.weights = [{stem: self.rarity.get(stem, rarest) for stem in stems} for stems in self.stems]
        self.first_words = [label.split()[0].lower() if label.split() else "" for label in index.labels]
        self.groups = [frozenset(index.groups(i)) for i in range(len(index))]
        self.knowledge = [(index.kind(i) or "").startswith("know") for i in range(len(index))]
        self.form: Floats = np.array(
            [
                (
                    len(label.split()),
                    len(label),
                    sum(weights.values()),
                    max(weights.values(), default=0.0),
                    min(weights.values(), default=0.0),
                )
                for label, weights in zip(index.labels, self.weights, strict=True)
            ],
            np.float32,
        ).reshape(-1, 5)
