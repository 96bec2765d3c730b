"""Which names of a taxonomy's skills are fit to be looked for in text, and how strictly.

Taxonomies hold names that mean their skill only in their place: ESCO has "data" for statistics, "form" for
design principles and "?" for three skills; products are called "Go", "Excel" and "Word". The rules were made
by looking at what is found in real postings. They are about form and counts, so that they serve any
taxonomy; beside them there is one short list of names (`data/ambiguous_names.csv`), and what a taxonomy says
of its own names (`Skill.as_written`, `Skill.in_context`).
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
from skillstream.taxonomy import Skill

__all__ = ["Kind", "Name", "NameTable", "Rule", "collect_names", "name_table"]

Kind = Literal["preferred", "variant", "alternative"]
KINDS: tuple[Kind, ...] = ("preferred", "variant", "alternative")
Words = tuple[str, ...]
# How strictly a name is looked for; how it is judged: `skillstream.ranking.name_context`.
Rule = Literal["any", "as-written", "in-context"]
RULES: tuple[Rule, ...] = ("any", "as-written", "in-context")

# A one-word alternative label whose word stands in the names of more skills than this tells none of them:
# "data", "process", "design", "equipment" stand in hundreds.
MAX_SKILLS_OF_WORD = 20

MAX_WORDS = 255  # of a name; nobody writes longer ones

PARENTHESIS = re.compile(r"\s*\([^()]*\)$")

# Alternative labels that begin so are torn from a longer one: "and procedures".
FRAGMENT_STARTS = frozenset({"and", "or", "from"})


class Name(msgspec.Struct, frozen=True, array_like=True):
    """One name to look for.

    Attributes:
        words: its normal form (`skillstream.ranking.words`), a blank between any two words.
        skills: the skills that have this name.
        kind: what the name is to them; the surest kind that any skill has it as.
        rule: how strictly it is looked for.
        written: the spellings that alone count as this name; empty if `rule` is `any`.
        proper: whether it is the proper name of a product, standard or certificate.
    """

    words: str
    skills: list[int]
    kind: Kind
    rule: Rule = "any"
    written: frozenset[str] = frozenset()
    proper: bool = False


class NameTable(msgspec.Struct, frozen=True, array_like=True):
    """All names to look for, as they are kept: few are ever found, so the others stay encoded.

    Attributes:
        names: words → `Name`, in msgpack.
        words: all words that are in one.
        lengths: the first word of names of one word, and the first two of others → how many words the names
            have that begin so, most first.
    """

    names: dict[str, bytes]
    words: set[str]
    lengths: dict[str, bytes]


def name_table(skills: Sequence[Skill]) -> NameTable:
    """The names fit to be looked for, of skill 0, 1, ..."""
    names = [name for name in collect_names(skills) if name.words.count(" ") < MAX_WORDS]
    lengths: dict[str, set[int]] = {}
    for name in names:
        words = name.words.split(" ")
        lengths.setdefault(" ".join(words[:2]), set()).add(len(words))
    return NameTable(
        names={name.words: msgspec.msgpack.encode(name, order="deterministic") for name in names},
        words={word for name in names for word in name.words.split(" ")},
        lengths={start: bytes(sorted(found, reverse=True)) for start, found in lengths.items()},
    )


def collect_names(skills: Sequence[Skill]) -> list[Name]:
    """The names fit to be looked for, of skill 0, 1, ...; each normal form once.

    Of several skills with one name those keep it that have it as the surest kind: that ESCO also has "SQL" as
    an alternative label of "database management systems" is of no use to anybody. A product of which the
    taxonomy says how it is written keeps its name before all others.
    """
    owners: dict[Words, dict[Kind, dict[int, None]]] = {}
    spellings: dict[tuple[Words, int], set[str]] = {}
    products: dict[Words, set[int]] = {}
    rules: dict[Words, Rule] = {}
    proper: set[Words] = set()
    skills_of_word: Counter[str] = Counter()
    for number, skill in enumerate(skills):
        stated = _stated_rules(skill)
        of_skill: set[str] = set()
        for kind, name in _spelled_names(skill):
            words = tuple(normal_words(name))
            of_skill.update(words)
            named = skill.name_only or words in stated
            if _is_fit(words, kind, stated=named):
                owners.setdefault(words, {}).setdefault(kind, {})[number] = None
                spellings.setdefault((words, number), set()).add(name)
                if skill.name_only and stated.get(words) == "as-written":
                    products.setdefault(words, set()).add(number)
                if words in stated:
                    rules[words] = max(stated[words], rules.get(words, "any"), key=RULES.index)
                if skill.name_only or skill.same_as:
                    proper.add(words)
        if not skill.name_only:
            for words in _gerunds(normal_words(skill.label)):
                owners.setdefault(words, {}).setdefault("variant", {})[number] = None
            skills_of_word.update(of_skill)
    names = []
    for words, by_kind in owners.items():
        first = products.get(words, set())
        kind = next(kind for kind in KINDS if kind in by_kind and (not first or first & by_kind[kind].keys()))
        having = [skill for skill in by_kind[kind] if not first or skill in first]
        vague = len(having) > 1 or skills_of_word[words[0]] > MAX_SKILLS_OF_WORD
        if kind == "alternative" and len(words) == 1 and vague:
            continue
        written = {name for skill in having for name in spellings.get((words, skill), ())}
        rule = rules.get(words) or _rule(words, written)
        spelled = frozenset(written) if rule != "any" else frozenset[str]()
        names.append(Name(" ".join(words), having, kind, rule, spelled, words in proper))
    return names


def _spelled_names(skill: Skill) -> Iterator[tuple[Kind, str]]:
    """The names of a skill: labels as they are, and "Java (computer programming)" also as "Java".

    All names of a product are names of its own; those of a task only say it in other words.
    """
    yield "preferred", skill.label
    if skill.name_only:
        yield from (("variant", name) for name in skill.alt_labels)
        return
    if skill.label.endswith(")"):
        yield "variant", PARENTHESIS.sub("", skill.label)
    stated = {*skill.as_written, *skill.in_context}
    for name in skill.alt_labels:
        yield ("variant" if name in stated else "alternative"), name
        if name.endswith(")"):
            yield "alternative", PARENTHESIS.sub("", name)


def _stated_rules(skill: Skill) -> dict[Words, Rule]:
    """What the taxonomy itself says of the names of a skill; of two rules for one form the stricter."""
    rules: dict[Words, Rule] = {}
    for name in skill.as_written:
        rules[tuple(normal_words(name))] = "as-written"
    for name in skill.in_context:
        rules[tuple(normal_words(name))] = "in-context"
    return rules


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


def _is_fit(words: Words, kind: Kind, *, stated: bool) -> bool:
    if not any(character.isalpha() for word in words for character in word):
        return False
    if kind == "alternative" and words[0] in FRAGMENT_STARTS:
        return False
    return stated or " ".join(words) not in _ambiguous_names("never")


def _rule(words: Words, spellings: set[str]) -> Rule:
    """The rule for ordinary words, two capitals ("HR") and single letters; where the taxonomy states none."""
    if len(words) > 1 or any(name == name.lower() for name in spellings):
        return "any"
    short = len(words[0]) <= 2 and all(name.isupper() for name in spellings)
    return "as-written" if spellings and (short or words[0] in _ambiguous_names("as-written")) else "any"


@cache
def _ambiguous_names(rule: str) -> frozenset[str]:
    """Names of the data table under a rule, in normal form.

    - `as-written`: ordinary words that are also names with a capital ("IT", "LESS", "Access", "Go"): found
      only as the taxonomy writes them, and not where any word has a capital.
    - `never`: names that stand in postings for something else, whatever the counts say.
    """
    text = (resources.files("skillstream") / "data" / "ambiguous_names.csv").read_text("utf-8")
    return frozenset(row["name"] for row in csv.DictReader(text.splitlines()) if row["rule"] == rule)
