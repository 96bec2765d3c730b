"""Posting stage: from all candidates of a posting to the probability that a careful reader accepts each.

The sentence stage sees one sentence at a time; what else a reader goes by is in
`skillstream.ranking.posting_features`, and what was learned of labels from judged postings is in
`LearnedLabels`. Boosted trees over both give log-odds; their sigmoid is the confidence. All numbers are
fitted by `scripts/fit_posting_stage.py` and kept as JSON in `data/posting_stage/`, named by the model's
fingerprint.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.errors import ModelError
from skillstream.index import SkillsIndex
from skillstream.postings import Document
from skillstream.ranking.candidates import Candidate
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.posting_features import POSTING_FEATURES, posting_features
from skillstream.ranking.trees import Trees, TreeTables

__all__ = [
    "LEARNED_FEATURES",
    "STAGE_FEATURES",
    "FittedStage",
    "LearnedLabels",
    "PostingStage",
    "learned_features",
    "load_posting_stage",
    "read_posting_stage",
    "save_posting_stage",
]

Floats = npt.NDArray[np.float32]

LEARNED_FEATURES = {
    "label_accepted": ("experience", "log-odds that readers accepted this label elsewhere"),
    "label_judged": ("experience", "log(1 + how often they judged it)"),
    "verb_accepted": ("experience", "log-odds that they accepted labels with this first word"),
    "meaning_accepted": ("experience", "log-odds by the label's vector: labels of this meaning"),
}
STAGE_FEATURES = {**POSTING_FEATURES, **LEARNED_FEATURES}

# A label or first word is worth its own rate only with some judgements: so many at the mean rate are added.
LABEL_PULL = 3.0
WORD_PULL = 10.0


class LearnedLabels(msgspec.Struct, frozen=True):
    """What judged postings say of labels.

    Attributes:
        rate: share of right ones among all judged candidates.
        labels: uri → (right, judged).
        first_words: first word of a label → (right, judged).
        vector: weights of a label's vector and, last, the intercept: linear estimate of the rate.
    """

    rate: float
    labels: dict[str, tuple[int, int]]
    first_words: dict[str, tuple[int, int]]
    vector: list[float]


class FittedStage(msgspec.Struct, frozen=True):
    """Everything fitted for one model.

    Attributes:
        model, fingerprint: the encoder that it was fitted with.
        postings, judged: how much it was fitted on.
        floor: confidence in the sentence stage from which on a match is a candidate.
        threshold: confidence from which on a candidate is a tag, unless the user says otherwise.
        features: names of the columns, in order.
        learned: of the labels.
        trees: of the log-odds.
    """

    model: str
    fingerprint: str
    postings: int
    judged: int
    floor: float
    threshold: float
    features: list[str]
    learned: LearnedLabels
    trees: TreeTables


class PostingStage:
    """A fitted posting stage, for the labels of one index. Immutable."""

    def __init__(self, fitted: FittedStage, index: SkillsIndex) -> None:
        self.fitted = fitted
        self._facts = LabelFacts(index)
        self._vectors: Floats = np.asarray(index.vectors)  # without the cost of a memory map's views
        self._learned = learned_features(fitted.learned, index, self._facts)
        self._trees = Trees(fitted.trees)

    def features(self, document: Document, candidates: Sequence[Candidate]) -> Floats:
        """Features of the candidates of a posting, float32[n, len(STAGE_FEATURES)]."""
        if not candidates:
            return np.empty((0, len(STAGE_FEATURES)), np.float32)
        skills = [candidate.skill for candidate in candidates]
        own = posting_features(document, candidates, self._facts, self._vectors)
        return np.hstack([own, self._learned[skills]])

    def confidences(self, features: Floats) -> Floats:
        """The probability that a careful reader accepts each candidate, float32[n].

        Args:
            features: float32[n, len(STAGE_FEATURES)], of the candidates of any number of postings.
        """
        chances = 1 / (1 + np.exp(-self._trees.sums(features)))
        return chances.astype(np.float32)

    def contributions(self, document: Document, candidates: Sequence[Candidate]) -> Floats:
        """What each feature adds to the log-odds of each candidate, float32[n, len(STAGE_FEATURES)].

        With `base` each row sums to the log-odds of the confidence.
        """
        return self._trees.contributions(self.features(document, candidates))

    @property
    def base(self) -> float:
        """Log-odds of a candidate of which nothing is known."""
        return self._trees.base


def learned_features(learned: LearnedLabels, index: SkillsIndex, facts: LabelFacts) -> Floats:
    """The columns `LEARNED_FEATURES` for every label of the index, float32[n_skills, 4]."""
    none = (0, 0)
    labels = np.array([learned.labels.get(uri, none) for uri in index.uris], np.float64).reshape(-1, 2)
    words = np.array([learned.first_words.get(word, none) for word in facts.first_words], np.float64)
    words = words.reshape(-1, 2)
    weights = np.array(learned.vector, np.float32)
    by_vector: Floats = index.vectors @ weights[:-1] + weights[-1]
    columns = (
        _log_odds((labels[:, 0] + LABEL_PULL * learned.rate) / (labels[:, 1] + LABEL_PULL)),
        np.log1p(labels[:, 1]),
        _log_odds((words[:, 0] + WORD_PULL * learned.rate) / (words[:, 1] + WORD_PULL)),
        _log_odds(by_vector),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def _log_odds(chances: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    chances = np.clip(chances, 0.01, 0.99)
    return np.log(chances / (1 - chances))


def load_posting_stage(model_fingerprint: str) -> FittedStage | None:
    """The posting stage shipped for a model, `None` if none was fitted."""
    source = resources.files("skillstream") / "data" / "posting_stage" / f"{model_fingerprint}.json"
    if not source.is_file():
        return None
    with resources.as_file(source) as path:
        return read_posting_stage(path)


def read_posting_stage(path: Path) -> FittedStage:
    """A posting stage from a JSON file.

    Raises:
        ModelError: the file is missing or damaged, or was fitted with other features.
    """
    try:
        fitted = msgspec.json.decode(path.read_bytes(), type=FittedStage)
    except (OSError, msgspec.MsgspecError) as error:
        raise ModelError(
            f"{path} holds no posting stage ({error}): run scripts/fit_posting_stage.py"
        ) from None
    if fitted.features != list(STAGE_FEATURES):
        raise ModelError(f"{path} was fitted with other features: run scripts/fit_posting_stage.py")
    return fitted


def save_posting_stage(fitted: FittedStage, path: Path) -> None:
    """Writes a posting stage as JSON, one line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(fitted) + b"\n")
