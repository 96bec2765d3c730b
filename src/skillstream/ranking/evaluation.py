"""How good the ranking is, on annotated sentences, by the protocol of Decorte et al. (2022, 2023).

One query a sentence; every label of the vocabulary is a candidate; the gold labels of a sentence are the
union of its rows. Sentences without a gold label in the vocabulary are no queries. All figures are averages
over queries:

    mrr     1 / rank of the first hit
    rp@k    hits among the first k / min(k, number of gold labels)
    r@50    hits among the first 50 / number of gold labels

Labels are compared as they are written, so "LABEL NOT PRESENT", or a label with a blank too many, is not
in the vocabulary. Of labels with the same score the one that comes first in the vocabulary ranks first.

Beside the ranking the tags themselves are judged, as they would be in the output (above the threshold,
gated, without doubles): precision, recall and F1 over all tags of all sentences, those without a gold label
included. Gold is never complete, so precision is a lower bound.
"""

from __future__ import annotations

import ast
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.encoder import Encoder
from skillstream.errors import UsageError
from skillstream.index import SkillsIndex, build_index
from skillstream.postings import Document, Sentence, split_long
from skillstream.ranking.heads import Heads
from skillstream.ranking.ranker import Ranker, RankingOptions
from skillstream.taxonomy import Skill, Taxonomy, load_taxonomy

__all__ = ["Figures", "evaluate", "labels_index", "ranking_figures", "read_annotations", "read_labels"]

Floats = npt.NDArray[np.float32]

BLOCK = 64  # sentences scored at once: 64 x 13,896 float32 = 3.5 MB
SECTION = "other"  # an annotated sentence comes without its posting


class Figures(
    msgspec.Struct, frozen=True, rename={"rp1": "rp@1", "rp5": "rp@5", "rp10": "rp@10", "r50": "r@50"}
):
    """What `evaluate` measures; fractions, not percent.

    Attributes:
        mrr, rp1, rp5, rp10, r50: see the module; averages over `n` queries.
        n: sentences with a gold label in the vocabulary.
        precision, recall, f1: of the tags above `threshold`, over all `sentences`.
        tags: how many tags that are.
    """

    mrr: float
    rp1: float
    rp5: float
    rp10: float
    r50: float
    n: int
    precision: float
    recall: float
    f1: float
    threshold: float
    tags: int
    sentences: int


def read_annotations(path: Path) -> dict[str, set[str]]:
    """Sentences in order, each with all its labels.

    Args:
        path: a CSV with a column `sentence` and a column `label` (one row per label), or `skills` (a list of
            labels, written as a Python list).

    Raises:
        UsageError: the file cannot be read, a column is missing, or a list is none.
    """
    annotations: dict[str, set[str]] = {}
    rows = _rows(path)
    header = next(rows, {})
    column = next((name for name in ("label", "skills") if name in header), None)
    if column is None or "sentence" not in header:
        got = ", ".join(map(repr, header)) or "nothing"
        raise UsageError(f"{path}: expected the columns 'sentence' and 'label' (or 'skills'), got {got}")
    for number, row in enumerate(_rows(path), start=2):
        labels = [row[column]] if column == "label" else _list(row[column], path, number)
        annotations.setdefault(row["sentence"] or "", set()).update(labels)
    return annotations


def read_labels(path: Path) -> list[str]:
    """The vocabulary: one label a line, without empty lines and repeats.

    Raises:
        UsageError: the file cannot be read or is empty.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read labels from {path}: {error}") from None
    labels = list(dict.fromkeys(label for label in map(str.strip, lines) if label))
    if not labels:
        raise UsageError(f"{path} has no labels: expected one label a line")
    return labels


def labels_index(labels: Sequence[str], encoder: Encoder) -> SkillsIndex:
    """An index of the given labels, each with the alternative labels and groups that ESCO knows for it."""
    known = {skill.label: skill for skill in load_taxonomy("esco").skills}
    skills = []
    for label in labels:
        skill = known.get(label, Skill(label, label))
        skills.append(Skill(label, label, skill.alt_labels, skill.groups, skill.kind))
    return build_index(Taxonomy("labels", None, skills), encoder)


def evaluate(
    annotations: Mapping[str, set[str]],
    index: SkillsIndex,
    encoder: Encoder,
    heads: Heads,
    lane: str = "full",
) -> Figures:
    """Ranks every label of the index for every annotated sentence, and tags the sentences.

    Args:
        annotations: sentence → labels; labels that the index lacks are ignored.
        index: its labels are the vocabulary.
        encoder: the one that made the index.
        heads: the fitted parameters for this encoder.
        lane: one of `skillstream.ranking.heads.LANES`.

    Raises:
        UsageError: no sentence has a label that the index has.
    """
    ranker = Ranker(index, heads, RankingOptions(lane=lane))
    number = {label: i for i, label in enumerate(index.labels)}
    sentences = list(annotations)
    gold = [sorted(number[label] for label in annotations[text] if label in number) for text in sentences]
    if not any(gold):
        raise UsageError(
            "no annotated sentence has a label of the vocabulary: are these the right two files?"
        )
    ranks: list[npt.NDArray[np.int64]] = []
    right = given = 0
    for start in range(0, len(sentences), BLOCK):
        block = slice(start, start + BLOCK)
        documents = [_document(text, encoder) for text in sentences[block]]
        windows = [sentence.text for document in documents for sentence in document.sentences]
        encoded = encoder.encode_tokens(windows)
        scores = ranker.score_all(windows, encoded)
        matches = ranker.match_sentences(windows, encoded)
        first = 0
        for document, wanted in zip(documents, gold[block], strict=True):
            last = first + len(document.sentences)
            if wanted:
                ranks.append(gold_ranks(scores[first:last].max(axis=0), wanted))
            tags = ranker.rank_document(document, matches[first:last])
            given += len(tags)
            right += sum(number[tag.label] in wanted for tag in tags)
            first = last
    precision = right / given if given else 0.0
    recall = right / sum(map(len, gold))
    return Figures(
        **ranking_figures(ranks),
        n=len(ranks),
        precision=precision,
        recall=recall,
        f1=2 * precision * recall / (precision + recall) if right else 0.0,
        threshold=ranker.min_confidence,
        tags=given,
        sentences=len(sentences),
    )


def gold_ranks(scores: Floats, gold: Sequence[int]) -> npt.NDArray[np.int64]:
    """Ranks of the gold labels, from 0, ascending; of equal scores the lower number ranks first.

    Args:
        scores: float32[n_labels].
        gold: numbers of the gold labels.
    """
    ranks = [int((scores > scores[i]).sum() + (scores[:i] == scores[i]).sum()) for i in gold]
    return np.sort(np.array(ranks, np.int64))


def ranking_figures(ranks: Sequence[npt.NDArray[np.int64]]) -> dict[str, float]:
    """Averages over queries, of which each gives the ranks of its gold labels (from 0, ascending)."""
    per_query = [
        [
            1 / (found[0] + 1),
            *((found < k).sum() / min(k, len(found)) for k in (1, 5, 10)),
            (found < 50).sum() / len(found),
        ]
        for found in ranks
    ]
    return dict(zip(("mrr", "rp1", "rp5", "rp10", "r50"), np.mean(per_query, axis=0).tolist(), strict=True))


def _document(text: str, encoder: Encoder) -> Document:
    """A document of this sentence alone, in windows if it is too long for the encoder."""
    whole = [Sentence(text, 0, len(text), SECTION)]
    return Document(text, split_long(whole, encoder.token_spans, encoder.max_tokens), None)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            yield from csv.DictReader(file, restval="")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"cannot read annotations from {path}: {error}") from None


def _list(text: str, path: Path, number: int) -> list[str]:
    """A Python list of strings, as skillskape writes them."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UsageError(
            f"{path}, record {number}: expected a list of labels such as ['SQL'], got {text[:60]!r}"
        )
    return value
