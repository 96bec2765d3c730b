"""Which names of a taxonomy's skills are fit to be looked for in text, and how strictly.

Taxonomies hold names that mean their skill only in their place: ESCO has "data" for statistics, "form" for
design principles and "?" for three skills. The rules here were made by looking at what fires in real postings;
they are about form and counts, so that they serve any taxonomy, and two short lists of words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec

from skillstream.words import normal_words

__all__ = ["Kind", "Name", "collect_names"]

Kind = Literal["preferred", "variant", "alternative"]
KINDS: tuple[Kind, ...] = ("preferred", "variant", "alternative")

# A one-word alternative label whose word stands in the names of more skills than this tells none of them:
# "data", "process", "design", "equipment" stand in hundreds.
MAX_SKILLS_OF_WORD = 20

# Ordinary words that are also names written with a capital ("IT", "LESS", "Access", "Go"): these are matched
# only as the taxonomy writes them, and not where any word has a capital.
ORDINARY_WORDS = frozenset(
    """
    absorb access ada analyze assembly bash basic bootstrap camel canvas chef clipper did dig drive eclipse etc
    excel express fear flask forth go groovy harvest hr is it juris keynote latin led less magic maven oracle
    outlook pages pascal polish prince puppet r re react reduce rest route ruby rust safari salt sand scala scheme
    scratch shell shiny slack source spark spring square st swift tableau tanks teams unity vigilant windows word
    zoom
    """.split()
)
# One-word alternative labels that stand in postings for something else, whatever the count says.
VAGUE_WORDS = frozenset(
    """
    abstract banking breaking climb confidence conversation correspondence craft delight dust experiment frame google
    integrity interaction lock motor noise predict prediction recovery reserve resistance retrieval sound sustainability
    texture tie transformer
    """.split()
)
# Alternative labels that begin so are torn from a longer one: "and procedures".
FRAGMENT_STARTS = frozenset({"and", "or", "from"})


class Name(msgspec.Struct, frozen=True):
    """One name to look for.

    Attributes:
        words: its normal form (`skillstream.words`).
        skills: the skills that have this name.
        kind: what the name is to them; the surest kind that any skill has it as.
        written: `None`, or the spellings that alone count as this name.
    """

    words: tuple[str, ...]
    skills: list[int]
    kind: Kind
    written: frozenset[str] | None


def collect_names(labels: Sequence[str], alt_labels: Sequence[Sequence[str]]) -> list[Name]:
    """The names fit to be looked for, of skill 0, 1, ...; each normal form once.

    A skill that has a name as its preferred label keeps it for itself: that ESCO also has "SQL" as an
    alternative label of "database management systems" is of no use to anybody.
    """
    skills: dict[tuple[str, ...], dict[Kind, dict[int, None]]] = {}
    spellings: dict[tuple[str, ...], set[str]] = {}
    for skill, label in enumerate(labels):
        for kind, name in _names(label, alt_labels[skill]):
            words = tuple(normal_words(name))
            if _is_name(words, kind):
                skills.setdefault(words, {}).setdefault(kind, {})[skill] = None
                spellings.setdefault(words, set()).add(name)
    counts = _skills_of_words(labels, alt_labels)
    names = []
    for words, by_kind in skills.items():
        kind = next(kind for kind in KINDS if kind in by_kind)
        owners = list(by_kind[kind])
        if (
            kind == "alternative"
            and len(words) == 1
            and (len(owners) > 1 or counts[words[0]] > MAX_SKILLS_OF_WORD)
        ):
            continue
        names.append(Name(words, owners, kind, _written(words, spellings[words])))
    return names


def _names(label: str, alt_labels: Sequence[str]) -> list[tuple[Kind, str]]:
    names: list[tuple[Kind, str]] = [("preferred", label), ("variant", _without_parenthesis(label))]
    for name in alt_labels:
        names += [("alternative", name), ("alternative", _without_parenthesis(name))]
    return names


def _without_parenthesis(name: str) -> str:
    """ "Java (computer programming)" → "Java"."""
    return re.sub(r"\s*\([^()]*\)$", "", name)


def _is_name(words: tuple[str, ...], kind: Kind) -> bool:
    if not any(character.isalpha() for word in words for character in word):
        return False
    if kind != "alternative":
        return True
    return words[0] not in FRAGMENT_STARTS and not (len(words) == 1 and words[0] in VAGUE_WORDS)


def _written(words: tuple[str, ...], spellings: set[str]) -> frozenset[str] | None:
    """The spellings that alone count, for ordinary words, two capitals ("HR") and single letters."""
    if len(words) > 1 or any(name == name.lower() for name in spellings):
        return None
    short = len(words[0]) <= 2 and all(name.isupper() for name in spellings)
    return frozenset(spellings) if short or words[0] in ORDINARY_WORDS else None


def _skills_of_words(labels: Sequence[str], alt_labels: Sequence[Sequence[str]]) -> Counter[str]:
    """In the names of how many skills each word stands."""
    counts: Counter[str] = Counter()
    for label, others in zip(labels, alt_labels, strict=True):
        counts.update({word for name in (label, *others) for word in normal_words(name)})
    return counts
