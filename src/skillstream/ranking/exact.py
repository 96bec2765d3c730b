"""The exact lane: names of skills that stand in a sentence, word for word.

A sentence becomes a list of words in normal form; from each word on, the longest name is looked up. So
matches are whole words by construction, and all tolerance (case, plural, hyphens, spelling) lies in the
normal form (`skillstream.ranking.words`). Which names are looked for is decided in
`skillstream.ranking.names`, whether an ordinary word is meant as one in `skillstream.ranking.name_context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from skillstream.ranking.kept import kept
from skillstream.ranking.name_context import Mention, contexts
from skillstream.ranking.names import Kind, Name, NameTable, name_table
from skillstream.ranking.words import PIECE, WORD, lower, normal_word
from skillstream.taxonomy import Skill

if TYPE_CHECKING:
    from skillstream.index import SkillsIndex

__all__ = ["ExactMatch", "ExactMatcher"]

UNKNOWN = ""  # stands for every word that no name has
MEMO_CHUNKS = 200_000  # pieces of text whose words are remembered: about 30 MB


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
        table = kept(name_table, skills, NameTable)
        self._names = _Names(table.names)
        self._lengths = table.lengths
        self._words = _Words(table.words)

    @classmethod
    def for_index(cls, index: SkillsIndex) -> ExactMatcher:
        """The matcher for the skills of an index."""
        return cls(index.skills)

    def find(self, sentence: str) -> list[ExactMatch]:
        """Skills named in the sentence, from left to right; of overlapping names the longest.

        A name that several skills have gives a match for each of them.
        """
        lowered = lower(sentence)
        found = self._longest([word for chunk in lowered.split() for word in self._words[chunk]])
        if not found:
            return []
        spans = list(self._spans(lowered))
        mentions = [Mention(name, spans[first][0], spans[last - 1][1]) for name, first, last in found]
        matches = []
        for mention, context in zip(mentions, contexts(sentence, mentions), strict=True):
            if context > 0:
                name, shared = mention.name, len(mention.name.skills)
                matches += [
                    ExactMatch(skill, mention.start, mention.end, name.kind, shared, context)
                    for skill in name.skills
                ]
        return matches

    def _longest(self, words: list[str]) -> list[tuple[Name, int, int]]:
        """The names among the words, as words [first, last); of two that overlap the first, the longer."""
        found, behind = [], 0
        for first, word in enumerate(words):
            if first >= behind and word and (name := self._name_at(words, first)):
                behind = first + name.words.count(" ") + 1
                found.append((name, first, behind))
        return found

    def _name_at(self, words: list[str], first: int) -> Name | None:
        """The longest name that begins with this word."""
        for start in (" ".join(words[first : first + 2]), words[first]):
            for length in self._lengths.get(start, ()):
                name = self._names[" ".join(words[first : first + length])]
                if name is not None:
                    return name
        return None

    def _spans(self, lowered: str) -> Iterator[tuple[int, int]]:
        """The characters that each word of the sentence stands for."""
        for match in WORD.finditer(lowered):
            words = self._words[match.group()]  # a word's form does not depend on what stands beside it
            if len(words) == 1:
                yield match.span()
            elif words:
                yield from (piece.span() for piece in PIECE.finditer(lowered, *match.span()))


class _Names:
    """From words to the name that they are; decoded once."""

    def __init__(self, encoded: dict[str, bytes]) -> None:
        self._encoded = encoded
        self._decoded: dict[str, Name] = {}

    def __getitem__(self, words: str) -> Name | None:
        name = self._decoded.get(words)
        if name is None and words in self._encoded:
            name = self._decoded[words] = msgspec.msgpack.decode(self._encoded[words], type=Name)
        return name


class _Words(dict[str, list[str]]):
    """From lower-case text without blanks ("java," or "c++/c#") to its words in normal form, remembered.

    Taking sentences apart at blanks and looking the pieces up is twice as quick as a regular expression over
    the whole sentence.
    """

    def __init__(self, known: set[str]) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, chunk: str) -> list[str]:
        words = [form for word in WORD.findall(chunk) for form in self._forms(word)]
        if len(self) < MEMO_CHUNKS:
            self[chunk] = words
        return words

    def _forms(self, word: str) -> list[str]:
        """One word; none for an article; several for an unknown word with marks, which is taken apart."""
        normal = normal_word(word)
        if not normal:
            return []
        if normal in self._known:
            return [normal]
        return [UNKNOWN] if word.isalnum() else [self._piece(piece) for piece in PIECE.findall(word)]

    def _piece(self, piece: str) -> str:
        """A letter alone is none of our words here: "S.R.O." does not name R."""
        normal = normal_word(piece)
        return UNKNOWN if normal not in self._known or (len(piece) == 1 and piece.isalpha()) else normal
