"""The exact lane: names of skills that stand in a sentence, word for word.

Aho–Corasick runs over *words*, not characters: every word of a name is given one code point, a sentence
becomes a string with one code point a word, and a name is found as a substring of it. So matches are whole
words by construction, positions are word numbers, and all tolerance (case, plural, hyphens, spelling) lies in
the normal form of words (`skillstream.ranking.words`). Which names are looked for is decided in
`skillstream.ranking.names`, whether an ordinary word is meant as one in `skillstream.ranking.name_context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from ahocorasick_rs import AhoCorasick, MatchKind

from skillstream.ranking.kept import kept
from skillstream.ranking.name_context import Mention, contexts
from skillstream.ranking.names import Kind, Name, collect_names
from skillstream.ranking.words import PIECE, WORD, lower, normal_word
from skillstream.taxonomy import Skill

if TYPE_CHECKING:
    from skillstream.index import SkillsIndex

__all__ = ["ExactMatch", "ExactMatcher"]

UNKNOWN = "\x01"  # stands for every word that no name has
FIRST_CODE = 0x100
MEMO_CHUNKS = 200_000  # pieces of text whose codes are remembered: about 30 MB


class ExactMatch(msgspec.Struct, frozen=True, gc=False):
    """One skill named in a sentence.

    Attributes:
        skill: number of the skill.
        start, end: characters of the sentence, half-open.
        kind: `preferred` label, its `variant` without the parenthesis, or `alternative` label.
        shared: how many skills have this name as their `kind`; more than one means it is ambiguous.
        context: how sure it is that the words are meant as this name, in [0.5, 1].
    """

    skill: int
    start: int
    end: int
    kind: Kind
    shared: int
    context: float = 1.0

    @property
    def preferred(self) -> bool:
        """Whether the preferred label stands there, in full or without its parenthesis."""
        return self.kind != "alternative"


class ExactMatcher:
    """Finds the names of a taxonomy's skills in sentences."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        """Takes skill 0, 1, ... with their labels."""
        self._names = kept(collect_names, skills, list[Name])
        words = dict.fromkeys(word for name in self._names for word in name.words)
        self._codes = _Codes({word: _code(number) for number, word in enumerate(words)})
        patterns = ["".join([self._codes.of_word[word] for word in name.words]) for name in self._names]
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest)

    @classmethod
    def for_index(cls, index: SkillsIndex) -> ExactMatcher:
        """The matcher for the skills of an index."""
        return cls(index.skills)

    def find(self, sentence: str) -> list[ExactMatch]:
        """Skills named in the sentence, from left to right; of overlapping names the longest.

        A name that several skills have gives a match for each of them.
        """
        lowered = lower(sentence)
        coded = "".join(map(self._codes.__getitem__, lowered.split()))
        found = self._automaton.find_matches_as_indexes(coded)
        if not found:
            return []
        spans = list(self._spans(lowered))
        mentions = [
            Mention(self._names[number], spans[first][0], spans[last - 1][1]) for number, first, last in found
        ]
        matches = []
        for mention, context in zip(mentions, contexts(sentence, mentions), strict=True):
            if context > 0:
                name, shared = mention.name, len(mention.name.skills)
                matches += [
                    ExactMatch(skill, mention.start, mention.end, name.kind, shared, context)
                    for skill in name.skills
                ]
        return matches

    def _spans(self, lowered: str) -> Iterator[tuple[int, int]]:
        """The characters that each code of the sentence stands for."""
        for match in WORD.finditer(lowered):
            codes = self._codes[match.group()]  # a word's codes do not depend on what stands beside it
            if len(codes) == 1:
                yield match.span()
            elif codes:
                yield from (piece.span() for piece in PIECE.finditer(lowered, *match.span()))


class _Codes(dict[str, str]):
    """From lower-case text without blanks ("java," or "c++/c#") to the codes of its words, remembered.

    Taking sentences apart at blanks and looking the pieces up is twice as quick as a regular expression over
    the whole sentence.
    """

    def __init__(self, of_word: dict[str, str]) -> None:
        super().__init__()
        self.of_word = of_word

    def __missing__(self, chunk: str) -> str:
        codes = "".join(map(self._of_word, WORD.findall(chunk)))
        if len(self) < MEMO_CHUNKS:
            self[chunk] = codes
        return codes

    def _of_word(self, word: str) -> str:
        """One code; none for an article; several for an unknown word with marks, which is taken apart."""
        normal = normal_word(word)
        code = self.of_word.get(normal, UNKNOWN) if normal else ""
        if code != UNKNOWN or word.isalnum():
            return code
        return "".join(map(self._of_piece, PIECE.findall(word)))

    def _of_piece(self, piece: str) -> str:
        """A letter alone is none of our words here: "S.R.O." does not name R."""
        known = self.of_word.get(normal_word(piece), UNKNOWN)
        return UNKNOWN if len(piece) == 1 and piece.isalpha() else known


def _code(number: int) -> str:
    """The number-th code point that may stand in a string: no surrogates."""
    point = FIRST_CODE + number
    return chr(point if point < 0xD800 else point + 0x800)
