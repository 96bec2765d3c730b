"""Numbers of one candidate by itself: its evidence, where that is, its sentence and its words.

One part of `skillstream.ranking.posting_features`, whose table says what each number is; the order of the
values here is the order of that table.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher
from functools import lru_cache

from skillstream.postings import BOILERPLATE, Document
from skillstream.ranking.candidates import Candidate, Evidence
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.word_overlap import content_stems

__all__ = ["STRONG", "candidate_features"]

STRONG = 0.3  # strength above which a candidate, or a piece of evidence, counts as strong

_SHARES = ("title", "requirements", "responsibilities", "other", "nice_to_have", "education")


def candidate_features(
    document: Document, candidate: Candidate, counts: Mapping[str, int], facts: LabelFacts
) -> tuple[float, ...]:
    """The features "best" to "knowledge" of one candidate.

    Args:
        document: the posting.
        candidate: one of its candidates.
        counts: how often the posting has each content stem.
        facts: of the labels of the index.

    Returns:
        The values in the order of `POSTING_FEATURES`. The first five are chances, of which the caller takes
        the log-odds for all candidates at once; where there is no second evidence, its chance is negative.
    """
    return (
        _evidence(candidate)
        + _place(document, candidate)
        + _sentence(candidate)
        + _words(candidate, _stem_set(candidate.best.sentence.text), counts, facts)
    )


def _evidence(candidate: Candidate) -> tuple[float, ...]:
    """The features of kind "evidence" and those that are of the best of all sentences."""
    if len(candidate.evidence) == 1:
        return _single_evidence(candidate.best)
    strengths = [item.strength for item in candidate.evidence]
    matches = [item.match for item in candidate.evidence]
    best = matches[0]
    return (
        strengths[0],
        strengths[1],
        sum(strengths[:3]) / 3,
        1 - math.prod([1 - strength for strength in strengths]),
        max([match.confidence for match in matches]),
        len(strengths),
        sum([strength > STRONG for strength in strengths]),
        best.pooled,
        best.token,
        best.fused,
        max([match.pooled for match in matches]),
        max([match.token for match in matches]),
        best.margin,
        best.place,
        best.overlap,
        max([match.overlap for match in matches]),
        best.name == "preferred",
        best.name == "variant",
        best.name == "alternative",
        best.shared,
        any(match.name for match in matches),
        best.gate,
        max([match.gate for match in matches]),
    )


def _single_evidence(item: Evidence) -> tuple[float, ...]:
    """As `_evidence`, for what one sentence alone names: most candidates."""
    strength, match = item.strength, item.match
    pooled, token, overlap, gate, name = match.pooled, match.token, match.overlap, match.gate, match.name
    return (
        strength,
        -1.0,
        strength / 3,
        1 - (1 - strength),
        match.confidence,
        1,
        strength > STRONG,
        pooled,
        token,
        match.fused,
        pooled,
        token,
        match.margin,
        match.place,
        overlap,
        overlap,
        name == "preferred",
        name == "variant",
        name == "alternative",
        match.shared,
        name != "",
        gate,
        gate,
    )


def _place(document: Document, candidate: Candidate) -> tuple[float, ...]:
    by_section: dict[str, float] = {}
    in_title = 0.0
    for item in candidate.evidence:
        section = item.sentence.section
        by_section[section] = by_section.get(section, 0.0) + item.strength
        if section == "title":
            in_title = max(in_title, item.match.confidence)
    whole = sum(by_section.values()) or 1.0
    boilerplate = sum([strength for section, strength in by_section.items() if section in BOILERPLATE])
    return (
        in_title,
        *[by_section.get(name, 0.0) / whole for name in _SHARES],
        boilerplate / whole,
        candidate.best.number / len(document.sentences),
        len(document.sentences),
    )


def _sentence(candidate: Candidate) -> tuple[float, ...]:
    best = candidate.best
    text, start = best.sentence.text, best.match.start
    return (
        len(text),
        len(text.split(maxsplit=3)) <= 3,
        start / len(text),
        text.count(","),
        text.endswith(":"),
    )


def _words(
    candidate: Candidate, here: Collection[str], counts: Mapping[str, int], facts: LabelFacts
) -> tuple[float, ...]:
    """How the words that prove the skill, those of its label and those of the posting agree."""
    best, label = candidate.best, facts[candidate.skill]
    words, text = best.words, best.sentence.text
    proof = _stem_set(words)
    weights, order = label.weights, label.stems
    whole = sum(weights.values()) or 1.0
    missing = [weight for stem, weight in weights.items() if stem not in counts]
    missing_here = [weight for stem, weight in weights.items() if stem not in here]
    shared = proof & weights.keys()
    return (
        len(words.split()),
        len(words) / len(text),
        best.match.start > 0 and words[:1].isupper(),
        len(shared) / max(1, len(proof)),
        sum([weights[stem] for stem in shared]) / whole,
        1 - sum(missing) / whole,
        max(missing, default=0.0),
        len(missing),
        max(missing_here, default=0.0),
        len(missing_here),
        order[0] in here if order else -1.0,
        order[-1] in here if order else -1.0,
        order[-1] in counts if order else -1.0,
        max([facts.rarity.get(stem, 10.0) for stem in proof], default=0.0),
        sum([stem in facts.rarity for stem in proof]) / max(1, len(proof)),
        max([counts.get(stem, 0) for stem in proof], default=0),
        -1.0 if shared else _likest(proof, weights),
        label.knowledge,
    )


@lru_cache(maxsize=16384)
def _stem_set(words: str) -> frozenset[str]:
    return frozenset(content_stems(words))


def _likest(words: Collection[str], others: Mapping[str, float]) -> float:
    """How alike in letters two words with the same first letter are at best: "perl" and "perk" are .75."""
    return max((_letters(a, b) for a in words for b in others if a[0] == b[0]), default=0.0)


@lru_cache(maxsize=65536)
def _letters(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b).ratio()
