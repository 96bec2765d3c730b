"""Train, dev and test without leakage: texts that are linked by pairs stay on one side, all of them.

Pairs are edges between texts. No text is on both sides if whole connected components are dealt out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec
import numpy as np
import numpy.typing as npt

__all__ = ["SPLITS", "SplitTable", "assign_splits", "components"]

SPLITS = ("train", "dev", "test")

# A component with more than this share of all pairs is no sample of anything: it goes to train.
LARGEST_HELD_OUT = 0.01

Ids = npt.NDArray[np.int64]


def components(edges: Ids) -> tuple[Ids, Ids]:
    """Connected components of the graph of texts.

    Every text takes the smallest id it can see, over its edges and over the component it believes to be in,
    until nothing changes; that takes about log(n) rounds. Memory: some 60 bytes an edge.

    Args:
        edges: int64[n, 2], the ids of texts that belong together.

    Returns:
        The distinct ids in ascending order, int64[m], and for each the smallest id of its component,
        int64[m].
    """
    texts, flat = np.unique(edges, return_inverse=True)
    left, right = flat.reshape(-1, 2).T
    component = np.arange(len(texts))
    while True:
        lowest = np.minimum(component[left], component[right])
        new = component.copy()
        for ends in (left, right, component[left], component[right]):
            np.minimum.at(new, ends, lowest)
        new = new[new]
        if np.array_equal(new, component):
            return texts, texts[component]
        component = new


def assign_splits(sizes: Mapping[int, int], seed: int, held_out: float) -> dict[int, str]:
    """Component → split, drawn from the component's id and the seed alone.

    Args:
        sizes: pairs of each component.
        seed: another seed, another deal.
        held_out: share of the components that goes to dev, and as many to test; in [0, 0.5].
    """
    if not sizes:
        return {}
    # In a small data set nearly every component is more than one in a hundred.
    usual = float(np.quantile(np.fromiter(sizes.values(), np.int64, len(sizes)), 0.99))
    total = sum(sizes.values())
    limit = min(max(LARGEST_HELD_OUT * total, usual), total / 2)
    splits = {}
    for component, size in sizes.items():
        draw = _uniform(component, seed)
        held = size <= limit and draw < 2 * held_out
        splits[component] = ("dev" if draw < held_out else "test") if held else "train"
    return splits


class SplitTable(msgspec.Struct, frozen=True):
    """Text → split for all texts, as two arrays in bytes: small enough to be sent to every worker.

    Attributes:
        texts: int64[m] little-endian, ascending ids.
        splits: uint8[m], positions in `SPLITS`.
    """

    texts: bytes
    splits: bytes

    @classmethod
    def of(cls, pairs: Ids, links: Ids, seed: int, held_out: float) -> SplitTable:
        """Deals out the components of all pairs.

        Args:
            pairs: int64[n, 2], ids of both texts of each pair.
            links: int64[k, 2], further texts that must not be parted.
            seed: see `assign_splits`.
            held_out: see `assign_splits`.
        """
        texts, component = components(np.concatenate([pairs, links]))
        owners, counts = np.unique(component[np.searchsorted(texts, pairs[:, 0])], return_counts=True)
        dealt = assign_splits(dict(zip(owners.tolist(), counts.tolist(), strict=True)), seed, held_out)
        codes = np.array([SPLITS.index(dealt[owner]) for owner in owners.tolist()], np.uint8)
        found = codes[np.searchsorted(owners, component)] if len(owners) else codes
        return cls(texts.astype("<i8").tobytes(), found.tobytes())

    def find(self, text: int) -> str | None:
        """The split of one text; `None` if it is in no pair."""
        texts = np.frombuffer(self.texts, "<i8")
        at = int(np.searchsorted(texts, text))
        return SPLITS[self.splits[at]] if at < len(texts) and texts[at] == text else None


def _uniform(component: int, seed: int) -> float:
    digest = hashlib.blake2b(f"{seed}:{component}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
