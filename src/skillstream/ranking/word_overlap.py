"""Word overlap: which part of a label's words is in a sentence, rare words counting more.

A sentence that says "prepares monthly budget reports" holds both words of "prepare budget", though not
side by side. Vectors blur such agreement; counting it costs almost nothing and helps much
(docs/explanation/ranking.md). Words are compared by stem and weighed by their inverse document
frequency among the labels, so "quantum" counts more than "manage".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skillstream.ranking.words import normal_words

__all__ = ["LabelWords", "content_stems", "stem", "stems"]

Floats = npt.NDArray[np.float32]

STOP_WORDS = frozenset(
    "and are as at be by for from in into is it its of on or that their this to we with you".split()  # noqa: SIM905
)
# Longest first: the first that leaves a stem of four letters or more is cut off.
SUFFIXES = (
    "isation", "ization", "ational", "ations", "ation", "ments", "ment", "ings", "ing", "ers", "er", "ors",
    "or", "ies", "ive", "es", "ed", "al", "ic", "s", "e", "y",
)  # fmt: skip


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A crude English stem: "managing", "manager" and "management" meet in "manag"."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word


def content_stems(text: str) -> list[str]:
    """Stems of the words of a text in order, without function words and marks."""
    return [
        stem(word) for word in normal_words(text) if word not in STOP_WORDS and any(map(str.isalnum, word))
    ]


def stems(text: str) -> set[str]:
    """Stems of the words of a text, without function words."""
    return set(content_stems(text))


class LabelWords:
    """The words of all labels, ready to be compared with sentences."""

    def __init__(self, labels: Sequence[str]) -> None:
        sets = [stems(label) for label in labels]
        counts = Counter(word for words in sets for word in words)
        owners: defaultdict[str, list[int]] = defaultdict(list)
        for i, words in enumerate(sets):
            for word in words:
                owners[word].append(i)
        idf = {word: float(np.log(1 + len(labels) / count)) for word, count in counts.items()}
        totals = np.array([sum(idf[word] for word in words) for words in sets], np.float32)
        self._size = len(labels)
        # Shares of the label's whole weight, so that a sum over the words found is the overlap itself.
        self._shares = {
            word: (np.array(ids), (idf[word] / totals[ids]).astype(np.float32))
            for word, ids in owners.items()
        }

    def overlap(self, text: str) -> Floats:
        """The share of each label's words, weighed by rarity, that the text has: float32[n_labels]."""
        found = np.zeros(self._size, np.float32)
        for word in sorted(stems(text)):  # sorted: sums of floats depend on their order
            if word in self._shares:
                ids, shares = self._shares[word]
                found[ids] += shares
        return found
