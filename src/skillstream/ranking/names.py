"""Which names of a taxonomy's skills are fit to be looked for in text, and how strictly.

Taxonomies hold names that mean their skill only in their place: ESCO has "data" for statistics, "form" for
design principles and "?" for three skills. The rules were made by looking at what is found in real postings.
They are about form and counts, so that they serve any taxonomy, and one short list of names
(`data/ambiguous_names.csv`).
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Literal

import msgspec

from skillstream.ranking.words import normal_words

__all__ = ["Kind", "Name", "collect_names"]

Kind = Literal["preferred", "variant", "alternative"]
KINDS: tuple[Kind, ...] = ("preferred", "variant", "alternative")
Words = tuple[str, ...]

# A one-word alternative label whose word stands in the names of more skills than this tells none of them:
# "data", "process", "design", "equipment" stand in hundreds.
MAX_SKILLS_OF_WORD = 20

PARENTHESIS = re.compile(r"\s*\([^()]*\)$")

# Alternative labels that begin so are torn from a longer one: "and procedures".
FRAGMENT_STARTS = frozenset({"and", "or", "from"})


class Name(msgspec.Struct, frozen=True):
    """One name to look for.

    Attributes:
        words: its normal form (`skillstream.ranking.words`).
        skills: the skills that have this name.
        kind: what the name is to them; the surest kind that any skill has it as.
        written: the spellings that alone count as this name; empty if any does.
    """

    words: Words
    skills: list[int]
    kind: Kind
    written: frozenset[str] = frozenset()


def collect_names(labels: Sequence[str], alt_labels: Sequence[Sequence[str]]) -> list[Name]:
    """The names fit to be looked for, of skill 0, 1, ...; each normal form once.

    Of several skills with one name those keep it that have it as the surest kind: that ESCO also has "SQL" as
    an alternative label of "database management systems" is of no use to anybody.
    """
    owners: dict[Words, dict[Kind, dict[int, None]]] = {}
    spellings: dict[Words, set[str]] = {}
    skills_of_word: Counter[str] = Counter()
    for skill, label in enumerate(labels):
        of_skill: set[str] = set()
        for kind, name in _spelled_names(label, alt_labels[skill]):
            words = tuple(normal_words(name))
            of_skill.update(words)
            if _is_fit(words, kind):
                owners.setdefault(words, {}).setdefault(kind, {})[skill] = None
                spellings.setdefault(words, set()).add(name)
        for words in _gerunds(normal_words(label)):
            owners.setdefault(words, {}).setdefault("variant", {})[skill] = None
        skills_of_word.update(of_skill)
    names = []
    for words, by_kind in owners.items():
        kind = next(kind for kind in KINDS if kind in by_kind)
        skills = list(by_kind[kind])
        vague = len(skills) > 1 or skills_of_word[words[0]] > MAX_SKILLS_OF_WORD
        if not (kind == "alternative" and len(words) == 1 and vague):
            names.append(Name(words, skills, kind, _written(words, spellings.get(words, set()))))
    return names


def _spelled_names(label: str, alt_labels: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """The names of a skill: labels as they are, and "Java (computer programming)" also as "Java"."""
    yield "preferred", label
    if label.endswith(")"):
        yield "variant", PARENTHESIS.sub("", label)
    for name in alt_labels:
        yield "alternative", name
        if name.endswith(")"):
            yield "alternative", PARENTHESIS.sub("", name)


def _gerunds(words: Sequence[str]) -> Iterator[Words]:
    """A label that begins with a verb, as postings put it: "solving problems", "problem solving".

    Whether the first word is a verb is not asked: of other labels this makes names that nobody writes.
    """
    if len(words) > 1 and words[0].isalpha():
        verb = _gerund(words[0])
        yield (verb, *words[1:])
        if len(words) == 2:
            yield (words[1], verb)


def _gerund(verb: str) -> str:
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")):
        return verb[:-1] + "ing"
    if re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", verb):  # plan, set, cut
        return verb + verb[-1] + "ing"
    return verb + "ing"


def _is_fit(words: Words, kind: Kind) -> bool:
    if not any(character.isalpha() for word in words for character in word):
        return False
    if kind == "alternative" and words[0] in FRAGMENT_STARTS:
        return False
    return " ".join(words) not in _ambiguous_names("never")


def _written(words: Words, spellings: set[str]) -> frozenset[str]:
    """The spellings that alone count, for ordinary words, two capitals ("HR") and single letters."""
    if len(words) > 1 or any(name == name.lower() for name in spellings):
        return frozenset()
    short = len(words[0]) <= 2 and all(name.isupper() for name in spellings)
    return frozenset(spellings) if short or words[0] in _ambiguous_names("as-written") else frozenset()


@cache
def _ambiguous_names(rule: str) -> frozenset[str]:
    """Names of the data table under a rule, in normal form.

    - `as-written`: ordinary words that are also names with a capital ("IT", "LESS", "Access", "Go"): found
      only as the taxonomy writes them, and not where any word has a capital.
    - `never`: names that stand in postings for something else, whatever the counts say.
    """
    text = (resources.files("skillstream") / "data" / "ambiguous_names.csv").read_text("utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["rule"] == rule)
