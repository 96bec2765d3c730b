"""Token-level matching: how well the words of a sentence match a label, and which words do.

A pooled vector is the mean of all words of the sentence, so a skill named in three words of thirty is
diluted. Here every token vector t_i meets the label's vector l, and the tokens that match best count most:

    a = softmax_i(10 t_i·l)        m = Σ_i a_i t_i·l        similarity = ½ (pooled·l + m)

The token vectors come out of the encoder together with the pooled one, so this costs no second pass, and
the weights a_i say which words prove the skill. Figures: docs/explanation/ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["SHARPNESS", "evidence_span", "token_match"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

# 5 to 40 differ by noise on the development sets.
SHARPNESS = 10.0

# A word is evidence if its weight reaches this part of the heaviest word's.
SHARE_OF_PEAK = 0.6


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


def evidence_span(text: str, weights: Floats, spans: Ints) -> tuple[int, int]:
    """Characters [start, end) of the contiguous words of `text` that carry most of a label's weight.

    Args:
        text: the sentence.
        weights: float32[n], weights of its tokens for one label (a column of `token_match`).
        spans: int32[n, 2], characters of each token; special tokens have (0, 0) and are left out.

    Returns:
        A span of whole words; (0, 0) if no token has characters.
    """
    words = _words(text, weights, spans)
    if not words:
        return 0, 0
    heights = [weight for _, _, weight in words]
    peak = max(range(len(words)), key=lambda i: heights[i])
    floor = SHARE_OF_PEAK * heights[peak]
    first = last = peak
    while first > 0 and heights[first - 1] >= floor:
        first -= 1
    while last + 1 < len(words) and heights[last + 1] >= floor:
        last += 1
    return words[first][0], words[last][1]


def _words(text: str, weights: Floats, spans: Ints) -> Sequence[tuple[int, int, float]]:
    """(start, end, weight) of each word that has a letter or digit; a word weighs as its heaviest token."""
    words: list[tuple[int, int, float]] = []
    for (start, end), weight in zip(spans.tolist(), weights.tolist(), strict=True):
        if start == end:
            continue
        if words and not text[words[-1][1] : start].strip() and start == words[-1][1]:
            first, _, heaviest = words[-1]
            words[-1] = (first, end, max(heaviest, weight))
        else:
            words.append((start, end, weight))
    return [word for word in words if any(c.isalnum() for c in text[word[0] : word[1]])]
