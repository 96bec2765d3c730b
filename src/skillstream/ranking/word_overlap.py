"""Word overlap: which part of a label's words is in a sentence, rare words counting more.

A sentence that says "prepares monthly budget reports" holds both words of "prepare budget", though not
side by side. Vectors blur such agreement; counting it costs almost nothing and helps much
(docs/explanation/ranking.md). Words are compared by stem and weighed by their inverse document
frequency among the labels, so "quantum" counts more than "manage".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skillstream.ranking.words import WORD, lower, normal_word
from skillstream.taxonomy import Skill

__all__ = ["LabelWords", "content_stems", "label_stems", "stem", "stems"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

STOP_WORDS = frozenset(
    "and are as at be by for from in into is it its of on or that their this to we with you".split()  # noqa: SIM905
)
# Longest first: the first that leaves a stem of four letters or more is cut off.
SUFFIXES = (
    "isation", "ization", "ational", "ations", "ation", "ments", "ment", "ings", "ing", "ers", "er", "ors",
    "or", "ies", "ive", "es", "ed", "al", "ic", "s", "e", "y",
)  # fmt: skip


def stem(word: str) -> str:
    """A crude English stem: "managing", "manager" and "management" meet in "manag"."""
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            return word[: -len(suffix)]
    return word


def content_stems(text: str) -> list[str]:
    """Stems of the words of a text in order, without function words and marks."""
    return list(filter(None, map(_content_stem, WORD.findall(lower(text)))))


@lru_cache(maxsize=65536)
def _content_stem(word: str) -> str:
    """The stem of a lower-case word; empty for function words and marks."""
    word = normal_word(word)
    return stem(word) if word not in STOP_WORDS and any(map(str.isalnum, word)) else ""


def stems(text: str) -> set[str]:
    """Stems of the words of a text, without function words."""
    return set(content_stems(text))


def label_stems(skills: Sequence[Skill]) -> list[list[str]]:
    """`content_stems` of each skill's label."""
    return [content_stems(skill.label) for skill in skills]


class LabelWords:
    """The words of all labels, ready to be compared with sentences. Safe to share between threads."""

    def __init__(self, stems_of_labels: Sequence[Sequence[str]]) -> None:
        """Takes `label_stems` of the skills."""
        # Sorted: sums of floats depend on their order.
        words = [sorted(set(of_label)) for of_label in stems_of_labels]
        counts = Counter(word for of_label in words for word in of_label)
        self._numbers = {word: number for number, word in enumerate(counts, start=1)}
        idf = {word: float(np.log(1 + len(words) / count)) for word, count in counts.items()}
        # Shares of the label's whole weight, so that a sum over the words found is the overlap itself.
        # Word 0 is none: labels with fewer words than others are filled up with it.
        self._lengths = np.fromiter(map(len, words), np.int64, len(words))
        shape = (int(self._lengths.max(initial=0)), len(words))
        self._words = np.zeros(shape, np.int32)
        self._shares = np.zeros(shape, np.float32)
        totals = np.array([sum(idf[word] for word in of_label) for of_label in words], np.float32)
        labels = np.repeat(np.arange(len(words)), self._lengths)
        places = np.arange(len(labels)) - np.repeat(np.cumsum(self._lengths) - self._lengths, self._lengths)
        flat = [word for of_label in words for word in of_label]
        self._words[places, labels] = [self._numbers[word] for word in flat]
        self._shares[places, labels] = np.array([idf[word] for word in flat], np.float32) / totals[labels]

    def overlaps(self, texts: Sequence[str], skills: Ints) -> Floats:
        """The share of each label's words, weighed by rarity, that the text has.

        Args:
            texts: n sentences.
            skills: int64[n, k], numbers of the labels that each is compared with.

        Returns:
            float32[n, k] in [0, 1].
        """
        width = len(self._numbers) + 1
        here = np.zeros((len(texts), width), np.bool_)
        for row, text in zip(here, texts, strict=True):
            row[[self._numbers[word] for word in stems(text) if word in self._numbers]] = True
        flat = here.ravel()
        first = (np.arange(len(texts), dtype=np.int32) * width)[:, None]
        found = np.zeros(skills.shape, np.float32)
        for place in range(int(self._lengths[skills].max(initial=0))):
            at = self._words[place][skills]
            at += first
            found += flat[at] * self._shares[place][skills]
        return found
