"""Fits the ranking heads of a model: gate, fusion weights, confidence, default threshold.

    python scripts/fit_heads.py --model base --data ../shared/data

writes src/skillstream/data/heads/<fingerprint>.json and prints the figures of docs/explanation/ranking.md.
Three small sets of real sentences decide. "left out" figures come from parameters fitted without the set
they are measured on; the shipped parameters are fitted on all of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from skillstream.encoder import Encoder, load_encoder
from skillstream.index.skills_index import SkillsIndex
from skillstream.ranking.evaluation import labels_index, read_annotations, read_labels
from skillstream.ranking.features import FEATURES, KINDS, weight_vector
from skillstream.ranking.heads import (
    LANE_WEIGHTS,
    LANES,
    Confidence,
    Heads,
    Lane,
    confidence_features,
    neutral_heads,
    save_heads,
)
from skillstream.ranking.ranker import Ranker

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

REAL = ("tech_validation", "house_validation", "techwolf_dev")
FILES = {
    "tech_validation": "dev/tech_validation_annotations.csv",
    "house_validation": "dev/house_validation_annotations.csv",
    "techwolf_dev": "dev/techwolf_dev_annotations.csv",
    "skillskape_train": "pairs/skillskape_train.csv",
}
SYNTHETIC_SENTENCES = 400
SYNTHETIC_WEIGHT = 0.3  # of the set beside a real one; 0 to 1 differ by noise
EMPTY_SENTENCES = 700  # sentences of real postings that name no skill
EMPTY_WEIGHT = 0.3
BAGS = 12
PULL = 0.1  # towards the neutral weights: the sets are small, the optimum is flat
BOOTSTRAPS = 50
TOP = 20  # candidates of a sentence that can become tags


@dataclass
class Pairs:
    """Candidates of n sentences; row r is one (sentence, skill) pair. Rows of a sentence are together."""

    features: Floats  # [rows, len(FEATURES)]
    right: Flags  # [rows]
    starts: npt.NDArray[np.int64]  # [n + 1], rows of each sentence
    gold: npt.NDArray[np.int64]  # [n], its gold labels, candidates or not
    gates: Floats  # [n]

    def slices(self) -> list[slice]:
        return [slice(a, b) for a, b in zip(self.starts[:-1], self.starts[1:], strict=True)]


def collect(index: SkillsIndex, heads: Heads, encoder: Encoder, annotations: dict[str, set[str]]) -> Pairs:
    """The candidates of every sentence, just as they come up in tagging."""
    ranker = Ranker(index, heads)
    number = {label: i for i, label in enumerate(index.labels)}
    texts = [text for text in annotations if 0 < len(encoder.token_spans(text)) <= encoder.max_tokens]
    features, right, gold, gates = [], [], [], []
    for start in range(0, len(texts), 64):
        block = texts[start : start + 64]
        encoded = encoder.encode_tokens(block)
        gates.append(heads.gate_logits(encoded.pooled))
        maker = ranker.sentence_stage.pairs
        for pairs in maker.pairs(block, encoded, maker.near(encoded)):
            for row, present in enumerate(pairs.present):
                labels = annotations[block[pairs.first + row]]
                wanted = [number[label] for label in labels if label in number]
                features.append(pairs.features[row, present])
                right.append(np.isin(pairs.skills[row, present], wanted))
                gold.append(len(wanted))
    starts = np.cumsum([0, *map(len, features)])
    return Pairs(
        np.concatenate(features), np.concatenate(right), starts, np.array(gold), np.concatenate(gates)
    )


def sample(texts: Sequence[str], n: int) -> list[str]:
    return [texts[i] for i in sorted(np.random.default_rng(0).permutation(len(texts))[:n])]


# --- gate: does the sentence name a skill? -----------------------------------------------------------


def read_spans(path: Path) -> tuple[list[str], Flags]:
    """SkillSpan's sentences, and whether each has an annotated span."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows = [row for row in rows if len(row["tokens"]) <= 120]  # some are whole postings
    named = [any(tag != "O" for tag in row["tags_skill"] + row["tags_knowledge"]) for row in rows]
    return [" ".join(row["tokens"]) for row in rows], np.array(named)


def fit_gate(encoder: Encoder, data: Path) -> list[float]:
    texts, named = read_spans(data / "pairs/skillspan_train.jsonl")
    gate = LogisticRegression(C=3.0, max_iter=2000).fit(encoder.encode(texts), named)
    texts, named = read_spans(data / "dev/skillspan_dev.jsonl")
    chance = gate.predict_proba(encoder.encode(texts))[:, 1]
    auc, f1 = roc_auc_score(named, chance), f1_score(named, chance > 0.5)
    print(f"gate on skillspan_dev: ROC-AUC {auc:.3f}, F1 {f1:.3f} ({len(texts)} sentences)")
    return [round(float(w), 4) for w in (*gate.coef_[0], gate.intercept_[0])]


# --- fusion weights: bagged coordinate search on the figures themselves -------------------------------


class Queries:
    """The sentences of a set that have a gold label, padded, for fast evaluation of weights."""

    def __init__(self, pairs: Pairs, weight: float) -> None:
        slices = [s for s, gold in zip(pairs.slices(), pairs.gold, strict=True) if gold]
        self.gold = pairs.gold[pairs.gold > 0]
        self.weight = weight
        self.features = np.zeros(
            (len(slices), max(s.stop - s.start for s in slices), len(FEATURES)), np.float32
        )
        self.absent = np.ones(self.features.shape[:2], bool)
        self.right = np.zeros(self.features.shape[:2], bool)
        for i, rows in enumerate(slices):
            n = rows.stop - rows.start
            self.features[i, :n] = pairs.features[rows]
            self.absent[i, :n] = False
            self.right[i, :n] = pairs.right[rows]

    def figures(self, weights: Floats) -> tuple[Doubles, Doubles, Doubles]:
        """MRR, RP@5 and a smoother mean of 5 / (5 + rank), for each sentence."""
        scores = self.features @ weights
        scores -= np.arange(scores.shape[1], dtype=np.float32) * 1e-7  # of equal scores the first
        scores[self.absent] = -np.inf
        sentence, row = np.nonzero(self.right)
        ranks = (scores[sentence] > scores[sentence, row][:, None]).sum(axis=1)
        first = np.full(len(self.gold), np.inf)
        np.minimum.at(first, sentence, ranks)
        hits = np.bincount(sentence, ranks < 5, len(self.gold)) / np.minimum(5, self.gold)
        smooth = np.bincount(sentence, 5 / (5 + ranks), len(self.gold)) / self.gold
        return 1 / (1 + first), hits, smooth


def fit_weights(sets: Sequence[Queries]) -> dict[str, float]:
    """Fusion weights that are best for the mean of the figures, averaged over bootstrap samples."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(BAGS):
        samples = [random.multinomial(len(q.gold), np.full(len(q.gold), 1 / len(q.gold))) for q in sets]
        found.append(search(sets, samples))
    mean = np.mean(found, axis=0)
    return {name: round(float(value), 4) for name, value in zip(FEATURES, mean, strict=True) if value}


def search(sets: Sequence[Queries], samples: Sequence[npt.NDArray[np.int64]]) -> Floats:
    """Changes one weight after the other; "pooled" keeps its own, which fixes the scale."""
    start = weight_vector(LANE_WEIGHTS["full"])
    step = np.maximum(np.abs(start), 0.02)

    def value(weights: Floats) -> float:
        figures = [
            np.average(np.mean(q.figures(weights), axis=0), weights=s) * q.weight
            for q, s in zip(sets, samples, strict=True)
        ]
        return float(np.mean(figures) - PULL * np.mean(((weights - start) / step) ** 2))

    best, weights = value(start), start.copy()
    for shrink in (1.0, 0.7, 0.5):
        for j in range(1, len(weights)):
            for move in (-1.0, -0.5, -0.25, 0.25, 0.5, 1.0):
                tried = weights.copy()
                tried[j] += move * shrink * step[j]
                if value(tried) > best + 1e-6:
                    best, weights = value(tried), tried
    return weights


# --- confidence ---------------------------------------------------------------------------------------


@dataclass
class Scored:
    """The best candidates of each sentence of a set, for one lane."""

    features: Floats  # see `confidence_features`
    right: Flags
    weights: Floats
    gold: int


def score(pairs: Pairs, weights: dict[str, float], lane: str, weight: float = 1.0) -> Scored:
    vector = weight_vector(weights)
    named = np.zeros(len(pairs.features), bool)
    for kind in KINDS:
        named |= pairs.features[:, FEATURES.index(kind)] > 0
    features, right = [], []
    for rows, gate in zip(pairs.slices(), pairs.gates, strict=True):
        use = np.flatnonzero(named[rows]) if lane == "exact" else np.arange(rows.stop - rows.start)
        scores = pairs.features[rows][use] @ vector
        top = np.argsort(-scores, kind="stable")[:TOP]
        features.append(confidence_features(scores, gate, named[rows][use])[top])
        right.append(pairs.right[rows][use][top])
    stacked = np.concatenate(features)
    return Scored(stacked, np.concatenate(right), np.full(len(stacked), weight), int(pairs.gold.sum()))


UNCORRECTED = [(0.0, 0.0), (1.0, 1.0)]


def fit_logistic(sets: Sequence[Scored]) -> Confidence:
    features = np.concatenate([s.features for s in sets])
    spread = features.std(axis=0) + 1e-6
    model = LogisticRegression(C=0.1, max_iter=2000).fit(
        features / spread,
        np.concatenate([s.right for s in sets]),
        sample_weight=np.concatenate([s.weights for s in sets]),
    )
    intercept, score, gate, rank, margin = (
        round(float(w), 4) for w in (model.intercept_[0], *(model.coef_[0] / spread))
    )
    return Confidence(intercept, score, gate, rank, margin, UNCORRECTED)


def predict(confidence: Confidence, scored: Scored) -> Floats:
    weights = np.array([confidence.score, confidence.gate, confidence.rank, confidence.margin], np.float32)
    chance: Floats = 1 / (1 + np.exp(-(scored.features @ weights + confidence.intercept)))
    return chance


def fit_knots(chance: Floats, right: Flags) -> list[tuple[float, float]]:
    """The mean of isotonic regressions of bootstrap samples: monotone, without the steps of one."""
    random = np.random.default_rng(0)
    at = np.unique(np.quantile(chance[right], np.linspace(0.02, 0.98, 13)).round(4))
    values = np.zeros(len(at))
    for _ in range(BOOTSTRAPS):
        rows = random.integers(len(chance), size=len(chance))
        model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
        values += model.fit(chance[rows], right[rows]).predict(at) / BOOTSTRAPS
    knots = [(0.0, 0.0)]
    for x, y in zip(at.tolist(), values.tolist(), strict=True):
        # A little more than the one before: no two scores have the same confidence.
        knots.append((x, round(max(y, knots[-1][1] + 0.001), 4)))
    return [*knots, (1.0, round(min(1.0, max(0.97, knots[-1][1] + 0.001)), 4))]


def apply_knots(knots: list[tuple[float, float]], chance: Floats) -> Floats:
    x, y = zip(*knots, strict=True)
    calibrated: Floats = np.interp(chance, x, y)
    return calibrated


def best_threshold(confidence: Floats, right: Flags, gold: int) -> tuple[float, float]:
    """(F1, threshold) where F1 is best."""
    order = np.argsort(-confidence, kind="stable")
    f1 = 2 * np.cumsum(right[order]) / (np.arange(1, len(order) + 1) + gold)
    return float(f1.max()), float(confidence[order][f1.argmax()])


def calibration_error(confidence: Floats, right: Flags, bins: int = 10) -> float:
    """Expected calibration error: mean of |right - confidence| over bins of equal count."""
    parts = np.array_split(np.argsort(confidence, kind="stable"), bins)
    return float(sum(len(p) * abs(right[p].mean() - confidence[p].mean()) for p in parts) / len(confidence))


# --- all together ---------------------------------------------------------------------------------------


def percent(queries: Queries, weights: dict[str, float]) -> str:
    mrr, rp5, _ = queries.figures(weight_vector(weights))
    return f"{100 * mrr.mean():.1f}/{100 * rp5.mean():.1f}"


def report_tags(confidences: Floats, right: Flags, gold: int) -> float:
    """Prints how good the tags are, and returns the threshold where F1 is best."""
    f1, threshold = best_threshold(confidences, right, gold)
    tags = confidences >= threshold
    print(
        f"  all three, left out: F1 {f1:.3f} at confidence {threshold:.2f}"
        f" (precision {right[tags].mean():.3f}, recall {right[tags].sum() / gold:.3f});"
        f" calibration error of tags {calibration_error(confidences[tags], right[tags]):.3f}"
    )
    for low, high in ((threshold, 0.4), (0.4, 0.6), (0.6, 0.75), (0.75, 1.0)):
        part = (confidences >= low) & (confidences < high)
        if part.any():
            print(
                f"    confidence {low:.2f} to {high:.2f}: {part.sum():4} tags,"
                f" mean {confidences[part].mean():.2f}, right {right[part].mean():.2f}"
            )
    return threshold


def fit_lane(lane: str, sets: dict[str, Pairs]) -> Lane:
    """Weights, confidence and threshold of one lane, with a line of figures."""
    queries = {
        name: Queries(sets[name], SYNTHETIC_WEIGHT if name == "skillskape_train" else 1.0) for name in FILES
    }

    def weights_without(*left_out: str) -> dict[str, float]:
        if lane != "full":
            return LANE_WEIGHTS[lane]
        return fit_weights([q for name, q in queries.items() if name not in left_out])

    def confidence_without(weights: dict[str, float], *left_out: str) -> Confidence:
        names = [name for name in REAL if name not in left_out]
        empty = score(sets["empty"], weights, lane, EMPTY_WEIGHT)
        return fit_logistic([*(score(sets[name], weights, lane) for name in names), empty])

    weights = weights_without()
    chances, rights, gold, calibrated = [], [], 0, []
    for name in REAL:
        others = weights_without(name)
        scored = score(sets[name], others, lane)
        chances.append(predict(confidence_without(others, name), scored))
        rights.append(scored.right)
        gold += scored.gold
        # Knots for this set from predictions for the other two that have seen neither it nor themselves.
        held = {other: score(sets[other], others, lane) for other in REAL if other != name}
        unseen = [predict(confidence_without(others, name, other), s) for other, s in held.items()]
        knots = fit_knots(np.concatenate(unseen), np.concatenate([s.right for s in held.values()]))
        calibrated.append(apply_knots(knots, chances[-1]))
        print(
            f"  {name:17} left out {percent(queries[name], others)}"
            f"  shipped {percent(queries[name], weights)}"
            f"  F1 {best_threshold(calibrated[-1], scored.right, scored.gold)[0]:.3f}"
        )
    right = np.concatenate(rights)
    threshold = report_tags(np.concatenate(calibrated), right, gold)
    knots = fit_knots(np.concatenate(chances), right)
    confidence = msgspec.structs.replace(confidence_without(weights), knots=knots)
    return Lane(weights, confidence, round(threshold, 3))


@click.command()
@click.option("--model", default="default", show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default="../shared/data", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path), default="src/skillstream/data/heads", show_default=True
)
def main(model: str, data: Path, output: Path) -> None:
    """Fit the ranking heads of a model."""
    encoder = load_encoder(model, precision="fp32")
    gate = fit_gate(encoder, data)
    heads = msgspec.structs.replace(neutral_heads(), gate=gate)
    index = labels_index(read_labels(data / "dev/esco_1.1.0_labels.txt"), encoder)
    sets = {}
    for name, file in FILES.items():
        annotations = read_annotations(data / file)
        if name.startswith("skillskape"):
            annotations = {text: annotations[text] for text in sample(list(annotations), SYNTHETIC_SENTENCES)}
        sets[name] = collect(index, heads, encoder, annotations)
    texts, named = read_spans(data / "dev/skillspan_dev.jsonl")
    empty = sample(
        [text for text, has_span in zip(texts, named, strict=True) if not has_span], EMPTY_SENTENCES
    )
    sets["empty"] = collect(index, heads, encoder, {text: set() for text in empty})
    lanes = {}
    for lane in LANES:
        print(f"{lane}: MRR/RP@5")
        lanes[lane] = fit_lane(lane, sets)
    print("weights of the full lane:", lanes["full"].weights)
    path = output / f"{encoder.fingerprint}.json"
    save_heads(Heads(encoder.name, encoder.fingerprint, True, lanes, gate), path)
    print(f"written to {path}")


if __name__ == "__main__":
    main()
