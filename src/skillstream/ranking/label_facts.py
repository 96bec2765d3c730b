"""What can be known of a label before any posting is read: words, their rarity, kind."""

from __future__ import annotations

import math
from collections import Counter
from typing import NamedTuple

from skillstream.index import SkillsIndex
from skillstream.ranking.kept import kept
from skillstream.ranking.word_overlap import label_stems

__all__ = ["LabelFact", "LabelFacts"]


class LabelFact(NamedTuple):
    """What is known of one label.

    Attributes:
        stems: stems of the label's content words, in order.
        weights: the rarity (inverse document frequency among the labels) of each of these.
        groups: roll-up groups, as a set.
        knowledge: whether the taxonomy calls the skill knowledge.
        form: words, characters, sum, maximum and minimum of the rarity.
    """

    stems: list[str]
    weights: dict[str, float]
    groups: frozenset[str]
    knowledge: bool
    form: tuple[int, int, float, float, float]


class LabelFacts(dict[int, LabelFact]):
    """Number of a skill → what is known of its label; found out when first asked for.

    Attributes:
        rarity: stem → rarity; stems that no label has are not in it.
        first_words: each label's first word in lower case, mostly a verb: "manage".
    """

    def __init__(self, index: SkillsIndex) -> None:
        self._index = index
        self._stems = kept(label_stems, index.skills, list[list[str]])
        # Names of products are no words of a language: with them or without, rarity is the same.
        counts = Counter(stem for stems in self._stems[: index.searched] for stem in set(stems))
        self._rarest = math.log(1 + max(1, index.searched))
        self.rarity = {stem: math.log(1 + index.searched / count) for stem, count in counts.items()}
        self.first_words = [label.split()[0].lower() if label.split() else "" for label in index.labels]

    def __missing__(self, skill: int) -> LabelFact:
        label, stems = self._index.labels[skill], self._stems[skill]
        weights = {stem: self.rarity.get(stem, self._rarest) for stem in stems}
        rarity = weights.values()
        fact = self[skill] = LabelFact(
            stems=stems,
            weights=weights,
            groups=frozenset(self._index.groups(skill)),
            knowledge=(self._index.kind(skill) or "").startswith("know"),
            form=(
                len(label.split()),
                len(label),
                sum(rarity),
                max(rarity, default=0.0),
                min(rarity, default=0.0),
            ),
        )
        return fact
