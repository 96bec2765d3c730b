"""What the sentence stage finds: skills of one sentence, with what the posting stage needs of each."""

from __future__ import annotations

import msgspec

__all__ = ["Match", "SentenceMatches"]


class Match(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One skill found in one sentence.

    Attributes:
        skill: row of the index.
        score: ½ (pooled cosine + token-level match), in [-1, 1].
        confidence: what the sentence alone says: calibrated probability that it is right.
        kind: `exact`, `semantic` or `both`.
        start, end: characters in the sentence of the words that prove it.
        pooled: cosine of the vectors of sentence and label.
        overlap: share of the label's words that are in the sentence, rare words counting more.
        fused: weighted sum of all features (`skillstream.ranking.features`).
        margin: distance to the best fused score of the sentence.
        place: number of skills with a better fused score in this sentence.
        name: kind of the name in the sentence: `preferred`, `variant`, `alternative`, or empty.
        shared: log2 of how many skills have that name.
        gate: log-odds that the sentence names a skill at all.
        context: how sure it is that the words are meant as this name (`ExactMatch.context`); 1 if they are
            no name.
    """

    skill: int
    score: float
    confidence: float
    kind: str
    start: int
    end: int
    pooled: float = 0.0
    overlap: float = 0.0
    fused: float = 0.0
    margin: float = 0.0
    place: int = 0
    name: str = ""
    shared: float = 0.0
    gate: float = 0.0
    context: float = 1.0

    @property
    def token(self) -> float:
        """The token-level match."""
        return 2 * self.score - self.pooled


SentenceMatches = tuple[Match, ...]  # best first; what is below the floor is not in it
