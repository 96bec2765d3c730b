"""Hard negatives: labels of a skills index that lie near a text and are wrong for it, as far as is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from skillstream.encoder import Encoder
from skillstream.index import SkillsIndex

__all__ = ["hard_negatives"]

NEAREST = 100  # labels that are looked at for each text

# What lies nearer than this share of the positive's own similarity is often right though nobody annotated
# it ("TopK-PercPos", de Souza et al. 2024, https://arxiv.org/abs/2407.15831).
MARGIN = 0.95


def hard_negatives(
    anchors: Sequence[str],
    positives: Sequence[Sequence[str]],
    encoder: Encoder,
    index: SkillsIndex,
    count: int,
) -> list[list[tuple[str, ...]]]:
    """For each positive of each anchor up to `count` labels, the hardest first.

    Args:
        anchors: texts, each once.
        positives: of each anchor all texts that are right for it; none of them becomes a negative.
        encoder: the one the index was made with.
        index: its labels are the candidates.
        count: negatives for a pair at most.

    Returns:
        As `positives`, with a tuple of labels for each. It is short or empty where the positive itself lies
        far from the anchor: what would be nearer is no safe negative.
    """
    texts = sorted({text for found in positives for text in found})
    rows = {text: row for row, text in enumerate(texts)}
    queries, documents = (encoder.encode([_cut(text, encoder) for text in x]) for x in (anchors, texts))
    ids, scores = index.search(queries, NEAREST)
    result = []
    for query, found, near, similar in zip(queries, positives, ids, scores, strict=True):
        right = {text.casefold() for text in found}
        candidates = [
            (index.labels[i], score)
            for i, score in zip(near.tolist(), similar.tolist(), strict=True)
            if index.labels[i].casefold() not in right
        ]
        limits = np.asarray(documents[[rows[text] for text in found]] @ query) * MARGIN
        result.append(
            [tuple(label for label, score in candidates if score < limit)[:count] for limit in limits]
        )
    return result


def _cut(text: str, encoder: Encoder) -> str:
    """As much of a text as the encoder reads."""
    spans = encoder.token_spans(text)[: encoder.max_tokens]
    return text[: spans[-1][1]] if spans else text
