"""What a careful reader looks at when judging a candidate: numbers for each candidate of a posting.

    candidates = gather(document, matches)
    features = posting_features(document, candidates, facts, index.vectors)

Nothing is fitted here, and nothing depends on which encoder made the vectors. `POSTING_FEATURES` says for
each feature what it is and which kind of reason it belongs to.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from skillstream.postings import BOILERPLATE, Document
from skillstream.ranking.candidates import Candidate, Evidence
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.word_overlap import content_stems

__all__ = ["POSTING_FEATURES", "posting_features"]

Floats = npt.NDArray[np.float32]

# name → (kind of reason, what it is)
POSTING_FEATURES: Mapping[str, tuple[str, str]] = {
    # of one candidate by itself, in the order in which they are computed below
    "best": ("evidence", "log-odds of the strongest evidence"),
    "second": ("evidence", "log-odds of the second evidence, -9 if there is none"),
    "mean3": ("evidence", "log-odds of the mean of the three strongest"),
    "any": ("evidence", "log-odds that any evidence is right, were they independent"),
    "confidence": ("evidence", "log-odds of the best confidence, whatever the section"),
    "mentions": ("evidence", "number of sentences that name it"),
    "strong_mentions": ("evidence", "number of sentences with a strength of 0.3 or more"),
    "pooled": ("meaning", "cosine of best sentence and label"),
    "token": ("meaning", "token-level match of best sentence and label"),
    "fused": ("meaning", "fused score of the best sentence"),
    "pooled_max": ("meaning", "best cosine of any sentence"),
    "token_max": ("meaning", "best token-level match of any sentence"),
    "margin": ("rivals", "distance to the best skill of the sentence"),
    "place": ("rivals", "skills that fit the sentence better"),
    "overlap": ("words", "share of the label's words that are in the best sentence"),
    "overlap_max": ("words", "best share of any sentence"),
    "preferred": ("name", "the preferred label is there, word for word"),
    "variant": ("name", "the label without its parenthesis is there"),
    "alternative": ("name", "an alternative label is there"),
    "shared": ("name", "log2 of how many skills have that name"),
    "named": ("name", "some sentence has a name of it"),
    "gate": ("sentence", "log-odds that the best sentence names a skill"),
    "gate_max": ("sentence", "the same, best of all sentences"),
    "in_title": ("place", "best confidence in the title, 0 if it is not in it"),
    "share_title": ("place", "share of the evidence in the title"),
    "share_requirements": ("place", "share of the evidence in requirements"),
    "share_responsibilities": ("place", "share of the evidence in responsibilities"),
    "share_other": ("place", "share of the evidence in no known section"),
    "share_nice_to_have": ("place", "share of the evidence in nice-to-have sections"),
    "share_education": ("place", "share of the evidence in education"),
    "share_boilerplate": ("place", "share of the evidence in boilerplate"),
    "position": ("place", "place of the best sentence in the posting, from 0 to 1"),
    "sentences": ("posting", "sentences of the posting"),
    "length": ("sentence", "characters of the best sentence"),
    "short": ("sentence", "the best sentence has three words or fewer"),
    "start": ("sentence", "where the words start in the sentence, from 0 to 1"),
    "commas": ("sentence", "commas of the best sentence"),
    "colon": ("sentence", "the best sentence ends with a colon"),
    "words": ("words", "number of words that prove it"),
    "words_share": ("words", "their share of the sentence's characters"),
    "capital": ("words", "they begin with a capital inside the sentence"),
    "words_in_label": ("words", "share of these words that the label has"),
    "label_in_words": ("words", "share of the label that these words have"),
    "label_in_posting": ("words", "share of the label's words that the posting has anywhere"),
    "ungrounded": ("words", "rarest word of the label that the posting never says"),
    "ungrounded_words": ("words", "number of such words"),
    "ungrounded_here": ("words", "rarest word of the label that the sentence does not say"),
    "ungrounded_words_here": ("words", "number of such words"),
    "first_word": ("words", "the label's first word is in the sentence"),
    "last_word": ("words", "the label's last word is in the sentence"),
    "last_word_anywhere": ("words", "the label's last word is in the posting"),
    "rarity": ("words", "rarity among labels of the rarest word that proves it"),
    "known": ("words", "share of the proving words that any label has"),
    "repeats": ("words", "how often the posting says the most frequent of them"),
    "spelling": ("words", "likeness in letters to a word of the label, -1 if they share a word"),
    "knowledge": ("label", "it is knowledge rather than a skill"),
    # of its label (`LabelFacts.form`)
    "label_words": ("label", "words of the label"),
    "label_length": ("label", "characters of the label"),
    "label_rarity": ("label", "rarity of all its words together"),
    "label_rarest": ("label", "rarity of its rarest word"),
    "label_commonest": ("label", "rarity of its commonest word"),
    # of all candidates beside each other
    "fits": ("agreement", "cosine with the other candidates together"),
    "neighbours": ("agreement", "mean cosine with the three most alike strong candidates"),
    "group_fellows": ("agreement", "strong candidates of the same taxonomy groups"),
    "strong": ("posting", "strong candidates of the posting"),
    "candidates": ("posting", "candidates of the posting"),
    "strength": ("posting", "mean strength of the ten strongest"),
    "rank": ("rivals", "candidates with stronger evidence"),
    "rank_fused": ("rivals", "candidates with a better fused score"),
    "sentence_skills": ("sentence", "candidates whose best evidence is in the same sentence"),
    "rivals": ("rivals", "candidates on the same words"),
    "rival_rank": ("rivals", "of these with a better score"),
    "rival_margin": ("rivals", "fused score minus that of the best other one of these, 1 if there is none"),
    "rival_likeness": ("rivals", "cosine with the most alike of the better ones"),
    "rival_named": ("rivals", "one of these is named word for word"),
    "twin": ("rivals", "cosine with the most alike candidate that has stronger evidence"),
}
_NUMBER = {name: i for i, name in enumerate(POSTING_FEATURES)}
_SHARES = ("title", "requirements", "responsibilities", "other", "nice_to_have", "education")
_OWN = slice(0, _NUMBER["knowledge"] + 1)
_CHANCES = slice(_NUMBER["best"], _NUMBER["confidence"] + 1)
_FORM = slice(_NUMBER["label_words"], _NUMBER["label_commonest"] + 1)

STRONG = 0.3


def posting_features(
    document: Document, candidates: Sequence[Candidate], facts: LabelFacts, vectors: Floats
) -> Floats:
    """Features of all candidates of one posting.

    Args:
        document: the posting.
        candidates: n candidates, strongest first (`skillstream.ranking.candidates.gather`).
        facts: of the labels of the index.
        vectors: float32[n_skills, dim], vectors of the labels, L2-normalised.

    Returns:
        float32[n, len(POSTING_FEATURES)], columns in the order of `POSTING_FEATURES`.
    """
    features = np.zeros((len(candidates), len(POSTING_FEATURES)), np.float32)
    if not candidates:
        return features
    skills = [candidate.skill for candidate in candidates]
    features[:, _FORM] = facts.form[skills]
    counts = Counter(content_stems(document.text))
    table = []
    for candidate in candidates:
        table.append(
            _evidence(candidate)
            + _place(document, candidate)
            + _sentence(candidate)
            + _words(candidate, _stem_set(candidate.best.sentence.text), counts, facts)
        )
    own = np.array(table)
    own[:, _CHANCES] = _log_odds(own[:, _CHANCES])
    features[:, _OWN] = own
    similarity = vectors[skills] @ vectors[skills].T
    for name, column in (_agreement(candidates, similarity, facts) | _rivals(candidates, similarity)).items():
        features[:, _NUMBER[name]] = column
    return features


# --- one candidate by itself ----------------------------------------------------------------------------


def _evidence(candidate: Candidate) -> tuple[float, ...]:
    """The features of kind "evidence" and those that are of the best of all sentences.

    The first five are chances, of which the caller takes the log-odds for all candidates at once; where there
    is no second evidence, its chance is negative.
    """
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
    best, skill = candidate.best, candidate.skill
    words, text = best.words, best.sentence.text
    proof = _stem_set(words)
    weights, order = facts.weights[skill], facts.stems[skill]
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
        facts.knowledge[skill],
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


def _log_odds(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log-odds; of what is negative, and so no chance, -9."""
    bounded = np.clip(chances, 1e-4, 1 - 1e-4)
    return np.where(chances < 0, -9.0, np.log(bounded / (1 - bounded)))


# --- candidates beside each other -------------------------------------------------------------------------


def _agreement(
    candidates: Sequence[Candidate], similarity: Floats, facts: LabelFacts
) -> dict[str, Floats | float]:
    strengths = np.array([candidate.best.strength for candidate in candidates], np.float32)
    weights = strengths**2
    # Cosine with the weighed sum of all others, from similarities alone: w·s without the own part,
    # divided by that sum's length.
    toward = similarity @ weights
    own = np.diagonal(similarity) * weights
    squares = weights @ toward - 2 * weights * toward + weights * own
    fits = (toward - own) / np.sqrt(np.maximum(squares, 1e-9))
    strong = strengths > STRONG
    others = np.where(strong, similarity, 0.0)
    np.fill_diagonal(others, 0.0)
    fellows = Counter(
        group
        for candidate, counted in zip(candidates, strong, strict=True)
        if counted
        for group in facts.groups[candidate.skill]
    )
    return {
        "fits": np.where(squares > 1e-9, fits, 0.0).astype(np.float32),
        "neighbours": np.sort(np.pad(others, ((0, 0), (3, 0))), axis=1)[:, -3:].mean(axis=1),
        "group_fellows": np.array(
            [
                max((fellows[group] for group in facts.groups[candidate.skill]), default=0) - int(counted)
                for candidate, counted in zip(candidates, strong, strict=True)
            ],
            np.float32,
        ),
        "strong": strong.sum() - strong.astype(np.float32),
        "candidates": len(candidates),
        "strength": float(strengths[:10].mean()),
    }


def _rivals(candidates: Sequence[Candidate], similarity: Floats) -> dict[str, Floats]:
    best = [candidate.best for candidate in candidates]
    number = np.array([item.number for item in best])
    start = np.array([item.start for item in best])
    end = np.array([item.end for item in best])
    fused = np.array([item.match.fused for item in best], np.float32)
    strengths = np.array([item.strength for item in best], np.float32)
    named = np.array([bool(item.match.name) for item in best])
    others = ~np.eye(len(best), dtype=bool)
    same = number[:, None] == number
    rivals = same & (start[:, None] < end) & (start < end[:, None]) & others
    better = fused > fused[:, None]
    top = np.where(rivals, fused, -np.inf).max(axis=1)
    stronger = strengths > strengths[:, None]
    return {
        "rank": stronger.sum(axis=1).astype(np.float32),
        "rank_fused": better.sum(axis=1).astype(np.float32),
        "sentence_skills": same.sum(axis=1).astype(np.float32),
        "rivals": rivals.sum(axis=1).astype(np.float32),
        "rival_rank": (rivals & better).sum(axis=1).astype(np.float32),
        "rival_margin": np.where(rivals.any(axis=1), fused - top, 1.0).astype(np.float32),
        "rival_likeness": np.where(rivals & better, similarity, 0.0).max(axis=1),
        "rival_named": (rivals & named).any(axis=1).astype(np.float32),
        "twin": np.where(stronger, similarity, 0.0).max(axis=1),
    }
