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

__all__ = ["LANES", "Heads", "Lane", "load_heads", "neutral_heads", "read_heads", "save_heads"]

Floats = npt.NDArray[np.float32]

LANES = ("pooled", "semantic", "exact", "full")
# Rounded from the base model's; the optimum is flat.
NEUTRAL_WEIGHTS = {
    "pooled": 0.5,
    "token": 0.5,
    "overlap": 0.12,
    "length": 0.02,
    "preferred": 0.3,
    "alternative": 0.1,
    "variant": 0.3,
}


class Lane(msgspec.Struct, frozen=True):
    """How one lane ranks, and what its scores mean.

    Attributes:
        weights: weight of each feature of `skillstream.fusion.FEATURES`; absent ones weigh nothing.
        knots: (score, confidence) pairs, both ascending; confidence is linear between them.
        threshold: the confidence from which on a pair is a tag, unless the user says otherwise.
    """

    weights: dict[str, float]
    knots: list[tuple[float, float]]
    threshold: float

    def confidence(self, scores: npt.NDArray[np.floating]) -> Floats:
        """Calibrated probability that a pair with this fused score is right, float32 in [0, 1]."""
        x, y = zip(*self.knots, strict=True)
        confidence: Floats = np.interp(scores, x, y).astype(np.float32)
        return confidence


class Heads(msgspec.Struct, frozen=True):
    """Everything fitted for one model.

    Attributes:
        model: name of the model, for people.
        fingerprint: of the model; empty for the neutral heads.
        calibrated: whether the confidence was fitted on annotated sentences.
        lanes: one `Lane` for each name in `LANES`.
        gate: weights of the sentence vector and, last, the intercept, of the logistic regression for
            "this sentence names a skill"; `None` lets everything through.
        fitted_on: names of the data sets used.
    """

    model: str
    fingerprint: str
    calibrated: bool
    lanes: dict[str, Lane]
    gate: list[float] | None = None
    fitted_on: list[str] = []


def neutral_heads() -> Heads:
    """Heads for a model that none were fitted for: fixed weights, a generic monotone calibration."""
    lanes = {
        "pooled": Lane({"pooled": 1.0}, [(0.2, 0.0), (0.8, 0.9)], 0.4),
        "semantic": Lane({"pooled": 0.5, "token": 0.5}, [(0.2, 0.0), (0.8, 0.9)], 0.4),
        "exact": Lane({"preferred": 1.0, "alternative": 0.6, "variant": 0.8}, [(0.0, 0.0), (1.0, 0.8)], 0.4),
        "full": Lane(NEUTRAL_WEIGHTS, [(0.3, 0.0), (1.1, 0.95)], 0.4),
    }
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
        raise ModelError(
            f"{path} holds no ranking heads ({error}): make them again with scripts/fit_heads.py"
        ) from None
    missing = [lane for lane in LANES if lane not in heads.lanes]
    if missing:
        raise ModelError(f"{path} lacks lane {missing[0]!r}: make it again with scripts/fit_heads.py")
    return heads


def save_heads(heads: Heads, path: Path) -> None:
    """Writes heads as readable JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(heads), indent=1) + b"\n")
