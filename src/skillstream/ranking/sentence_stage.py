"""Sentence stage: the skills that each sentence names, whatever posting it is in.

Candidates of a sentence are the nearest labels and the skills that it names word for word; a weighted sum of
features ranks them, and a fitted curve makes a confidence of the score. All of it is done for a block of
sentences at once (`skillstream.ranking.sentence_pairs`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from skillstream.encoder import Encoded
from skillstream.index import SkillsIndex
from skillstream.ranking.evidence_words import evidence_spans
from skillstream.ranking.features import weight_vector
from skillstream.ranking.heads import Heads, ranks_of
from skillstream.ranking.matches import Match, SentenceMatches
from skillstream.ranking.name_context import SURE_ENOUGH
from skillstream.ranking.name_evidence import NameEvidence
from skillstream.ranking.sentence_pairs import OVERLAP, POOLED, TOKEN, Names, PairMaker, Pairs
from skillstream.ranking.words import normal_words

__all__ = ["SentenceStage"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Words that stand for no skill by themselves, but draw skills with these words in their labels:
# "excellent skills" is not "develop personal skills".
POSTING_WORDS = frozenset([
    "ability", "background", "candidate", "career", "company", "duty", "employee", "experience", "job",
    "knowledge", "opportunity", "position", "qualification", "requirement", "responsibility", "role", "skill",
    "task", "work", "working", "year",
])  # fmt: skip
# From this similarity on an exact match is also a semantic one.
SEMANTIC = 0.35
# A skill found by its name alone is as sure as its context says: at context 0.5, and at 1. Of 281 such tags
# with a judgement 277 were right; those are names that O*NET has, too.
NAME_CONFIDENCE = (0.85, 0.96)
# The confidence of a word that may be a name, where the posting names others beyond doubt.
WEAK_CONFIDENCE = 0.6


class SentenceStage:
    """Finds skills in sentences by one index and the fitted numbers of one model. Immutable."""

    def __init__(
        self, index: SkillsIndex, heads: Heads, lane: str, candidates: int, floor: float, per_sentence: int
    ) -> None:
        """Takes the index, the heads of its model, and what to keep.

        Args:
            index: the skills.
            heads: fitted numbers.
            lane: `pooled`, `semantic`, `exact` or `full`.
            candidates: how many neighbours of the pooled vector are looked at closely.
            floor: matches with less confidence are left out.
            per_sentence: maximum number of matches per sentence.
        """
        self.index = index
        self.pairs = PairMaker(index, 0 if lane == "exact" else candidates)
        self._heads = heads
        self._confidence = heads.lanes[lane].confidence
        self._weights = weight_vector(heads.lanes[lane].weights)
        self._floor = floor
        self._per_sentence = per_sentence
        self._name_evidence = NameEvidence(index.skills)
        self._named_only = np.arange(len(index)) >= index.searched
        self._threads = ThreadpoolController()

    def match(self, texts: Sequence[str], encoded: Encoded) -> list[SentenceMatches]:
        """The skills that each sentence may name, best first; see `Ranker.match_sentences`."""
        found: list[SentenceMatches] = []
        # Small products are slower on several threads, and all of them leave a thread of OpenBLAS turning for
        # a while, in the encoder's way.
        with self._threads.limit(limits=1, user_api="blas"):
            gates = self._heads.gate_logits(encoded.pooled)
            near = self.pairs.near(encoded)
            for pairs in self.pairs.pairs(texts, encoded, near):
                part = slice(pairs.first, pairs.first + len(pairs.skills))
                spans = encoded.spans[encoded.bounds[part.start] : encoded.bounds[part.stop]]
                found += self._matches(texts[part], pairs, gates[part], spans)
        return found

    def score_all(self, texts: Sequence[str], encoded: Encoded) -> Floats:
        """The fused score of every sentence with every skill, float32[n, n_skills]; for evaluation."""
        scores = np.empty((len(texts), len(self.index)), np.float32)
        for pairs in self.pairs.all_pairs(texts, encoded):
            scores[pairs.first] = pairs.features[0] @ self._weights
        return scores

    def _matches(
        self, texts: Sequence[str], pairs: Pairs, gates: Floats, spans: npt.NDArray[np.int32]
    ) -> list[SentenceMatches]:
        scores = np.where(pairs.present, pairs.features @ self._weights, np.float32(-np.inf))  # (n, k)
        confidences, places, margins = self._beside_each_other(pairs, scores, gates)
        order = np.argsort(-scores, axis=1, kind="stable")
        kept = np.take_along_axis(pairs.present & (confidences >= self._floor), order, axis=1)
        kept &= np.cumsum(kept, axis=1) <= self._per_sentence
        rows, ranks = np.nonzero(kept)  # by sentence, best first
        columns = order[rows, ranks]
        used, column_of = _used_columns(pairs, rows, columns)
        proofs = evidence_spans(texts, spans, pairs.bounds, rows, used, column_of)
        features = pairs.features[rows, columns]
        matches: list[list[Match]] = [[] for _ in texts]
        for row, skill, (start, end), pooled, token, overlap, confidence, fused, margin, place in zip(
            rows.tolist(),
            pairs.skills[rows, columns].tolist(),
            proofs,
            features[:, POOLED].tolist(),
            features[:, TOKEN].tolist(),
            features[:, OVERLAP].tolist(),
            confidences[rows, columns].tolist(),
            scores[rows, columns].tolist(),
            margins[rows, columns].tolist(),
            places[rows, columns].tolist(),
            strict=True,
        ):
            similarity = (pooled + token) / 2
            name = pairs.names[row].get(skill)
            if name is not None:
                start, end = name.start, name.end
                kind = "both" if similarity >= SEMANTIC else "exact"
            elif self._is_no_evidence(texts[row], start, end, skill, pairs.names[row]):
                continue
            else:
                kind = "semantic"
            matches[row].append(
                Match(
                    skill=skill,
                    score=similarity,
                    confidence=confidence,
                    kind=kind,
                    start=start,
                    end=end,
                    pooled=pooled,
                    overlap=overlap,
                    fused=fused,
                    margin=margin,
                    place=int(place),
                    name=name.kind if name else "",
                    shared=float(np.log2(name.shared)) if name else 0.0,
                    gate=float(gates[row]),
                    context=name.context if name else 1.0,
                )
            )
        return [tuple(found) for found in matches]

    def _is_no_evidence(self, text: str, start: int, end: int, skill: int, names: Names) -> bool:
        """Whether the words [start, end), which name no skill, prove none either."""
        label = self.index.labels[skill]
        if len(label) == 1:  # a letter is named or it is not: "R&D" is not R
            return True
        if POSTING_WORDS.issuperset(normal_words(text[start:end])):
            return True
        proper = [
            (match.start, match.end)
            for skill, match in names.items()
            if self._named_only[skill] or self.index.skills[skill].same_as
        ]
        return self._name_evidence.rests_on_name(text, start, end, label, proper)

    def _beside_each_other(
        self, pairs: Pairs, scores: Floats, gates: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Confidence, number of better ones and distance to the best of the skills of each sentence.

        A skill found by its name alone takes no part: it is no rival of the sentence's other skills.

        Args:
            pairs: n sentences with k candidates each.
            scores: float32[n, k], -inf for what is no candidate.
            gates: float32[n].

        Returns:
            Three float32[n, k].
        """
        alone = pairs.present & self._named_only[np.where(pairs.present, pairs.skills, 0)]
        scores = np.where(alone, np.float32(-np.inf), scores)
        confidences = self._confidence.of(scores, gates, pairs.named)
        rivals = scores > -np.inf
        places = np.where(rivals, ranks_of(scores), np.float32(0))
        margins = np.zeros_like(scores)
        np.subtract(scores.max(axis=1, keepdims=True, initial=-np.inf), scores, out=margins, where=rivals)
        for row, column in np.argwhere(alone).tolist():
            name = pairs.names[row][int(pairs.skills[row, column])]
            confidences[row, column] = _name_confidence(name.context)
        return confidences, places, margins


def _used_columns(pairs: Pairs, rows: Ints, columns: Ints) -> tuple[Floats, Ints]:
    """Weights of tokens in those columns alone that are needed, and which of these each pair has.

    What is kept of a sentence are a few of its columns: the j-th of each go into column j.
    """
    column_of = np.arange(len(rows)) - np.searchsorted(rows, rows)
    n, width = len(pairs.skills), int(column_of.max(initial=-1)) + 1
    chosen = np.zeros((n, width), np.int64)
    chosen[rows, column_of] = columns
    sums = np.take_along_axis(pairs.sums, chosen, axis=1)
    sentence = np.repeat(np.arange(n), np.diff(pairs.bounds))
    used = np.take_along_axis(pairs.weights, chosen[sentence], axis=1) / sums[sentence]
    return used, column_of


def _name_confidence(context: float) -> float:
    if context < SURE_ENOUGH:
        return WEAK_CONFIDENCE
    low, high = NAME_CONFIDENCE
    return low + (high - low) * (context - SURE_ENOUGH) / (1 - SURE_ENOUGH)
