"""Heads: the few fitted numbers that turn an encoder's similarities into ranked, calibrated tags.

Similarities of two models are not on one scale, so every model has heads of its own: a JSON file in
`data/heads/`, named by the model's fingerprint and made by `scripts/fit_heads.py`. A model without one
gets `neutral_heads()`: a sound ranking by fixed weights, and a confidence that is only a rough guess.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.errors import ModelError

__all__ = [
    "LANES",
    "LANE_WEIGHTS",
    "Confidence",
    "Heads",
    "Lane",
    "confidence_features",
    "load_heads",
    "neutral_heads",
    "ranks_of",
    "read_heads",
    "save_heads",
]

Floats = npt.NDArray[np.float32]

LANES = ("pooled", "semantic", "exact", "full")
# "full" is rounded from what was fitted for the base model; the optimum is flat.
LANE_WEIGHTS = {
    "pooled": {"pooled": 1.0},
    "semantic": {"pooled": 0.5, "token": 0.5},
    "exact": {"preferred": 1.0, "variant": 1.0, "alternative": 0.5, "shared": -0.1},
    "full": {
        "pooled": 0.5,
        "token": 0.5,
        "overlap": 0.12,
        "length": 0.02,
        "preferred": 0.3,
        "variant": 0.3,
        "alternative": 0.1,
    },
}


class Confidence(msgspec.Struct, frozen=True):
    """From fused scores to a calibrated probability: a logistic regression, then a monotone correction.

    A score says more beside the others of its sentence: the best one is right more often than the third
    best with the same score. A skill that is named word for word competes with none: in "Python, SQL and
    Java" the third is as right as the first.

    Attributes:
        intercept, score, gate: weights of 1, the fused score, the sentence's gate (log-odds).
        rank, margin: weights of log(1 + rank within the sentence, from 0) and of the distance to the best
            score of the sentence; both are 0 for a skill that is named.
        knots: (logistic probability, calibrated probability) pairs, ascending; linear in between.
    """

    intercept: float
    score: float
    gate: float
    rank: float
    margin: float
    knots: list[tuple[float, float]]

    def chances(self, scores: Floats, gate: Floats | float, named: npt.NDArray[np.bool_]) -> Floats:
        """What the logistic regression says, before the correction; arguments as for `of`."""
        weights = np.array([self.score, self.gate, self.rank, self.margin], np.float32)
        odds = confidence_features(scores, gate, named) @ weights + self.intercept
        chances: Floats = 1 / (1 + np.exp(-odds))
        return chances

    def of(self, scores: Floats, gate: Floats | float, named: npt.NDArray[np.bool_]) -> Floats:
        """Calibrated probabilities of the candidates of one sentence, or of n.

        Args:
            scores: float32[k] or float32[n, k], fused scores of all candidates; -inf for what is no
                candidate, and the result means nothing there.
            gate: log-odds that the sentence names a skill; a number or float32[n].
            named: bool[k] or bool[n, k], whether a name of the skill is in the sentence.

        Returns:
            float32 of the scores' shape, in [0, 1].
        """
        x, y = zip(*self.knots, strict=True)
        calibrated: Floats = np.interp(self.chances(scores, gate, named), x, y).astype(np.float32)
        return calibrated


def confidence_features(scores: Floats, gate: Floats | float, named: npt.NDArray[np.bool_]) -> Floats:
    """Score, gate, log(1 + rank) and margin of the candidates of one sentence, float32[k, 4], or of n.

    Arguments as for `Confidence.of`; what is no candidate has zeros for score, rank and margin.
    """
    candidates = scores > -np.inf
    unnamed = candidates & ~named
    ranks = np.where(unnamed, ranks_of(scores), np.float32(0))
    best = scores.max(axis=-1, keepdims=True, initial=-np.inf)
    margins = np.zeros_like(scores)
    np.subtract(best, scores, out=margins, where=unnamed)
    gates = np.broadcast_to(np.asarray(gate, np.float32)[..., None], scores.shape)
    return np.stack([np.where(candidates, scores, 0), gates, np.log1p(ranks), margins], axis=-1)


def ranks_of(scores: Floats) -> Floats:
    """How many of the same row have a better score, or an equal one before it: float32 of the same shape."""
    ranks = np.empty_like(scores)
    places = np.broadcast_to(np.arange(scores.shape[-1], dtype=np.float32), scores.shape)
    np.put_along_axis(ranks, np.argsort(-scores, axis=-1, kind="stable"), places, axis=-1)
    return ranks


class Lane(msgspec.Struct, frozen=True):
    """How one lane ranks, and what its scores mean.

    Attributes:
        weights: weight of each feature of `skillstream.ranking.features.FEATURES`; absent ones weigh nothing.
        confidence: what a score is worth.
        threshold: the confidence from which on a pair is a tag, unless the user says otherwise.
    """

    weights: dict[str, float]
    confidence: Confidence
    threshold: float


class Heads(msgspec.Struct, frozen=True):
    """Everything fitted for one model.

    Attributes:
        model: name of the model, for people.
        fingerprint: of the model; empty for the neutral heads.
        calibrated: whether the confidence was fitted on annotated sentences.
        lanes: one `Lane` for each name in `LANES`.
        gate: weights of the sentence vector and, last, the intercept, of the logistic regression for
            "this sentence names a skill"; empty: everything passes.
    """

    model: str
    fingerprint: str
    calibrated: bool
    lanes: dict[str, Lane]
    gate: list[float] = []

    def gate_logits(self, pooled: Floats) -> Floats:
        """Log-odds that each sentence names a skill, float32[n], from the vectors float32[n, dim]."""
        if not self.gate:
            return np.zeros(len(pooled), np.float32)
        weights = np.array(self.gate, np.float32)
        logits: Floats = pooled @ weights[:-1] + weights[-1]
        return logits


def neutral_heads() -> Heads:
    """Heads for a model that none were fitted for: fixed weights and a rough, monotone confidence."""
    confidence = Confidence(-5.0, 5.0, 0.0, -0.8, -1.7, [(0.0, 0.0), (1.0, 1.0)])
    lanes = {name: Lane(weights, confidence, 0.15) for name, weights in LANE_WEIGHTS.items()}
    return Heads(model="any", fingerprint="", calibrated=False, lanes=lanes)


def load_heads(model_fingerprint: str) -> Heads:
    """The heads shipped for a model, else the neutral ones."""
    source = resources.files("skillstream") / "data" / "heads" / f"{model_fingerprint}.json"
    if not source.is_file():
        return neutral_heads()
    with resources.as_file(source) as path:
        return read_heads(path)


def read_heads(path: Path) -> Heads:
    """Heads from a JSON file.

    Raises:
        ModelError: the file is missing, damaged or lacks a lane.
    """
    try:
        heads = msgspec.json.decode(path.read_bytes(), type=Heads)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(f"{path} holds no ranking heads ({error}): run scripts/fit_heads.py") from None
    missing = [lane for lane in LANES if lane not in heads.lanes]
    if missing:
        raise ModelError(f"{path} lacks lane {missing[0]!r}: run scripts/fit_heads.py")
    return heads


def save_heads(heads: Heads, path: Path) -> None:
    """Writes heads as readable JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(heads), indent=1) + b"\n")
