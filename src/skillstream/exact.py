"""The exact lane: labels and alternative labels that stand in a sentence, word for word.

Aho–Corasick runs over *words*, not characters: every word that occurs in a label is given one code point, a
sentence becomes a string with one code point a word, and a label is found as a substring of it. So matches are
whole words by construction, positions are word numbers, and all tolerance (case, plural, hyphens) lies in the
dictionary from words to code points.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
from ahocorasick_rs import AhoCorasick, MatchKind

if TYPE_CHECKING:
    from skillstream.index import SkillsIndex

__all__ = ["ExactMatch", "ExactMatcher"]

Kind = Literal["preferred", "alternative", "variant"]

# A word: "Node.js", ".NET", "R&D", "C++", "driver's"; hyphens between words are like blanks; any other mark is
# a word of its own, so that no label is found across a comma.
WORD = re.compile(r"\.?[^\W_]+(?:[.&'’][^\W_]+)*[+#]*|[^\w\s\-‐‑]|(?<!\w)[\-‐‑]|[\-‐‑](?!\w)")
PIECE = re.compile(r"[^\W_]+|[^\w\s]")
UNKNOWN = "\x01"  # stands for every word that no label has


class ExactMatch(msgspec.Struct, frozen=True, gc=False):
    """One skill named in a sentence.

    Attributes:
        skill: number of the skill.
        start, end: characters of the sentence, half-open.
        kind: `preferred` label, `alternative` label, or `variant` (a label without its parenthesis, ...).
        shared: how many skills have this name; more than one means it is ambiguous.
    """

    skill: int
    start: int
    end: int
    kind: Kind
    shared: int

    @property
    def preferred(self) -> bool:
        """Whether the preferred label itself stands there."""
        return self.kind == "preferred"


class ExactMatcher:
    """Finds the names of a taxonomy's skills in sentences."""

    def __init__(self, labels: Sequence[str], alt_labels: Sequence[Sequence[str]]) -> None:
        """Takes the preferred label and the alternative labels of skill 0, 1, ..."""
        names: dict[tuple[str, ...], dict[int, Kind]] = {}
        for skill, label in enumerate(labels):
            for kind, name in _names(label, alt_labels[skill]):
                words = tuple(_normal_words(name))
                if words:
                    names.setdefault(words, {}).setdefault(skill, kind)
        vocabulary = dict.fromkeys(word for words in names for word in words)
        self._codes: dict[str, str] = {}
        for number, word in enumerate(vocabulary):
            code = chr(_code_point(number))
            self._codes.update((surface, code) for surface in _surfaces(word))
        patterns = ["".join(self._codes[word] for word in words) for words in names]
        self._entries = [list(skills.items()) for skills in names.values()]
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest) if patterns else None

    @classmethod
    def for_index(cls, index: SkillsIndex) -> ExactMatcher:
        """The matcher for the skills of an index."""
        return cls(index.labels, [index.alt_labels(i) for i in range(len(index))])

    def find(self, sentence: str) -> list[ExactMatch]:
        """Skills named in the sentence, from left to right; of overlapping names the longest.

        A name that several skills have gives a match for each of them.
        """
        if self._automaton is None:
            return []
        lowered = _lower(sentence)
        coded = "".join(self._encode(word) for word in WORD.findall(lowered))
        found = self._automaton.find_matches_as_indexes(coded)
        if not found:
            return []
        spans = list(self._spans(lowered))
        matches = []
        for pattern, first, last in found:
            start, end = spans[first][0], spans[last - 1][1]
            entries = self._entries[pattern]
            matches += [ExactMatch(skill, start, end, kind, len(entries)) for skill, kind in entries]
        return matches

    def _encode(self, word: str) -> str:
        """The word's code; a word with marks in it that no label has is taken apart."""
        code = self._codes.get(word)
        if code is not None:
            return code
        if word.isalnum():
            return UNKNOWN
        return "".join([self._codes.get(piece, UNKNOWN) for piece in PIECE.findall(word)])

    def _spans(self, lowered: str) -> Iterator[tuple[int, int]]:
        """The characters of every code that `_encode` gives for the sentence."""
        for match in WORD.finditer(lowered):
            word = match.group()
            if word in self._codes or word.isalnum():
                yield match.span()
            else:
                yield from (piece.span() for piece in PIECE.finditer(lowered, *match.span()))


def _names(label: str, alt_labels: Sequence[str]) -> Iterator[tuple[Kind, str]]:
    """Every name of a skill, the surest kind first."""
    yield "preferred", label
    for name in alt_labels:
        yield "alternative", name
    for name in (label, *alt_labels):
        bare = re.sub(r"\s*\([^()]*\)\s*$", "", name)
        if bare != name:
            yield "variant", bare


def _normal_words(name: str) -> list[str]:
    return [_singular(word) for word in WORD.findall(_lower(name))]


def _lower(text: str) -> str:
    """Lower case of the same length: "İ" is the one character whose lower case has another."""
    return text.replace("İ", "I").lower()


def _singular(word: str) -> str:
    """A word without a plain English plural ending, for comparison only."""
    word = word.replace("’", "'").removesuffix("'s")
    if word == "&":
        return "and"
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _surfaces(word: str) -> Iterator[str]:
    """The words of a sentence that `_singular` makes `word` of."""
    endings = [word, word + "s", word + "es", word + "'s", word + "’s"]
    if word.endswith("y"):
        endings.append(word[:-1] + "ies")
    if word == "and":
        endings.append("&")
    return (surface for surface in endings if _singular(surface) == word)


def _code_point(number: int) -> int:
    """The number-th code point that a string may hold, from U+0100 on: no surrogates."""
    point = 0x100 + number
    return point if point < 0xD800 else point + 0x800
