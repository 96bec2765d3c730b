"""Near duplicates by MinHash: texts that differ in a word or two, as reposts and templates do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np
from rensa import RMinHash  # type: ignore[import-untyped]

from skillstream.training.pairs import TrainingPair, text_id

__all__ = ["MIN_WORDS", "Signature", "bands", "near_duplicates", "signature"]

# Shorter texts are told apart by a single word ("Java developer", "Java teacher").
MIN_WORDS = 8
SHINGLE = 2  # words
HASHES = 32
ROWS = 4  # hashes a band: 8 bands find a Jaccard similarity of 0.9 with probability .9998, of 0.5 with .40


class Signature(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What is compared instead of a pair: 150 bytes.

    Attributes:
        anchor: id of the text.
        positive: id of the text.
        hashes: uint32[32], the MinHash of the anchor's shingles.
    """

    anchor: int
    positive: int
    hashes: bytes


def signature(pair: TrainingPair) -> Signature | None:
    """The signature of a pair; `None` if its anchor is too short to have near duplicates."""
    words = pair.anchor.casefold().split()
    if len(words) < MIN_WORDS:
        return None
    sketch = RMinHash(num_perm=HASHES, seed=42)
    sketch.update([" ".join(words[i : i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)])
    hashes = np.array(sketch.digest(), "<u4").tobytes()
    return Signature(text_id(pair.anchor), text_id(pair.positive), hashes)


def bands(hashes: bytes) -> Iterator[bytes]:
    """Keys of which similar texts share at least one, very likely."""
    size = 4 * ROWS
    for start in range(0, len(hashes), size):
        yield bytes([start // size]) + hashes[start : start + size]


def near_duplicates(bucket: Iterable[Signature], threshold: float) -> Iterator[tuple[Signature, Signature]]:
    """(kept, near) for what lies in one bucket, with anchors at least `threshold` alike (estimated Jaccard
    similarity of their word pairs).

    Compared is with the first of the bucket and the first of the same positive, in order of ids. That keeps a
    bucket of n at 2n comparisons; what it leaves, other bands find.
    """
    ordered = sorted(bucket)
    firsts: dict[int, Signature] = {}
    for item in ordered:
        candidates = {ordered[0].anchor: ordered[0]}
        candidates.setdefault((same := firsts.setdefault(item.positive, item)).anchor, same)
        for other in candidates.values():
            if other.anchor != item.anchor and _similarity(other, item) >= threshold:
                yield other, item


def _similarity(one: Signature, other: Signature) -> float:
    return float((np.frombuffer(one.hashes, "<u4") == np.frombuffer(other.hashes, "<u4")).mean())
