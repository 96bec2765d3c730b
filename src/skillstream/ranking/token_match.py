"""Token-level matching: how well the words of a sentence match a label, and which words do.

A pooled vector is the mean of all words of the sentence, so a skill named in three words of thirty is
diluted. Here every token vector t_i meets the label's vector l, and the tokens that match best count most:

    a = softmax_i(10 t_i·l)        m = Σ_i a_i t_i·l        similarity = ½ (pooled·l + m)

The token vectors come out of the encoder together with the pooled one, so this costs no second pass, and
the weights a_i say which words prove the skill. Figures: docs/explanation/ranking.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["SHARPNESS", "evidence_span", "evidence_spans", "token_match"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# 5 to 40 differ by noise on the development sets.
SHARPNESS = 10.0

# A word is evidence if its weight exceeds this part of the heaviest word's; a lighter one between two heavy
# ones is carried along.
SHARE_OF_PEAK = 0.45

WORD = re.compile(r"\w+(?:[-.'’&/]\w+)*[+#]*")
# Never evidence by themselves: "the budget of" is shown as "budget".
EDGE_WORDS = frozenset(
    ["a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"]
)


def token_match(tokens: Floats, labels: Floats) -> tuple[Floats, Floats]:
    """Token-level similarity of one sentence with each label.

    Args:
        tokens: float32[n, dim], L2-normalised token vectors of the sentence, special tokens included
            (they carry the gist of the sentence; without them the figures are no better).
        labels: float32[k, dim], L2-normalised pooled vectors of the labels.

    Returns:
        m float32[k] in [-1, 1], and the weights a float32[n, k], each column summing to 1.
    """
    similarity = tokens @ labels.T
    # Cosines are at most 1, so the exponent is at most SHARPNESS: no overflow, no maximum to subtract.
    weights = np.exp(SHARPNESS * similarity)
    weights /= weights.sum(axis=0)
    matched: Floats = np.einsum("nk,nk->k", weights, similarity)
    return matched, weights


def evidence_spans(text: str, weights: Floats, spans: Ints) -> list[tuple[int, int]]:
    """For each label the characters [start, end) of the contiguous words that carry most of its weight.

    Args:
        text: the sentence.
        weights: float32[n, k], weights of its tokens for k labels (from `token_match`).
        spans: int32[n, 2], characters of each token; special tokens have (0, 0) and count for nothing.

    Returns:
        k spans of whole words, without marks around them; the whole text if it has no words.
    """
    words = [match.span() for match in WORD.finditer(text)]
    if not words:
        return [(0, len(text))] * weights.shape[1]
    # A word weighs as its heaviest token; a token of a mark falls to the word before it or to none.
    numbers = np.searchsorted([start for start, _ in words], spans[:, 0], side="right") - 1
    ends = np.array([end for _, end in words])
    inside = (spans[:, 1] > spans[:, 0]) & (numbers >= 0) & (spans[:, 0] < ends[numbers])
    heights = np.zeros((len(words), weights.shape[1]), np.float32)
    np.maximum.at(heights, numbers[inside], weights[inside])
    edge = np.array([text[start:end].lower() in EDGE_WORDS for start, end in words])
    heights -= SHARE_OF_PEAK * heights[~edge].max(axis=0, initial=0.0)
    heights[edge] = np.minimum(heights[edge], -1e-6)  # carried along, but never at an end
    runs = map(_heaviest_run, heights.T.tolist())
    return [(words[first][0], words[last][1]) for first, last in runs]


def evidence_span(text: str, weights: Floats, spans: Ints) -> tuple[int, int]:
    """As `evidence_spans`, for one label: `weights` is float32[n]."""
    return evidence_spans(text, weights[:, None], spans)[0]


def _heaviest_run(values: Sequence[float]) -> tuple[int, int]:
    """First and last position of the run with the largest sum, the earliest of equals (Kadane)."""
    best, span, total, start = float("-inf"), (0, 0), 0.0, 0
    for i, value in enumerate(values):
        if total <= 0.0:
            total, start = 0.0, i
        total += value
        if total > best:
            best, span = total, (start, i)
    return span
