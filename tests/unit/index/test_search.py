"""Search against the plain way: sort all scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.index import search
from skillstream.index.search import top_k


def naive(scores, k):
    order = np.lexsort((np.broadcast_to(np.arange(scores.shape[1]), scores.shape), -scores), axis=1)[:, :k]
    return order, np.take_along_axis(scores, order, axis=1)


def vectors(n, dim=16, seed=0):
    made = np.random.default_rng(seed).standard_normal((n, dim), dtype=np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


@pytest.mark.parametrize("m", [0, 1, 255, 257])
@pytest.mark.parametrize(("n", "k"), [(1, 1), (5, 5), (5, 9), (1009, 1), (1009, 300), (2003, 20)])
def test_same_as_sorting_everything(m, n, k):
    queries, labels = vectors(m, seed=1), vectors(n, seed=2)
    ids, scores = top_k(queries, labels, k)
    expected = (queries.astype(np.float64) @ labels.T.astype(np.float64)).astype(np.float32)
    best = naive(expected, k)[1]
    assert ids.shape == scores.shape == (m, min(k, n))
    assert (ids.dtype, scores.dtype) == (np.int64, np.float32)
    np.testing.assert_allclose(scores, best, atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(expected, ids, axis=1), best, atol=1e-6)
    assert all(len(set(row)) == len(row) for row in ids.tolist())


@given(
    n=st.integers(1, 200),
    k=st.integers(1, 40),
    m=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
    levels=st.integers(1, 6),
)
def test_ties_go_to_the_lower_id(n, k, m, seed, levels):
    """Scores of few distinct values, so that nearly all of them tie."""
    random = np.random.default_rng(seed)
    labels = np.zeros((n, 2), np.float32)
    labels[:, 0] = random.integers(0, levels, n)
    queries = np.tile(np.array([[1.0, 0.0]], np.float32), (m, 1))
    ids, scores = top_k(queries, labels, k)
    order, best = naive(queries @ labels.T, k)
    np.testing.assert_array_equal(ids, order)
    np.testing.assert_array_equal(scores, best)


def test_many_ties_at_the_bound():
    labels = np.ones((5000, 1), np.float32)
    ids, _ = top_k(np.ones((3, 1), np.float32), labels, 7)
    np.testing.assert_array_equal(ids, np.tile(np.arange(7), (3, 1)))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_query_that_is_not_finite_is_refused(bad):
    queries = vectors(5)
    queries[3, 2] = bad
    with pytest.raises(ValueError, match="query 3 is not finite"):
        top_k(queries, vectors(9), 2)


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match=r"expected queries of shape \(m, 16\), got \(3, 8\)"):
        top_k(vectors(3, dim=8), vectors(9), 2)
    with pytest.raises(ValueError, match=r"got \(16,\)"):
        top_k(vectors(3)[0], vectors(9), 2)
    with pytest.raises(ValueError, match="k of at least 1, got 0"):
        top_k(vectors(3), vectors(9), 0)


def test_read_only_memory_is_enough():
    labels = vectors(50)
    labels.setflags(write=False)
    assert top_k(labels[:3], labels, 1)[0][:, 0].tolist() == [0, 1, 2]


def test_blocks_do_not_change_the_answer(monkeypatch):
    queries, labels = vectors(100, seed=3), vectors(1500, seed=4)
    whole, _ = top_k(queries, labels, 11)
    monkeypatch.setattr(search, "QUERY_BLOCK", 13)
    np.testing.assert_array_equal(top_k(queries, labels, 11)[0], whole)
