"""Which words of a sentence prove a skill: the run of words that carries most of the token-level match."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["evidence_spans"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Spans = npt.NDArray[np.int32]

# A word is evidence if its weight exceeds this part of the heaviest word's; a lighter one between two heavy
# ones is carried along.
SHARE_OF_PEAK = 0.45

WORD = re.compile(r"\w+(?:[-.'’&/]\w+)*[+#]*")
# Never evidence by themselves: "the budget of" is shown as "budget".
EDGE_WORDS = frozenset(
    ["a", "an", "and", "as", "at", "by", "for", "in", "of", "on", "or", "the", "to", "with"]
)


def evidence_spans(
    texts: Sequence[str], spans: Spans, bounds: Ints, sentences: Ints, weights: Floats, columns: Ints
) -> list[tuple[int, int]]:
    """For each (sentence, label) the characters [start, end) of the words that carry most of its weight.

    Args:
        texts: n sentences.
        spans: int32[total, 2], characters of each token in its sentence; special tokens have (0, 0) and
            count for nothing.
        bounds: int64[n + 1]; sentence i owns tokens bounds[i]:bounds[i + 1].
        sentences: int64[m], sentence of each pair.
        weights: float32[total, k], weights of the tokens (`skillstream.ranking.token_match`).
        columns: int64[m], the column of `weights` that has the pair's label.

    Returns:
        m spans of whole words, without marks around them; the whole text if it has no words.
    """
    if not len(sentences):
        return []
    chosen, own = np.unique(sentences, return_inverse=True)  # sentences of pairs; which one a pair has
    words = [
        [match.span() for match in WORD.finditer(text)] or [(0, len(text))]
        for text in map(texts.__getitem__, chosen.tolist())
    ]
    of_token = _words_of_tokens(words, spans, bounds, chosen)

    # One height a word of each pair, one pair after another. A word weighs as its heaviest token.
    counts = np.fromiter(map(len, words), np.int64, len(words))
    first = np.cumsum(counts[own]) - counts[own]  # (m,)
    lengths = bounds[chosen + 1] - bounds[chosen]
    tokens = _ranges(bounds[sentences], lengths[own])
    pair = np.repeat(np.arange(len(own)), lengths[own])
    word = of_token[_ranges((np.cumsum(lengths) - lengths)[own], lengths[own])]
    inside = word >= 0
    heights = np.zeros(int(counts[own].sum()), np.float32)
    np.maximum.at(heights, (first[pair] + word)[inside], weights[tokens, columns[pair]][inside])

    is_edge = [
        texts[i][start:end].lower() in EDGE_WORDS
        for i, of_text in zip(chosen.tolist(), words, strict=True)
        for start, end in of_text
    ]
    edge = np.array(is_edge)[_ranges((np.cumsum(counts) - counts)[own], counts[own])]
    peaks = np.maximum.reduceat(np.where(edge, np.float32(0), heights), first)
    heights -= np.repeat(SHARE_OF_PEAK * peaks, counts[own])
    heights[edge] = np.minimum(heights[edge], -1e-6)  # carried along, but never at an end

    values, ends = heights.tolist(), [*first[1:].tolist(), len(heights)]
    found = []
    for i, a, b in zip(own.tolist(), first.tolist(), ends, strict=True):
        start, end = _heaviest_run(values[a:b])
        found.append((words[i][start][0], words[i][end][1]))
    return found


def _words_of_tokens(
    words: Sequence[Sequence[tuple[int, int]]], spans: Spans, bounds: Ints, sentences: Ints
) -> Ints:
    """The number, in its sentence, of each token's word: int64[tokens of the sentences], -1 if it has none.

    A token of a mark falls to the word before it or to none.
    """
    counts = np.fromiter(map(len, words), np.int64, len(words))
    first = np.cumsum(counts) - counts
    lengths = bounds[sentences + 1] - bounds[sentences]
    start, end = spans[_ranges(bounds[sentences], lengths)].astype(np.int64).T
    sentence = np.repeat(np.arange(len(words)), lengths)
    places = np.array([span for of_text in words for span in of_text], np.int64)
    # Characters of all sentences on one line, so that one search serves all.
    width = int(max(places.max(), end.max(initial=0))) + 1
    line = np.repeat(np.arange(len(words)), counts) * width + places[:, 0]
    number = np.searchsorted(line, sentence * width + start, side="right") - 1
    inside = (end > start) & (number >= first[sentence]) & (start < places[number, 1])
    return np.where(inside, number - first[sentence], -1)


def _ranges(starts: Ints, lengths: Ints) -> Ints:
    """starts[0], starts[0] + 1, … (lengths[0] numbers), starts[1], …"""
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))


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
