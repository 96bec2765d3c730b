"""Boosted regression trees as plain numbers: their sum, and what each feature adds to it."""

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


class Trees:
    """Evaluates trees for many rows at once. Immutable."""

    def __init__(self, tables: TreeTables) -> None:
        """Takes the tables.

        Raises:
            ValueError: they do not fit together.
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

    @property
    def base(self) -> float:
        """The sum of all trees before anything is known: contributions come on top of it."""
        return float(self._value[self._roots].sum())

    def sums(self, features: Floats) -> Floats:
        """The sum of all trees for each row of float32[n, n_features]: float32[n]."""
        nodes = np.broadcast_to(self._roots, (len(features), len(self._roots)))
        while True:
            below = self._step(nodes, features)
            if np.array_equal(below, nodes):
                break
            nodes = below
        total: Floats = self._value[nodes].sum(axis=1)
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
