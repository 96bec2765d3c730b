"""A training pair, and what makes a text fit for one."""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum

import msgspec

__all__ = ["BadRow", "Kind", "TrainingPair", "make_pair", "normalise", "text_id"]

# Longer texts say no more to an encoder that reads 256 tokens.
MAX_CHARACTERS = 4_000


class Kind(StrEnum):
    """What the anchor of a pair is to its positive; recipes weigh pairs by it."""

    SENTENCE = "sentence"  # a sentence of a posting → a skill that it asks for
    SPAN = "span"  # a sentence of a posting → the words in it that name a skill
    PHRASE = "phrase"  # how postings put it → the skill
    ALTERNATIVE = "alternative"  # alternative label → preferred label
    DESCRIPTION = "description"  # description of a skill → its label
    TASK = "task"  # a task of an occupation → the work activity behind it
    TOOL = "tool"  # a product → what kind of tool it is
    ROLE = "role"  # description of a role → text that lists its skills


class TrainingPair(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Two texts that belong together. `positive` is what a query like `anchor` should find.

    `negatives` are texts that lie near the anchor and are wrong for it, the hardest first; none unless they
    were mined.
    """

    anchor: str
    positive: str
    kind: str
    source: str
    negatives: tuple[str, ...] = ()


class BadRow(msgspec.Struct, frozen=True, array_like=True):
    """A row of an input that makes no pair: counted by reason, never fatal."""

    source: str
    reason: str


def normalise(text: str) -> str:
    """NFC, control characters and runs of white space as one space; `""` if nothing is left.

    Lone surrogates (no UTF-8 can hold them) count as white space.
    """
    text = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cs") else c for c in unicodedata.normalize("NFC", text)
    )
    return " ".join(text.split())


def make_pair(anchor: object, positive: object, kind: str, source: str) -> TrainingPair | BadRow:
    """The pair of two texts, normalised, or why there is none."""
    if not isinstance(anchor, str) or not isinstance(positive, str):
        return BadRow(source, "not text")
    anchor, positive = normalise(anchor), normalise(positive)
    if not anchor or not positive:
        return BadRow(source, "empty text")
    if max(len(anchor), len(positive)) > MAX_CHARACTERS:
        return BadRow(source, f"longer than {MAX_CHARACTERS} characters")
    if anchor.casefold() == positive.casefold():
        return BadRow(source, "both sides the same")
    return TrainingPair(anchor, positive, str(kind), source)


def text_id(text: str) -> int:
    """63 bits that stand for a text, without regard to case."""
    return int.from_bytes(hashlib.blake2b(text.casefold().encode(), digest_size=8).digest(), "big") >> 1
