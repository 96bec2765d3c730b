"""Token-level matching: how well the words of a sentence match a label, and which words do.

A pooled vector is the mean of all words of the sentence, so a skill named in three words of thirty is
diluted. Here every token vector t_i meets the label's vector l, and the tokens that match best count most:

    a = softmax_i(10 t_i·l)        m = Σ_i a_i t_i·l        similarity = ½ (pooled·l + m)

The token vectors come out of the encoder together with the pooled one, so this costs no second pass, and
the weights a_i say which words prove the skill. Figures: docs/explanation/ranking.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["SHARPNESS", "token_products", "token_softmax"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# 5 to 40 differ by noise on the development sets.
SHARPNESS = 10.0


def token_products(
    pooled: Floats, tokens: Floats, bounds: Ints, vectors: Floats, skills: Ints
) -> tuple[Floats, Floats]:
    """Cosines of each sentence, and of each of its tokens, with its own labels.

    Args:
        pooled: float32[n, dim], L2-normalised vectors of the sentences.
        tokens: float32[total, dim], L2-normalised token vectors, one sentence after another, special tokens
            included (they carry the gist of the sentence; without them the figures are no better).
        bounds: int64[n + 1]; sentence i owns tokens bounds[i]:bounds[i + 1], at least one.
        vectors: float32[n_skills, dim], L2-normalised pooled vectors of the labels.
        skills: int64[n, k], rows of `vectors` that each sentence is compared with.

    Returns:
        float32[n, k] and float32[total, k].
    """
    n, k = skills.shape
    cosines = np.empty((n, k), np.float32)
    similarity = np.empty((len(tokens), k), np.float32)
    labels = np.empty((k, vectors.shape[1]), np.float32)  # one copy's memory for all sentences
    edges = bounds.tolist()
    for i in range(n):
        vectors.take(skills[i], axis=0, out=labels, mode="clip")  # "raise" would copy once more
        np.dot(labels, pooled[i], out=cosines[i])
        np.matmul(tokens[edges[i] : edges[i + 1]], labels.T, out=similarity[edges[i] : edges[i + 1]])
    return cosines, similarity


def token_softmax(similarity: Floats, bounds: Ints) -> tuple[Floats, Floats, Floats]:
    """Token-level similarity of each sentence with its labels.

    Args:
        similarity: float32[total, k], from `token_products`.
        bounds: int64[n + 1], as there.

    Returns:
        m float32[n, k] in [-1, 1]; the weights a float32[total, k], not divided by their sums yet; these sums
        float32[n, k].
    """
    # Cosines are at most 1, so the exponent is at most SHARPNESS: no overflow, no maximum to subtract.
    weights: Floats = np.multiply(similarity, np.float32(SHARPNESS))
    np.exp(weights, out=weights)
    sums: Floats = np.add.reduceat(weights, bounds[:-1], axis=0)
    matched: Floats = np.add.reduceat(weights * similarity, bounds[:-1], axis=0)
    matched /= sums
    return matched, weights, sums
