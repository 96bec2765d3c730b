"""What a careful reader looks at when judging a candidate: numbers for each candidate of a posting.

    candidates = gather(document, matches)
    features = posting_features(document, candidates, facts, index.vectors)

Nothing is fitted here, and nothing depends on which encoder made the vectors. `POSTING_FEATURES` says for
each feature what it is and which kind of reason it belongs to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from skillstream.postings import Document
from skillstream.ranking.candidate_features import STRONG, candidate_features
from skillstream.ranking.candidates import Candidate
from skillstream.ranking.label_facts import LabelFacts
from skillstream.ranking.word_overlap import content_stems

__all__ = ["POSTING_FEATURES", "posting_features"]

Floats = npt.NDArray[np.float32]

# name → (kind of reason, what it is)
POSTING_FEATURES: Mapping[str, tuple[str, str]] = {
    # of one candidate by itself, in the order of `candidate_features`
    "best": ("evidence", "log-odds of the strongest evidence"),
    "second": ("evidence", "log-odds of the second evidence, -9 if there is none"),
    "mean3": ("evidence", "log-odds of the mean of the three strongest"),
    "any": ("evidence", "log-odds that any evidence is right, were they independent"),
    "confidence": ("evidence", "log-odds of the best confidence, whatever the section"),
    "mentions": ("evidence", "number of sentences that name it"),
    "strong_mentions": ("evidence", "number of sentences with a strength above 0.3"),
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
_OWN = slice(0, _NUMBER["knowledge"] + 1)
_CHANCES = slice(_NUMBER["best"], _NUMBER["confidence"] + 1)
_FORM = slice(_NUMBER["label_words"], _NUMBER["label_commonest"] + 1)


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
    features[:, _FORM] = [facts[skill].form for skill in skills]
    counts = Counter(content_stems(document.text))
    own = np.array([candidate_features(document, candidate, counts, facts) for candidate in candidates])
    own[:, _CHANCES] = _log_odds(own[:, _CHANCES])
    features[:, _OWN] = own
    similarity = vectors[skills] @ vectors[skills].T
    for name, column in (_agreement(candidates, similarity, facts) | _rivals(candidates, similarity)).items():
        features[:, _NUMBER[name]] = column
    return features


def _log_odds(chances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log-odds; of what is negative, and so no chance, -9."""
    bounded = np.clip(chances, 1e-4, 1 - 1e-4)
    return np.where(chances < 0, -9.0, np.log(bounded / (1 - bounded)))


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
        for group in facts[candidate.skill].groups
    )
    return {
        "fits": np.where(squares > 1e-9, fits, 0.0).astype(np.float32),
        "neighbours": np.sort(np.pad(others, ((0, 0), (3, 0))), axis=1)[:, -3:].mean(axis=1),
        "group_fellows": np.array(
            [
                max((fellows[group] for group in facts[candidate.skill].groups), default=0) - int(counted)
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
