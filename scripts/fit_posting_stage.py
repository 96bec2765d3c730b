"""Fits the posting stage of a model on judged postings, and says how good it is on postings left out.

    python scripts/fit_posting_stage.py --model default --judgements FILE --postings FILE

writes src/skillstream/data/posting_stage/<fingerprint>.json. All figures are cross-validated by posting;
postings that share sentences (one employer's standard texts) are left out together. What is learned of labels
is learned anew for every part that is left out, so that no judgement helps to predict itself.

It is fitted in fp32. `--also int8` says how good it is, so fitted, on what the encoder finds in that
precision; `--precision int8` fits it there.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import msgspec
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score

from skillstream.encoder import load_encoder
from skillstream.postings import Document
from skillstream.ranking import Ranker, RankingOptions, load_heads
from skillstream.ranking.candidates import MAX_CANDIDATES, Candidate
from skillstream.ranking.judgements import (
    JudgedFigures,
    JudgedPosting,
    calibration_error,
    judged_figures,
    picture,
    read_judgements,
    reliability,
)
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.posting_features import posting_features
from skillstream.ranking.posting_stage import (
    STAGE_FEATURES,
    FittedStage,
    LearnedLabels,
    learned_features,
    save_posting_stage,
)
from skillstream.ranking.ranker import SENTENCE_CANDIDATES
from skillstream.ranking.trees import Trees, TreeTables
from skillstream.rows import Tag
from skillstream.tagging import Tagger

Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FLOOR = 0.1  # the judged candidates had this confidence at least
PARTS = 5  # left out in turn
INNER_PARTS = 10  # parts that labels are learned without, for the rows that are trained on
SHARED = 0.25  # postings that share this part of the shorter one's sentences stay together
RIDGE = 30.0  # pull of the label vector's weights towards 0
TREES: dict[str, Any] = {
    "max_iter": 250,
    "learning_rate": 0.05,
    "max_leaf_nodes": 15,
    "max_depth": 6,
    "min_samples_leaf": 30,
    "l2_regularization": 5.0,
    "max_features": 0.3,
    "random_state": 0,
}


@dataclass
class Posting:
    """A judged posting with its candidates.

    Attributes:
        candidates: those that the posting stage weighs; `rows` are theirs in `Rows`.
        named: technologies, which are found by their names alone.
    """

    judged: JudgedPosting
    document: Document
    candidates: list[Candidate]
    named: list[Candidate]
    rows: slice


@dataclass
class Rows:
    """One row for each candidate of each posting.

    Attributes:
        features: float32[n, len(POSTING_FEATURES)].
        skills: int64[n], rows of the index.
        verdict: what the reader said, "" where nothing.
        posting: int64[n].
    """

    features: Floats
    skills: Ints
    verdict: npt.NDArray[np.str_]
    posting: Ints
    judged: Flags = field(init=False)
    right: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.judged = self.verdict != ""
        self.right = np.isin(self.verdict, ["r", "o"])


def collect(
    tagger: Tagger, judged: Sequence[JudgedPosting], texts: dict[str, bytes], facts: LabelFacts
) -> tuple[list[Posting], Rows]:
    """Candidates and features of all judged postings, just as they come up in tagging."""
    index = tagger.index
    options = RankingOptions(top_k=SENTENCE_CANDIDATES, min_confidence=FLOOR)
    tagger.ranker = Ranker(index, load_heads(tagger.encoder.fingerprint), options)
    postings, features, skills, verdicts, numbers = [], [], [], [], []
    first = 0
    read = tagger.read_and_match([texts[posting.id] for posting in judged])
    for number, (posting, (document, matches)) in enumerate(zip(judged, read, strict=True)):
        found, _ = tagger.ranker.weigh(document, matches, by_section=True)
        candidates = [item for item in found if item.skill < index.searched][:MAX_CANDIDATES]
        named = [item for item in found if item.skill >= index.searched]
        last = first + len(candidates)
        postings.append(Posting(posting, document, candidates, named, slice(first, last)))
        first = last
        features.append(posting_features(document, candidates, facts, index.vectors))
        for candidate in candidates:
            found = posting.find(index.uris[candidate.skill], index.labels[candidate.skill])
            skills.append(candidate.skill)
            verdicts.append(found.verdict if found else "")
            numbers.append(number)
    rows = Rows(np.concatenate(features), np.array(skills), np.array(verdicts), np.array(numbers))
    return postings, rows


def families(postings: Sequence[Posting]) -> Ints:
    """A number for each posting, the same for those that share many sentences."""
    sets = [{sentence.text for sentence in posting.document.sentences} for posting in postings]
    family = np.arange(len(sets))
    for i, mine in enumerate(sets):
        for j in range(i):
            if len(mine & sets[j]) > SHARED * min(len(mine), len(sets[j])):
                family[family == family[i]] = family[j]
    return family


def deal(family: Ints, parts: int, seed: int) -> Ints:
    """The part, from 0, that each posting belongs to."""
    return np.random.default_rng(seed).integers(0, parts, len(family))[family]


# --- what is learned of labels --------------------------------------------------------------------------


def learn_labels(rows: Rows, use: Flags, tagger: Tagger, facts: LabelFacts) -> LearnedLabels:
    """What the rows `use` say of labels; all of them are judged."""
    index = tagger.index
    labels: defaultdict[str, list[bool]] = defaultdict(list)
    words: defaultdict[str, list[bool]] = defaultdict(list)
    for skill, right in zip(rows.skills[use].tolist(), rows.right[use].tolist(), strict=True):
        labels[index.uris[skill]].append(right)
        words[facts.first_words[skill]].append(right)
    # Ridge regression of the verdict on the label's vector.
    x = np.hstack([index.vectors[rows.skills[use]], np.ones((int(use.sum()), 1), np.float32)])
    rate = float(rows.right[use].mean())
    pull = RIDGE * np.diag([*np.ones(x.shape[1] - 1), 0.0])
    weights = np.linalg.solve(x.T @ x + pull, x.T @ rows.right[use].astype(np.float64))
    return LearnedLabels(
        rate=round(rate, 4),
        labels={uri: (sum(values), len(values)) for uri, values in sorted(labels.items())},
        first_words={word: (sum(values), len(values)) for word, values in sorted(words.items())},
        vector=[round(float(weight), 5) for weight in weights],
    )


def learned_without_own(
    rows: Rows, use: Flags, family: Ints, tagger: Tagger, facts: LabelFacts, seed: int
) -> Floats:
    """Learned features of the rows `use`, each learned without its part; of the others, from `use`."""
    parts = deal(family, INNER_PARTS, seed)[rows.posting]
    learned = learned_features(learn_labels(rows, use, tagger, facts), tagger.index, facts)[rows.skills]
    for part in range(INNER_PARTS):
        without = learn_labels(rows, use & (parts != part), tagger, facts)
        own = use & (parts == part)
        learned[own] = learned_features(without, tagger.index, facts)[rows.skills[own]]
    return learned


# --- trees ----------------------------------------------------------------------------------------------


def fit_trees(features: Floats, right: Flags) -> TreeTables:
    """Boosted trees as tables; the log-odds before the first tree are a tree of one leaf."""
    model = HistGradientBoostingClassifier(**TREES).fit(features, right)
    tables = TreeTables([], [], [], [], [], [])
    rate = right.mean()
    add_leaf(tables, float(np.log(rate / (1 - rate))))
    # scikit-learn shows the trees of this model nowhere else; the check below notices if they change.
    for [predictor] in model._predictors:  # noqa: SLF001
        add_tree(tables, predictor.nodes)
    difference = float(np.abs(Trees(tables).sums(features) - model.decision_function(features)).max())
    if difference > 0.02:
        raise SystemExit(f"exported trees differ from the fitted ones by {difference:.3f}")
    return tables


def add_leaf(tables: TreeTables, value: float) -> None:
    node = len(tables.feature)
    tables.roots.append(node)
    for column, entry in zip(
        (tables.feature, tables.threshold, tables.left, tables.right, tables.value),
        (-1, 0.0, node, node, round(value, 5)),
        strict=True,
    ):
        column.append(entry)


def add_tree(tables: TreeTables, nodes: Any) -> None:
    first = len(tables.feature)
    tables.roots.append(first)
    means = np.array(nodes["value"], np.float64)
    for i in range(len(nodes) - 1, -1, -1):  # nodes below come after the node
        node = nodes[i]
        if not node["is_leaf"]:
            below = [node["left"], node["right"]]
            means[i] = np.average(means[below], weights=nodes["count"][below])
    for i, node in enumerate(nodes):
        leaf = bool(node["is_leaf"])
        tables.feature.append(-1 if leaf else int(node["feature_idx"]))
        tables.threshold.append(0.0 if leaf else floor32(node["num_threshold"]))
        tables.left.append(first + (i if leaf else int(node["left"])))
        tables.right.append(first + (i if leaf else int(node["right"])))
        tables.value.append(round(float(means[i]), 5))


def floor32(value: float) -> float:
    """The largest float32 up to a value, in short decimals: no float32 compares otherwise with it."""
    single = np.float32(value)
    if single > value:
        single = np.nextafter(single, np.float32(-np.inf))
    return float(str(single))


# --- cross-validation -------------------------------------------------------------------------------------


def left_out_confidences(
    rows: Rows, others: Sequence[Rows], family: Ints, tagger: Tagger, facts: LabelFacts
) -> list[Floats]:
    """The confidence of every row by a stage fitted without its posting, float32[n].

    `others` are rows of the same postings in other precisions: weighed by the same stages. First come the
    confidences of `rows`.
    """
    weighed = [rows, *others]
    dealt = deal(family, PARTS, 0)
    confidences = [np.zeros(len(item.skills), np.float32) for item in weighed]
    for part in range(PARTS):
        parts = dealt[rows.posting]
        use = rows.judged & (parts != part)
        learned = learned_without_own(rows, use, family, tagger, facts, seed=part + 1)
        features = np.hstack([rows.features, learned])
        trees = Trees(fit_trees(features[use], rows.right[use]))
        by_label = learned_features(learn_labels(rows, use, tagger, facts), tagger.index, facts)
        for item, result in zip(weighed, confidences, strict=True):
            left_out = dealt[item.posting] == part
            own = np.hstack([item.features[left_out], by_label[item.skills[left_out]]])
            result[left_out] = 1 / (1 + np.exp(-trees.sums(own)))
        click.echo(f"part {part + 1} of {PARTS} fitted")
    return confidences


def lists(
    postings: Sequence[Posting], confidences: Floats, tagger: Tagger, threshold: float, top_k: int = 20
) -> dict[str, list[Tag]]:
    """The postings' tags as they would be."""
    options = RankingOptions(top_k=top_k, min_confidence=threshold)
    ranker = Ranker(tagger.index, tagger.ranker.heads, options)
    result = {}
    for posting in postings:
        candidates = posting.candidates + posting.named
        mine = np.array(
            [*confidences[posting.rows], *(item.best.match.confidence for item in posting.named)], np.float32
        )
        result[posting.judged.id] = ranker.tags(candidates, mine, ranker.choose(candidates, mine))
    return result


def show(name: str, figures: JudgedFigures, per: int) -> None:
    shares = (
        ("right", figures.right),
        ("or debatable", figures.right_or_debatable),
        ("wrong", figures.wrong),
        ("recall", figures.recall),
        ("P@5", figures.precision_at_5),
    )
    said = ", ".join(f"{what} {100 * share:.1f}" for what, share in shares)
    tags, unjudged = figures.tags / per, figures.unjudged / per
    click.echo(
        f"{name:>10}: {tags:.1f} tags per posting ({unjudged:.1f} unjudged), {said}, calibration error"
        f" {figures.calibration_error:.3f}"
    )


def report(postings: Sequence[Posting], rows: Rows, confidences: Floats, tagger: Tagger) -> None:
    judged = [posting.judged for posting in postings]
    known, chance = rows.right[rows.judged], confidences[rows.judged]
    bins = reliability(list(zip(chance.tolist(), known.tolist(), strict=True)), 15)
    click.echo(
        f"all {len(known)} judged candidates, left out: log loss {log_loss(known, chance):.4f}, ROC-AUC"
        f" {roc_auc_score(known, chance):.4f}, calibration error {calibration_error(bins):.3f}"
    )
    click.echo("\n".join(picture(bins)))
    for threshold in (0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8):
        tags = lists(postings, confidences, tagger, threshold)
        show(f"at {threshold:.2f}", judged_figures(judged, tags), len(judged))


@click.command()
@click.option("--model", default="default", show_default=True)
@click.option("--taxonomy", default="esco,technologies", show_default=True)
@click.option("--judgements", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--postings", "source", required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--threshold", default=0.6, show_default=True, help="Least confidence of a tag.")
@click.option("--output", type=click.Path(path_type=Path), help="Default: in the package's data.")
@click.option("--check/--no-check", default=True, help="Cross-validate first.")
@click.option("--precision", default="fp32", show_default=True, help="The encoder's, to fit in.")
@click.option("--also", multiple=True, help="Further precisions to check what was fitted in.")
@click.option("--save-rows", type=click.Path(path_type=Path), help="Keep the rows, as .npz.")
def main(
    model: str,
    taxonomy: str,
    judgements: Path,
    source: Path,
    threshold: float,
    output: Path | None,
    check: bool,
    precision: str,
    also: tuple[str, ...],
    save_rows: Path | None,
) -> None:
    judged = read_judgements(judgements)
    wanted = {posting.id for posting in judged}
    texts = {}
    for line in source.read_bytes().splitlines():
        posting_id = msgspec.json.decode(line)["id"]
        if posting_id in wanted:
            texts[posting_id] = line
    tagger = Tagger.load(model=model, taxonomy=taxonomy, precision=precision)
    facts = LabelFacts(tagger.index)
    postings, rows = collect(tagger, judged, texts, facts)
    family = families(postings)
    click.echo(
        f"{len(postings)} postings in {len(set(family.tolist()))} families, {len(rows.skills)} candidates,"
        f" {int(rows.judged.sum())} judged: {dict(Counter(rows.verdict.tolist()))}"
    )
    confidences = None
    if check:
        others = []
        for other in also:
            encoder = load_encoder(model, precision=other)
            others.append(collect(Tagger(encoder, tagger.index), judged, texts, facts))
        found = left_out_confidences(rows, [item[1] for item in others], family, tagger, facts)
        for name, (read, item), result in zip(
            (precision, *also), ((postings, rows), *others), found, strict=True
        ):
            click.echo(f"--- {name}, by stages fitted in {precision}")
            report(read, item, result, tagger)
        confidences = found[0]
    learned = learned_without_own(rows, rows.judged, family, tagger, facts, seed=0)
    features = np.hstack([rows.features, learned])
    if save_rows:
        np.savez(
            save_rows, features=features, skills=rows.skills, verdict=rows.verdict, posting=rows.posting,
            family=family, confidences=confidences if confidences is not None else np.zeros(0),
        )  # fmt: skip
    fitted = FittedStage(
        model=tagger.encoder.name,
        fingerprint=tagger.encoder.fingerprint,
        postings=len(postings),
        judged=int(rows.judged.sum()),
        floor=FLOOR,
        threshold=threshold,
        features=list(STAGE_FEATURES),
        learned=learn_labels(rows, rows.judged, tagger, facts),
        trees=fit_trees(features[rows.judged], rows.right[rows.judged]),
    )
    default = Path("src/skillstream/data/posting_stage") / f"{fitted.fingerprint}.json"
    save_posting_stage(fitted, output or default)
    click.echo(f"written: {output or default}")


if __name__ == "__main__":
    main()
