"""Why a tag has its confidence, in words: contributions of features, added up by kind of reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.ranking.posting_stage import STAGE_FEATURES

__all__ = ["BANDS", "Reason", "band", "by_name", "reasons"]

Floats = npt.NDArray[np.float32]

# Kind of reason → what it says when it speaks for the tag, and when against.
WORDINGS: Mapping[str, tuple[str, str]] = {
    "evidence": ("strong evidence", "weak evidence"),
    "meaning": ("sentence and label mean the same", "sentence and label differ in meaning"),
    "words": ("the label's words are in the posting", "words of the label are missing in the posting"),
    "name": ("named word for word", "not named, or by an ambiguous name"),
    "rivals": ("fits these words best", "other skills fit these words better"),
    "place": ("where skills are asked for", "where skills are seldom asked for"),
    "sentence": ("the sentence asks for skills", "the sentence hardly asks for skills"),
    "posting": ("a posting with clear skills", "a posting with few clear skills"),
    "label": ("a plain label", "a special or vague label"),
    "agreement": ("goes with the posting's other skills", "stands apart from the posting's other skills"),
    "experience": ("readers accepted this label or its like", "readers rejected this label or its like"),
}
# Lowest confidence of a band, and its name.
BANDS = ((0.9, "sure"), (0.7, "likely"), (0.0, "possible"))


class Reason(msgspec.Struct, frozen=True):
    """One reason for or against a tag.

    Attributes:
        kind: a key of `WORDINGS`.
        text: what it says.
        weight: what it adds to the log-odds of the confidence.
    """

    kind: str
    text: str
    weight: float


def reasons(contributions: Floats) -> list[Reason]:
    """The reasons for a candidate, weightiest first; their weights sum to those of the contributions.

    Args:
        contributions: float32[len(STAGE_FEATURES)], of one candidate.
    """
    weights: defaultdict[str, float] = defaultdict(float)
    for (kind, _), weight in zip(STAGE_FEATURES.values(), contributions.tolist(), strict=True):
        weights[kind] += weight
    found = [
        Reason(kind, WORDINGS[kind][0 if weight >= 0 else 1], weight) for kind, weight in weights.items()
    ]
    return sorted(found, key=lambda reason: -abs(reason.weight))


def by_name(confidence: float) -> Reason:
    """The reason for a technology that was found by its name alone, without the posting stage."""
    text = "named word for word, and meant as a name" if confidence > 0.7 else "may be meant as this name"
    return Reason("name", text, float(np.log(confidence / (1 - confidence))))


def band(confidence: float) -> str:
    """`sure`, `likely` or `possible`."""
    return next(name for lowest, name in BANDS if confidence >= lowest)
