"""Near duplicates by MinHash: texts that differ in a word or two, as reposts and templates do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from rensa import RMinHash  # type: ignore[import-untyped]

from skillstream.training.pairs import TrainingPair, text_id

__all__ = ["MIN_WORDS", "Signature", "bands", "signature", "similar_pairs"]

# Shorter texts are told apart by a single word ("Java developer", "Java teacher").
MIN_WORDS = 8
SHINGLE = 2  # words
HASHES = 64
ROWS = 4  # hashes a band: 16 bands find a Jaccard similarity of 0.8 with probability .9998, of 0.4 with .34


class Signature(msgspec.Struct, frozen=True, array_like=True):
    """What is compared instead of a pair.

    Attributes:
        pair: the pair itself; the smallest of several near ones is kept.
        hashes: uint32[64], the MinHash of its anchor's shingles.
    """

    pair: TrainingPair
    hashes: list[int]


def signature(pair: TrainingPair) -> Signature | None:
    """The signature of a pair; `None` if its anchor is too short to have near duplicates."""
    words = pair.anchor.casefold().split()
    if len(words) < MIN_WORDS:
        return None
    sketch = RMinHash(num_perm=HASHES, seed=42)
    sketch.update([" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)])
    return Signature(pair, sketch.digest())


def bands(hashes: list[int]) -> Iterator[str]:
    """Keys of which similar texts share at least one, very likely."""
    for start in range(0, HASHES, ROWS):
        yield f"{start}:" + ",".join(map(str, hashes[start : start + ROWS]))


def similar_pairs(
    bucket: Iterable[Signature], threshold: float
) -> Iterator[tuple[TrainingPair, TrainingPair]]:
    """(kept, near) for what lies in one bucket: every pair against the smallest one, with anchors at least
    `threshold` alike (estimated Jaccard similarity of their word pairs).

    Comparing with the smallest alone keeps a bucket of n at n comparisons; what it leaves, other bands find.
    """
    ordered = sorted(bucket, key=lambda item: item.pair)
    if not ordered:
        return
    first = ordered[0]
    own = text_id(first.pair.anchor)
    for other in ordered[1:]:
        same = sum(a == b for a, b in zip(first.hashes, other.hashes, strict=True))
        if same >= threshold * HASHES and text_id(other.pair.anchor) != own:
            yield first.pair, other.pair
