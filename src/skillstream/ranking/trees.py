"""Boosted regression trees as plain numbers: their sum, and what each feature adds to it.

The sum needs no walk from node to node. Number the leaves of a tree from left to right; a node whose test
fails rules out the leaves on its left, and the leaf that a row arrives at is the first one that no node has
ruled out (QuickScorer, Lucchese et al. 2015). So each row takes one comparison a node and an AND of bit
masks, all of them the same for every row: five times as fast in NumPy as following the nodes.
"""

from __future__ import annotations

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["TreeTables", "Trees"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


class TreeTables(msgspec.Struct, frozen=True):
    """All nodes of all trees, one after the other, as they are in JSON.

    Attributes:
        roots: node of each tree's root.
        feature: column that the node looks at; -1 at a leaf.
        threshold: to the left if the value is at most this.
        left, right: nodes below; the node itself at a leaf.
        value: mean of the leaves below, weighed by how often training reached them; at a leaf its value.
    """

    roots: list[int]
    feature: list[int]
    threshold: list[float]
    left: list[int]
    right: list[int]
    value: list[float]


# Leaves of one tree: bits of the widest mask.
MAX_LEAVES = 64
# Rows compared at once: with 250 trees of 15 leaves their comparisons stay in the processor's cache.
BLOCK_ROWS = 256


class Trees:
    """Evaluates trees for many rows at once. Immutable."""

    def __init__(self, tables: TreeTables) -> None:
        """Takes the tables.

        Raises:
            ValueError: they do not fit together, or a tree has more than `MAX_LEAVES` leaves.
        """
        nodes = len(tables.feature)
        columns = (tables.threshold, tables.left, tables.right, tables.value)
        below = (*tables.roots, *tables.left, *tables.right)
        if any(len(column) != nodes for column in columns) or not all(0 <= node < nodes for node in below):
            raise ValueError("the tables of the trees do not fit together")
        self._roots: Ints = np.array(tables.roots, np.int32)
        self._feature: Ints = np.array(tables.feature, np.int32)
        self._threshold: Floats = np.array(tables.threshold, np.float32)
        # children[2 * node] is the left one
        self._children: Ints = np.array([tables.left, tables.right], np.int32).T.ravel().copy()
        self._value: Floats = np.array(tables.value, np.float32)
        self._masks = _Masks(tables)

    @property
    def base(self) -> float:
        """The sum of all trees before anything is known: contributions come on top of it."""
        return float(self._value[self._roots].sum())

    def sums(self, features: Floats) -> Floats:
        """The sum of all trees for each row of float32[n, n_features]: float32[n]."""
        total = np.empty(len(features), np.float32)
        for start in range(0, len(features), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            total[block] = self._masks.leaf_values(features[block]).sum(axis=1)
        return total

    def contributions(self, features: Floats) -> Floats:
        """What each feature adds: float32[n, n_features]; with `base` each row sums to `sums`.

        Where a path goes down from a node, the feature that decides is credited with the change in the
        mean of the leaves below.
        """
        added = np.zeros_like(features, np.float32)
        rows = np.arange(len(features))[:, None]
        nodes = np.broadcast_to(self._roots, (len(features), len(self._roots)))
        while True:
            below = self._step(nodes, features)
            if np.array_equal(below, nodes):
                return added
            # Leaves have feature -1, and change by nothing.
            np.add.at(added, (rows, self._feature[nodes]), self._value[below] - self._value[nodes])
            nodes = below

    def _step(self, nodes: Ints, features: Floats) -> Ints:
        values = np.take_along_axis(features, self._feature[nodes], axis=1)
        # `not at most` rather than `more`: what is not a number goes to the right.
        below: Ints = self._children[2 * nodes + ~(values <= self._threshold[nodes])]
        return below


class _Masks:
    """The nodes of all trees side by side, each with the leaves that stay if its test fails."""

    def __init__(self, tables: TreeTables) -> None:
        trees = [_in_order(tables, root) for root in tables.roots]
        leaves = max((len(leaves) for _, leaves in trees), default=1)
        if leaves > MAX_LEAVES:
            raise ValueError(f"a tree has {leaves} leaves: at most {MAX_LEAVES} can be evaluated")
        width = next(width for width in (8, 16, 32, 64) if leaves <= width)
        self._type = np.dtype(f"uint{width}")
        # Trees with fewer nodes than the largest are filled up with nodes that rule out nothing.
        shape = (max((len(nodes) for nodes, _ in trees), default=0), len(trees))  # (nodes of a tree, trees)
        self._feature = np.zeros(shape, np.int32)
        self._threshold = np.zeros(shape, np.float32)
        self._mask = np.full(shape, np.iinfo(self._type).max, self._type)
        self._values = np.zeros((len(trees), leaves), np.float32)
        for tree, (nodes, ends) in enumerate(trees):
            self._values[tree, : len(ends)] = [tables.value[leaf] for leaf in ends]
            for place, (node, first, last) in enumerate(nodes):
                self._feature[place, tree] = tables.feature[node]
                self._threshold[place, tree] = tables.threshold[node]
                self._mask[place, tree] ^= self._type.type((1 << last) - (1 << first))

    def leaf_values(self, features: Floats) -> Floats:
        """The value of the leaf of each tree: float32[n, n_trees] for float32[n, n_features]."""
        columns = np.ascontiguousarray(features.T)
        left = np.full((self._mask.shape[1], len(features)), np.iinfo(self._type).max, self._type)
        for feature, threshold, mask in zip(self._feature, self._threshold, self._mask, strict=True):
            # All ones where the test holds; what is not a number fails it.
            holds = (columns[feature] <= threshold[:, None]).astype(self._type)
            left &= mask[:, None] | -holds
        # As many bits are below the lowest one as leaves are ruled out before it.
        leaves = np.bitwise_count((left & -left) - self._type.type(1))  # (trees, n)
        first = np.arange(0, self._values.size, self._values.shape[1], dtype=np.int32)
        values: Floats = np.take(self._values, (leaves + first[:, None]).T)
        return values


def _in_order(tables: TreeTables, root: int) -> tuple[list[tuple[int, int, int]], list[int]]:
    """Nodes of a tree, each with its left leaves [first, last), and the leaves from left to right.

    Raises:
        ValueError: it is no tree: a node comes twice.
    """
    nodes: list[tuple[int, int, int]] = []
    leaves: list[int] = []
    seen: set[int] = set()
    # Below the top of the stack: what comes to the right. A node comes back when its left side is done.
    stack: list[tuple[int, int | None]] = [(root, None)]
    while stack:
        node, first = stack.pop()
        if first is not None:
            nodes.append((node, first, len(leaves)))
            stack.append((tables.right[node], None))
            continue
        if node in seen:
            raise ValueError("the tables of the trees do not fit together")
        seen.add(node)
        if tables.feature[node] < 0:
            leaves.append(node)
        else:
            stack += [(node, len(leaves)), (tables.left[node], None)]
    return nodes, leaves
