"""Candidates of a posting: every skill that some sentence names, with all its evidence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from skillstream.postings import BOILERPLATE, UNASKED, Document, Sentence, Stance, is_required, stance_of
from skillstream.ranking.matches import Match, SentenceMatches

__all__ = [
    "BOILERPLATE_CONFIDENCE",
    "MAX_CANDIDATES",
    "Candidate",
    "Evidence",
    "counts_in",
    "gather",
    "only_names_count",
]

# In boilerplate only what is named word for word counts, and only if it is a strong match.
BOILERPLATE_CONFIDENCE = 0.7
# What evidence is worth in sections where skills are seldom asked for; elsewhere 1.
WORTH: Mapping[str, float] = {
    **dict.fromkeys(map(str, BOILERPLATE), 0.35),
    "title": 0.7,
    "working_conditions": 0.7,
}
# What the posting stage looks at. On the judged postings one right skill in 800 comes after these.
MAX_CANDIDATES = 64


class Evidence(NamedTuple):
    """A sentence that names a skill.

    Attributes:
        strength: confidence of the match, weighed by its section; in [0, 1].
        number: the sentence's position in the posting, from 0.
        stance: whether the sentence requires the skill or only wishes for it.
    """

    strength: float
    number: int
    match: Match
    sentence: Sentence
    stance: Stance = Stance.NEUTRAL

    @property
    def start(self) -> int:
        """First character, in the posting, of the words that prove the skill."""
        return self.sentence.start + self.match.start

    @property
    def end(self) -> int:
        """End of these words, exclusive."""
        return self.sentence.start + self.match.end

    @property
    def words(self) -> str:
        return self.sentence.text[self.match.start : self.match.end]


class Candidate(NamedTuple):
    """A skill that the posting may ask for; `evidence` has the strongest first and is never empty."""

    skill: int
    evidence: list[Evidence]

    @property
    def best(self) -> Evidence:
        return self.evidence[0]

    @property
    def required(self) -> bool | None:
        """Whether the posting requires the skill (true), only wishes for it (false), or does not say."""
        return is_required({item.stance for item in self.evidence})


def only_names_count(section: str) -> bool:
    """Whether a sentence of this section without a name of a skill cannot become evidence of any."""
    return section in BOILERPLATE


def counts_in(section: str, match: Match) -> bool:
    """Whether a match in this section counts at all."""
    return not only_names_count(section) or (
        match.kind != "semantic" and match.confidence >= BOILERPLATE_CONFIDENCE
    )


def gather(
    document: Document,
    matches: Sequence[SentenceMatches],
    *,
    by_section: bool = True,
    least_context: float = 0.0,
) -> list[Candidate]:
    """The candidates of a posting, strongest first; of equals the lower skill first.

    Args:
        document: the posting's plain text and its sentences.
        matches: for each sentence of the document what the sentence stage found in it.
        by_section: weigh evidence by its section.
        least_context: leave out names that are less surely meant as such.
    """
    found: defaultdict[int, list[Evidence]] = defaultdict(list)
    for number, (sentence, named) in enumerate(zip(document.sentences, matches, strict=True)):
        worth = WORTH.get(sentence.section, 1.0) if by_section else 1.0
        stances: dict[tuple[int, int], Stance] = {}
        for match in named:
            if not counts_in(sentence.section, match) or match.context < least_context:
                continue
            words = (match.start, match.end)
            if words not in stances:
                stances[words] = stance_of(sentence.text, *words, sentence.section)
            if stances[words] not in UNASKED:  # not "No SQL needed", "We offer Spanish lessons"
                found[match.skill].append(
                    Evidence(match.confidence * worth, number, match, sentence, stances[words])
                )
    for evidence in found.values():
        evidence.sort(key=lambda item: (-item.strength, item.number))
    candidates = [Candidate(skill, evidence) for skill, evidence in found.items()]
    candidates.sort(key=lambda candidate: (-candidate.best.strength, candidate.skill))
    return candidates
