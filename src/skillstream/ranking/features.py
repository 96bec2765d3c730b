"""The score of a (sentence, skill) pair: a weighted sum of a few features that can be read one by one.

    score = Σ weight[name] · feature[name]

The weights of a lane stand in the heads of the model (`skillstream.ranking.heads`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skillstream.ranking.exact import ExactMatch
from skillstream.ranking.name_context import SURE_ENOUGH

__all__ = ["FEATURES", "KINDS", "best_names", "exact_features", "label_lengths", "weight_vector"]

Floats = npt.NDArray[np.float32]

FEATURES = (
    "pooled",  # cosine of the sentence's and the label's pooled vectors
    "token",  # token-level match (skillstream.ranking.token_match)
    "overlap",  # part of the label's words that stand in the sentence (skillstream.ranking.word_overlap)
    "length",  # -log2 of the label's number of words: vectors favour long labels
    "preferred",  # the preferred label stands in the sentence, word for word
    "alternative",  # an alternative label does
    "variant",  # a label without its parenthesis does
    "shared",  # log2 of how many skills have the name that stands there
)
KINDS = ("preferred", "variant", "alternative")
_SHARED = FEATURES.index("shared")


def weight_vector(weights: Mapping[str, float]) -> Floats:
    """Weights in the order of `FEATURES`, float32[8]; names not given weigh nothing."""
    return np.array([weights.get(name, 0.0) for name in FEATURES], np.float32)


def label_lengths(labels: Sequence[str]) -> Floats:
    """The feature "length" of every label."""
    return -np.log2([max(1, len(label.split())) for label in labels]).astype(np.float32)


def best_names(matches: Sequence[ExactMatch]) -> dict[int, ExactMatch]:
    """For each skill named in a sentence its surest name.

    What is meant as a name for sure comes first, then preferred before variant before alternative.
    """
    best: dict[int, ExactMatch] = {}
    for match in matches:
        known = best.get(match.skill)
        if known is None or _rank(match) < _rank(known):
            best[match.skill] = match
    return best


def _rank(match: ExactMatch) -> tuple[bool, int]:
    return match.context < SURE_ENOUGH, KINDS.index(match.kind)


def exact_features(
    features: Floats, skills: npt.NDArray[np.int64], names: Sequence[Mapping[int, ExactMatch]]
) -> npt.NDArray[np.bool_]:
    """Fills the columns of the exact lane.

    Args:
        features: float32[n, k, len(FEATURES)], of n sentences, changed in place.
        skills: int64[n, k], the skills of each sentence, ascending.
        names: for each sentence: skill → how it is named; every skill is in its row of `skills`.

    Returns:
        bool[n, k], whether the skill is named.
    """
    named = np.zeros(skills.shape, np.bool_)
    for i, found in enumerate(names):
        if not found:
            continue
        columns = np.searchsorted(skills[i], list(found))
        named[i, columns] = True
        for column, match in zip(columns.tolist(), found.values(), strict=True):
            features[i, column, FEATURES.index(match.kind)] = 1.0
            features[i, column, _SHARED] = np.log2(match.shared)
    return named
