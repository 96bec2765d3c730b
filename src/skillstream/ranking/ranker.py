"""From sentences to ranked tags: candidates, scores, one list for each posting, no doubles.

    ranker = Ranker(index, heads, options)
    matches = ranker.match_sentences(texts, encoder.encode_tokens(texts))    per sentence: can be cached
    tags = ranker.rank_document(document, matches)                           per posting: cheap

What a sentence says does not depend on its posting, so the first step (*sentence stage*) is done once for
each distinct sentence. The second (*posting stage*, `skillstream.ranking.posting_stage`) weighs all
candidates of the posting together; without a fitted one each skill keeps the confidence of its best
sentence. How both come about: docs/explanation/ranking.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from skillstream.encoder import Encoded
from skillstream.index import SkillsIndex
from skillstream.postings import Document
from skillstream.ranking.candidates import MAX_CANDIDATES, Candidate, gather
from skillstream.ranking.heads import Heads
from skillstream.ranking.matches import Match, SentenceMatches
from skillstream.ranking.name_context import SURE_ENOUGH
from skillstream.ranking.posting_stage import FittedStage, PostingStage
from skillstream.ranking.reasons import Reason, by_name, reasons
from skillstream.ranking.sentence_stage import SentenceStage
from skillstream.rows import Tag

__all__ = ["Match", "Ranker", "RankingOptions", "SentenceMatches"]

Floats = npt.NDArray[np.float32]

# Matches of a sentence that the posting stage looks at.
SENTENCE_CANDIDATES = 40
# A word that may be a name counts if the posting names so many others beyond doubt.
COMPANY = 3
# Labels this alike are one skill under two names, wherever they are found ...
SAME_SKILL = 0.9
# ... and these are, if the same words prove both: the better one is kept.
SAME_EVIDENCE = 0.65


@dataclass(frozen=True)
class RankingOptions:
    """What the user may choose.

    Attributes:
        top_k: at most so many tags a posting.
        min_confidence: drop tags below; `None` means the threshold of the posting stage, or of the lane if
            there is none.
        lane: `pooled`, `semantic`, `exact` or `full`.
        candidates: how many neighbours of the pooled vector are looked at closely.
    """

    top_k: int = 20
    min_confidence: float | None = None
    lane: str = "full"
    candidates: int = 150


class Ranker:
    """Ranks the skills of one index by the fitted numbers of one model. Immutable after construction."""

    def __init__(
        self,
        index: SkillsIndex,
        heads: Heads,
        options: RankingOptions | None = None,
        stage: FittedStage | None = None,
    ) -> None:
        """Takes an index, the heads of its model, and the posting stage, if one was fitted.

        The posting stage is for the lane `full`; in the others the sentence stage decides.
        """
        self.index = index
        self.heads = heads
        self.options = options or RankingOptions()
        self.lane = heads.lanes[self.options.lane]
        self.stage = PostingStage(stage, index) if stage and self.options.lane == "full" else None
        threshold = self.lane.threshold if self.stage is None else self.stage.fitted.threshold
        chosen = self.options.min_confidence
        self.min_confidence = threshold if chosen is None else chosen
        self.sentence_stage = SentenceStage(
            index,
            heads,
            self.options.lane,
            self.options.candidates,
            floor=self.min_confidence if self.stage is None else self.stage.fitted.floor,
            per_sentence=self.options.top_k if self.stage is None else SENTENCE_CANDIDATES,
        )
        self._named_only = np.arange(len(index)) >= index.searched
        self._vectors: Floats = np.asarray(index.vectors)  # without the cost of a memory map's views
        self._threads = ThreadpoolController()

    def match_sentences(self, texts: Sequence[str], encoded: Encoded) -> list[SentenceMatches]:
        """The skills that each sentence may name, best first.

        Those with a lower confidence than the posting stage considers (without one: than the minimum) are
        left out.

        Args:
            texts: n sentences.
            encoded: what the encoder made of them.
        """
        return self.sentence_stage.match(texts, encoded)

    def names_any(self, text: str) -> bool:
        """Whether a sentence names a skill word for word; it need not be encoded for that."""
        return bool(self.sentence_stage.pairs.names(text))

    def score_all(self, texts: Sequence[str], encoded: Encoded) -> Floats:
        """The fused score of every sentence with every skill, float32[n, n_skills]; for evaluation."""
        return self.sentence_stage.score_all(texts, encoded)

    def rank_document(self, document: Document, matches: Sequence[SentenceMatches]) -> list[Tag]:
        """The posting's tags, best first.

        Args:
            document: the posting's plain text and its sentences.
            matches: for each sentence of the document what `match_sentences` found in it.
        """
        [tags] = self.rank_documents([(document, matches)])
        return tags

    def rank_documents(
        self, postings: Sequence[tuple[Document, Sequence[SentenceMatches]]]
    ) -> list[list[Tag]]:
        """As `rank_document`, for many postings at once, which is faster than one after the other."""
        return [
            self.tags(candidates, confidences, self.choose(candidates, confidences))
            for candidates, confidences in self.weigh_all(postings)
        ]

    def explain_document(
        self, document: Document, matches: Sequence[SentenceMatches]
    ) -> tuple[list[Tag], list[list[Reason]]]:
        """As `rank_document`, with the reasons for each tag; they are empty without a posting stage."""
        candidates, confidences = self.weigh(document, matches)
        chosen = self.choose(candidates, confidences)
        tags = self.tags(candidates, confidences, chosen)
        if self.stage is None or not chosen:
            return tags, [[] for _ in tags]
        by_stage = self._by_stage(candidates)
        contributions = self.stage.contributions(document, [candidates[row] for row in by_stage])
        why = {row: reasons(parts) for row, parts in zip(by_stage, contributions, strict=True)}
        return tags, [why.get(row) or [by_name(float(confidences[row]))] for row in chosen]

    def weigh(
        self, document: Document, matches: Sequence[SentenceMatches], *, by_section: bool | None = None
    ) -> tuple[list[Candidate], Floats]:
        """All candidates of a posting, and the confidence of each: float32[n].

        Args:
            document: the posting.
            matches: what `match_sentences` found in each of its sentences.
            by_section: weigh evidence by its section; by default if there is a posting stage.
        """
        [weighed] = self.weigh_all([(document, matches)], by_section=by_section)
        return weighed

    def weigh_all(
        self,
        postings: Sequence[tuple[Document, Sequence[SentenceMatches]]],
        *,
        by_section: bool | None = None,
    ) -> list[tuple[list[Candidate], Floats]]:
        """As `weigh`, for many postings: the posting stage's trees see the candidates of all at once."""
        by_section = self.stage is not None if by_section is None else by_section
        weighed: list[tuple[list[Candidate], Floats]] = []
        for document, matches in postings:
            least = SURE_ENOUGH if self._technologies(matches) < COMPANY else 0.0
            candidates = gather(document, matches, by_section=by_section, least_context=least)
            confidences = np.array([item.best.match.confidence for item in candidates], np.float32)
            weighed.append((candidates, confidences))
        if self.stage is None or not weighed:
            return weighed
        rows = [self._by_stage(candidates) for candidates, _ in weighed]
        with self._threads.limit(limits=1, user_api="blas"):
            features = [
                self.stage.features(document, [candidates[row] for row in of_posting])
                for (document, _), (candidates, _), of_posting in zip(postings, weighed, rows, strict=True)
            ]
        parts = np.split(
            self.stage.confidences(np.concatenate(features)), np.cumsum([len(part) for part in features[:-1]])
        )
        for (candidates, confidences), of_posting, part in zip(weighed, rows, parts, strict=True):
            # Those beyond what the stage looks at are no tags.
            confidences[~self._named_only[[item.skill for item in candidates]]] = 0.0
            confidences[of_posting] = part
        return weighed

    def _by_stage(self, candidates: Sequence[Candidate]) -> list[int]:
        """Rows of the candidates that the posting stage weighs: the strongest that are not names alone."""
        rows = [row for row, item in enumerate(candidates) if not self._named_only[item.skill]]
        return rows[:MAX_CANDIDATES]

    def _technologies(self, matches: Sequence[SentenceMatches]) -> int:
        """How many things the posting names beyond doubt that only their names tell."""
        return len({
            match.skill
            for found in matches
            for match in found
            if self._named_only[match.skill] and match.context >= SURE_ENOUGH
        })  # fmt: skip

    def choose(self, candidates: Sequence[Candidate], confidences: Floats) -> list[int]:
        """Rows of the candidates that become tags, best first: sure enough, and no two of them one skill."""
        rows = [row for row in range(len(candidates)) if confidences[row] >= self.min_confidence]
        rows.sort(
            key=lambda row: (-confidences[row], -candidates[row].best.match.score, candidates[row].skill)
        )
        vectors = self._vectors[[candidates[row].skill for row in rows]]
        chosen: list[int] = []  # positions in `rows`
        for position, row in enumerate(rows):
            alike = vectors[chosen] @ vectors[position]
            if self._named_only[candidates[row].skill] or not any(  # EC2 is not ECS, however alike
                not self._named_only[candidates[rows[other]].skill]
                and (
                    likeness >= SAME_SKILL
                    or (likeness >= SAME_EVIDENCE and _same_words(candidates[row], candidates[rows[other]]))
                )
                for likeness, other in zip(alike.tolist(), chosen, strict=True)
            ):
                chosen.append(position)
            if len(chosen) == self.options.top_k:
                break
        return [rows[position] for position in chosen]

    def tags(self, candidates: Sequence[Candidate], confidences: Floats, chosen: Sequence[int]) -> list[Tag]:
        """Tags of the chosen rows, ranked in their order."""
        return [
            self._tag(rank, candidates[row], float(confidences[row]))
            for rank, row in enumerate(chosen, start=1)
        ]

    def _tag(self, rank: int, candidate: Candidate, confidence: float) -> Tag:
        skill, best = candidate.skill, candidate.best
        return Tag(
            rank=rank,
            uri=self.index.uris[skill],
            label=self.index.labels[skill],
            score=best.match.score,
            confidence=confidence,
            match=best.match.kind,
            evidence=best.sentence.text,
            start=best.sentence.start,
            end=best.sentence.end,
            section=best.sentence.section,
            groups=self.index.groups(skill),
            words=best.words,
            words_start=best.start,
            words_end=best.end,
            required=candidate.required,
            uris=[self.index.uris[skill], *self.index.skills[skill].same_as],
        )


def _same_words(a: Candidate, b: Candidate) -> bool:
    """Whether the words that prove both overlap."""
    return a.best.start < b.best.end and b.best.start < a.best.end
