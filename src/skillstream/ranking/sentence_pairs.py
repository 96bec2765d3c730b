"""Pairs of sentence and skill: which skills are looked at closely, and the features of each pair.

Done for many sentences at once, so that most steps are one operation on an array for all of them; the loop
that is left takes each sentence's labels out of the index and multiplies them with its tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skillstream.encoder import Encoded
from skillstream.index import SkillsIndex
from skillstream.ranking.exact import ExactMatch, ExactMatcher
from skillstream.ranking.features import FEATURES, best_names, exact_features, label_lengths
from skillstream.ranking.kept import kept
from skillstream.ranking.token_match import token_products, token_softmax
from skillstream.ranking.word_overlap import LabelWords, label_stems

__all__ = ["LENGTH", "OVERLAP", "POOLED", "TOKEN", "PairMaker", "Pairs"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Names = dict[int, ExactMatch]

POOLED, TOKEN, OVERLAP, LENGTH = (FEATURES.index(name) for name in ("pooled", "token", "overlap", "length"))
# Tokens of the sentences that are compared at once: with 150 skills each, their similarities take 1 MB, which
# stays in the processor's cache from one operation to the next.
PART_TOKENS = 1536


@dataclass(frozen=True, eq=False)
class Pairs:
    """The candidates of n sentences, k for each, and the features of every pair.

    Attributes:
        first: number of the first of these sentences among all.
        skills: int64[n, k], ascending; the number of skills in the index where a sentence has fewer.
        present: bool[n, k], false there; what other arrays hold there means nothing.
        names: for each sentence the skills that it names word for word.
        named: bool[n, k], whether the skill is one of them.
        features: float32[n, k, len(FEATURES)].
        bounds: int64[n + 1]; sentence i owns the rows bounds[i]:bounds[i + 1] of `weights`.
        weights: float32[tokens, k], weights of the tokens before they are divided by `sums`.
        sums: float32[n, k].
    """

    first: int
    skills: Ints
    present: npt.NDArray[np.bool_]
    names: Sequence[Names]
    named: npt.NDArray[np.bool_]
    features: Floats
    bounds: Ints
    weights: Floats
    sums: Floats


class PairMaker:
    """Makes the pairs of sentences with the skills of one index. Immutable after construction."""

    def __init__(self, index: SkillsIndex, candidates: int, part_tokens: int = PART_TOKENS) -> None:
        """Takes the index, and what to look at.

        Args:
            index: the skills.
            candidates: how many neighbours of a sentence's vector are candidates; 0: names alone.
            part_tokens: tokens of the sentences that are compared at once.
        """
        self._index = index
        self._vectors: Floats = np.asarray(index.vectors)  # without the cost of a memory map's views
        self._candidates = candidates
        self._part_tokens = part_tokens
        self._matcher = ExactMatcher.for_index(index)
        self._words = LabelWords(kept(label_stems, index.skills, list[list[str]]))
        self._lengths = label_lengths(index.labels)

    def names(self, text: str) -> Names:
        """The skills that a sentence names word for word, each with its surest name."""
        return best_names(self._matcher.find(text))

    def near(self, encoded: Encoded) -> Ints:
        """The nearest skills of each sentence, int64[n, k], to be handed to `pairs`."""
        if not self._candidates:
            return np.empty((len(encoded), 0), np.int64)
        return self._index.search(encoded.pooled, self._candidates)[0]

    def pairs(self, texts: Sequence[str], encoded: Encoded, near: Ints) -> Iterator[Pairs]:
        """The candidates of the sentences with their features, some sentences at a time, in order."""
        for first, last in _parts(encoded.bounds, self._part_tokens):
            names = [self.names(text) for text in texts[first:last]]
            skills = _merged(near[first:last], names, len(self._index))
            yield self._pairs(texts, encoded, first, skills, names)

    def all_pairs(self, texts: Sequence[str], encoded: Encoded) -> Iterator[Pairs]:
        """Each sentence with every skill of the index; for evaluation."""
        everything = np.arange(len(self._index))[None]
        for i, text in enumerate(texts):
            yield self._pairs(texts, encoded, i, everything, [self.names(text)])

    def _pairs(
        self, texts: Sequence[str], encoded: Encoded, first: int, skills: Ints, names: Sequence[Names]
    ) -> Pairs:
        n, k = skills.shape
        present = skills < len(self._index)
        looked_at = np.where(present, skills, 0)
        bounds = encoded.bounds[first : first + n + 1]
        tokens = encoded.tokens[bounds[0] : bounds[-1]]
        bounds = bounds - bounds[0]
        features = np.zeros((n, k, len(FEATURES)), np.float32)
        features[:, :, POOLED], similarity = token_products(
            encoded.pooled[first : first + n], tokens, bounds, self._vectors, looked_at
        )
        features[:, :, TOKEN], weights, sums = token_softmax(similarity, bounds)
        features[:, :, OVERLAP] = self._words.overlaps(texts[first : first + n], looked_at)
        features[:, :, LENGTH] = self._lengths[looked_at]
        named = exact_features(features, skills, names)
        return Pairs(first, skills, present, names, named, features, bounds, weights, sums)


def _parts(bounds: Ints, max_tokens: int) -> Iterator[tuple[int, int]]:
    """Sentences [first, last) of at most `max_tokens` tokens together, or one that has more."""
    first, n = 0, len(bounds) - 1
    while first < n:
        fitting = int(np.searchsorted(bounds, bounds[first] + max_tokens, side="right")) - 1
        last = min(max(fitting, first + 1), n)
        yield first, last
        first = last


def _merged(near: Ints, names: Sequence[Names], n_skills: int) -> Ints:
    """Near and named skills of each sentence, ascending, each once; then `n_skills` to fill up."""
    more = max(map(len, names), default=0)
    merged = np.full((len(near), near.shape[1] + more), n_skills, np.int64)
    merged[:, : near.shape[1]] = near
    for row, found in zip(merged, names, strict=True):
        if found:
            row[near.shape[1] : near.shape[1] + len(found)] = list(found)
    merged.sort(axis=1)
    again = merged[:, 1:] == merged[:, :-1]
    merged[:, 1:][again] = n_skills
    merged.sort(axis=1)
    return merged[:, : int((merged < n_skills).sum(axis=1).max(initial=0))]
