"""From sentences to ranked tags: candidates, scores, the best sentence for each skill, no doubles.

    ranker = Ranker(index, heads, options)
    matches = ranker.match_sentences(texts, encoder.encode_tokens(texts))    per sentence: can be cached
    tags = ranker.rank_document(document, matches)                           per posting: cheap

What a sentence says does not depend on the posting it stands in, so the first step is done once for each
distinct sentence. How a score comes about: docs/explanation/ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from skillstream.encoder import Encoded
from skillstream.index import SkillsIndex
from skillstream.postings import BOILERPLATE, Document, Sentence, Stance, is_required, stance_of
from skillstream.ranking.exact import ExactMatch, ExactMatcher
from skillstream.ranking.features import FEATURES, best_names, exact_features, label_lengths, weight_vector
from skillstream.ranking.heads import Heads
from skillstream.ranking.name_context import SURE_ENOUGH
from skillstream.ranking.name_evidence import NameEvidence
from skillstream.ranking.token_match import evidence_span, token_match
from skillstream.ranking.word_overlap import LabelWords
from skillstream.ranking.words import normal_words
from skillstream.rows import Tag

__all__ = ["Match", "Ranker", "RankingOptions", "SentenceMatches"]

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

POOLED, TOKEN, OVERLAP, LENGTH = (FEATURES.index(name) for name in ("pooled", "token", "overlap", "length"))
# In boilerplate only what is named word for word counts, and only if it is a strong match.
BOILERPLATE_CONFIDENCE = 0.7
# Words that stand for no skill by themselves, but draw skills with these words in their labels:
# "excellent skills" is not "develop personal skills".
POSTING_WORDS = frozenset([
    "ability", "background", "candidate", "career", "company", "duty", "employee", "experience", "job",
    "knowledge", "opportunity", "position", "qualification", "requirement", "responsibility", "role", "skill",
    "task", "work", "working", "year",
])  # fmt: skip
# From this similarity on an exact match is also a semantic one.
SEMANTIC = 0.35
# What is told by its name alone is as sure as its context says: at context 0.5, and at 1.
NAME_CONFIDENCE = (0.8, 0.92)
# A word that may be a name counts if the posting names so many others beyond doubt; with this confidence.
COMPANY, WEAK_CONFIDENCE = 3, 0.6
# Labels this alike are one skill under two names, wherever they are found ...
SAME_SKILL = 0.9
# ... and these are, if the same words prove both: the better one is kept.
SAME_EVIDENCE = 0.65


@dataclass(frozen=True)
class RankingOptions:
    """What the user may choose.

    Attributes:
        top_k: at most so many tags a posting.
        min_confidence: drop tags below; `None` means the lane's own threshold.
        lane: `pooled`, `semantic`, `exact` or `full`.
        candidates: how many neighbours of the pooled vector are looked at closely.
    """

    top_k: int = 20
    min_confidence: float | None = None
    lane: str = "full"
    candidates: int = 150


class Match(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One skill found in one sentence.

    Attributes:
        skill: row of the index.
        score: ½ (pooled cosine + token-level match), in [-1, 1].
        confidence: calibrated probability that it is right.
        kind: `exact`, `semantic` or `both`.
        start, end: characters in the sentence of the words that prove it.
        context: how sure it is that the words are meant as this name (`ExactMatch.context`); 1 if they are
            no name.
    """

    skill: int
    score: float
    confidence: float
    kind: str
    start: int
    end: int
    context: float = 1.0


SentenceMatches = tuple[Match, ...]  # best first; what is below the threshold is not in it


class Ranker:
    """Ranks the skills of one index by the heads of one model. Immutable after construction."""

    def __init__(self, index: SkillsIndex, heads: Heads, options: RankingOptions | None = None) -> None:
        self.index = index
        self.heads = heads
        self.options = options or RankingOptions()
        self.lane = heads.lanes[self.options.lane]
        chosen = self.options.min_confidence
        self.min_confidence = self.lane.threshold if chosen is None else chosen
        self._weights = weight_vector(self.lane.weights)
        self._matcher = ExactMatcher.for_index(index)
        self._words = LabelWords(index.labels)
        self._lengths = label_lengths(index.labels)
        self._name_evidence = NameEvidence(index.skills)
        self._named_only = np.arange(len(index)) >= index.searched
        self._threads = ThreadpoolController()

    def match_sentences(self, texts: Sequence[str], encoded: Encoded) -> list[SentenceMatches]:
        """The skills that each sentence names with at least the minimum confidence, best first.

        Args:
            texts: n sentences.
            encoded: what the encoder made of them.
        """
        gates = self.heads.gate_logits(encoded.pooled)
        candidates = self.candidates(texts, encoded)
        # Products this small are slower on several threads, and many times slower on a busy machine.
        with self._threads.limit(limits=1, user_api="blas"):
            return [self._match(i, text, encoded, *candidates[i], gates[i]) for i, text in enumerate(texts)]

    def candidates(self, texts: Sequence[str], encoded: Encoded) -> list[tuple[Ints, dict[int, ExactMatch]]]:
        """For each sentence the skills to look at closely, ascending, and those it names word for word."""
        named = [best_names(self._matcher.find(text)) for text in texts]
        exact = [np.fromiter(names, np.int64, len(names)) for names in named]
        if self.options.lane == "exact":
            return [(np.sort(skills), names) for skills, names in zip(exact, named, strict=True)]
        near, _ = self.index.search(encoded.pooled, self.options.candidates)
        return [(np.union1d(near[i], exact[i]), named[i]) for i in range(len(texts))]

    def features(
        self, i: int, text: str, encoded: Encoded, skills: Ints, names: dict[int, ExactMatch]
    ) -> tuple[Floats, Floats]:
        """Features of sentence i with these skills, float32[k, n_features]; weights of its tokens [n, k]."""
        vectors = self.index.vectors if len(skills) == len(self.index) else self.index.vectors[skills]
        features = np.zeros((len(skills), len(FEATURES)), np.float32)
        features[:, POOLED] = vectors @ encoded.pooled[i]
        features[:, TOKEN], token_weights = token_match(
            encoded.tokens[encoded.bounds[i] : encoded.bounds[i + 1]], vectors
        )
        features[:, OVERLAP] = self._words.overlap(text)[skills]
        features[:, LENGTH] = self._lengths[skills]
        exact_features(features, skills, names)
        return features, token_weights

    def score_all(self, texts: Sequence[str], encoded: Encoded) -> Floats:
        """The fused score of every sentence with every skill, float32[n, n_skills]; for evaluation."""
        everything = np.arange(len(self.index))
        scores = np.empty((len(texts), len(self.index)), np.float32)
        for i, text in enumerate(texts):
            names = best_names(self._matcher.find(text))
            features, _ = self.features(i, text, encoded, everything, names)
            scores[i] = features @ self._weights
        return scores

    def _match(
        self, i: int, text: str, encoded: Encoded, skills: Ints, names: dict[int, ExactMatch], gate: float
    ) -> SentenceMatches:
        features, token_weights = self.features(i, text, encoded, skills, names)
        scores = features @ self._weights
        named = np.isin(skills, list(names))
        confidences = self.lane.confidence.of(scores, gate, named)
        for row in np.flatnonzero(self._named_only[skills]).tolist():
            confidences[row] = _name_confidence(names[int(skills[row])].context)
        kept = np.flatnonzero(confidences >= self.min_confidence)
        kept = kept[np.argsort(-scores[kept], kind="stable")][: self.options.top_k]
        spans = encoded.spans[encoded.bounds[i] : encoded.bounds[i + 1]]
        proper = [
            (match.start, match.end)
            for skill, match in names.items()
            if self._named_only[skill] or self.index.skills[skill].same_as
        ]
        matches = []
        for row in kept.tolist():
            skill = int(skills[row])
            similarity = float(features[row, POOLED] + features[row, TOKEN]) / 2
            context = 1.0
            if skill in names:
                start, end, context = names[skill].start, names[skill].end, names[skill].context
                kind = "both" if similarity >= SEMANTIC else "exact"
            else:
                start, end = evidence_span(text, token_weights[:, row], spans)
                if POSTING_WORDS.issuperset(normal_words(text[start:end])):
                    continue
                label = self.index.labels[skill]
                if self._name_evidence.rests_on_name(text, start, end, label, proper):
                    continue
                kind = "semantic"
            matches.append(Match(skill, similarity, float(confidences[row]), kind, start, end, context))
        return tuple(matches)

    def rank_document(self, document: Document, matches: Sequence[SentenceMatches]) -> list[Tag]:
        """The posting's tags, best first.

        Args:
            document: the posting's plain text and its sentences.
            matches: for each sentence of the document what `match_sentences` found in it.
        """
        best: dict[int, tuple[Match, Sentence]] = {}
        stances: dict[int, set[Stance]] = {}
        doubtful = self._technologies(matches) < COMPANY
        for sentence, found in zip(document.sentences, matches, strict=True):
            boilerplate = sentence.section in BOILERPLATE
            for match in found:
                if boilerplate and (match.kind == "semantic" or match.confidence < BOILERPLATE_CONFIDENCE):
                    continue
                if match.context < SURE_ENOUGH and doubtful:
                    continue
                stance = stance_of(sentence.text, match.start, match.end, sentence.section)
                if stance is Stance.NEGATED:  # "No SQL needed"
                    continue
                stances.setdefault(match.skill, set()).add(stance)
                known = best.get(match.skill)
                if known is None or match.confidence > known[0].confidence:
                    best[match.skill] = (match, sentence)
        ordered = sorted(best.values(), key=lambda pair: (-pair[0].confidence, -pair[0].score, pair[0].skill))
        distinct: list[tuple[Match, Sentence]] = []
        for pair in ordered:
            if not any(self._same_skill(pair, other) for other in distinct):
                distinct.append(pair)
            if len(distinct) == self.options.top_k:
                break
        return [
            self._tag(rank, *pair, is_required(stances[pair[0].skill]))
            for rank, pair in enumerate(distinct, start=1)
        ]

    def _same_skill(self, a: tuple[Match, Sentence], b: tuple[Match, Sentence]) -> bool:
        """Whether both are one skill: labels that mean the same, or nearly so on the same evidence."""
        (match, sentence), (other, other_sentence) = a, b
        if self._named_only[match.skill] or self._named_only[other.skill]:  # EC2 is not ECS, however alike
            return False
        overlap = (
            sentence.start + match.start < other_sentence.start + other.end
            and other_sentence.start + other.start < sentence.start + match.end
        )
        alike = float(self.index.vectors[match.skill] @ self.index.vectors[other.skill])
        return alike >= (SAME_EVIDENCE if overlap else SAME_SKILL)

    def _technologies(self, matches: Sequence[SentenceMatches]) -> int:
        """How many things the posting names beyond doubt that only their names tell."""
        return len({
            match.skill
            for found in matches
            for match in found
            if self._named_only[match.skill] and match.context >= SURE_ENOUGH
        })  # fmt: skip

    def _tag(self, rank: int, match: Match, sentence: Sentence, required: bool | None) -> Tag:
        return Tag(
            rank=rank,
            uri=self.index.uris[match.skill],
            label=self.index.labels[match.skill],
            score=match.score,
            confidence=match.confidence,
            match=match.kind,
            evidence=sentence.text,
            start=sentence.start,
            end=sentence.end,
            section=sentence.section,
            groups=self.index.groups(match.skill),
            words=sentence.text[match.start : match.end],
            words_start=sentence.start + match.start,
            words_end=sentence.start + match.end,
            required=required,
            uris=[self.index.uris[match.skill], *self.index.skills[match.skill].same_as],
        )


def _name_confidence(context: float) -> float:
    if context < SURE_ENOUGH:
        return WEAK_CONFIDENCE
    low, high = NAME_CONFIDENCE
    return low + (high - low) * (context - SURE_ENOUGH) / (1 - SURE_ENOUGH)
