"""Exact nearest labels: the k highest inner products of every query with all vectors of an index."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["top_k"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

QUERY_BLOCK = 256  # scores of a block: 256 x 13,939 float32 = 14 MB; more than 256 do not fit `_best`'s keys
MAX_VECTORS = 1 << 24


def top_k(queries: Floats, vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """The `min(k, n)` best vectors for every query, by inner product.

    Args:
        queries: float32[m, dim].
        vectors: float32[n, dim], n ≥ 1.
        k: at least 1.

    Returns:
        ids int64[m, k] and scores float32[m, k], descending; of equal scores the lower id comes first.

    Raises:
        ValueError: shapes do not fit, k < 1, or a query is not finite (its neighbours would be arbitrary).
    """
    if len(vectors) > MAX_VECTORS:
        raise ValueError(f"expected at most {MAX_VECTORS} vectors, got {len(vectors)}")
    if queries.ndim != 2 or queries.shape[1] != vectors.shape[1]:
        raise ValueError(f"expected queries of shape (m, {vectors.shape[1]}), got {queries.shape}")
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    finite = np.isfinite(queries).all(axis=1)
    if not finite.all():
        raise ValueError(f"query {int(np.argmin(finite))} is not finite")
    k = min(k, len(vectors))
    ids = np.empty((len(queries), k), np.int64)
    scores = np.empty((len(queries), k), np.float32)
    for start in range(0, len(queries), QUERY_BLOCK):
        block = slice(start, start + QUERY_BLOCK)
        ids[block], scores[block] = _best(queries[block] @ vectors.T, k)
    return ids, scores


def _best(scores: Floats, k: int) -> tuple[Ints, Floats]:
    """Top k of every row of scores float32[m, n], k ≤ n."""
    m, n = scores.shape
    # A bound that at least k scores of the row reach: the k-th highest of the maxima of strips.
    # Strips are cut so that the maximum runs over whole rows of memory, and are many times k.
    strips = max(n // 16, 4 * k)
    if strips < n:
        depth = n // strips
        maxima = scores[:, : depth * strips].reshape(m, depth, strips).max(axis=1)
    else:
        maxima = scores
    bound = np.partition(maxima, maxima.shape[1] - k, axis=1)[:, -k]
    # Few more than k scores reach the bound. They come by row, so each row's are together and stay so.
    rows, ids = np.divmod(np.flatnonzero(scores >= bound[:, None]), n)
    # One integer a score sorts by row, then by score downwards, then by id: 8, 32 and 24 bits.
    bits = (scores[rows, ids] + np.float32(0)).view(np.uint32)  # + 0 makes -0 a 0
    upwards = bits ^ np.where(bits >> 31, np.uint32(0xFFFFFFFF), np.uint32(0x80000000))
    keys = rows.astype(np.uint64) << 56 | (~upwards).astype(np.uint64) << 24 | ids.astype(np.uint64)
    keys.sort()
    first = np.searchsorted(rows, np.arange(m))
    chosen = (keys[first[:, None] + np.arange(k)] & (MAX_VECTORS - 1)).astype(np.int64)
    return chosen, np.take_along_axis(scores, chosen, axis=1)
