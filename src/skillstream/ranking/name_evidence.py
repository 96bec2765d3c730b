"""Names prove nothing by their spelling: Docker is no dock, Perks is not Perl.

The encoder reads pieces of words, so that a proper name draws labels that begin alike. A semantic match
that rests on a name alone is dropped if the label is alike in letters only, or if no taxonomy knows the name.
What the words of a name say still counts: "Google Analytics" is web analytics, "SQL queries" are queries.
"""

from __future__ import annotations

from collections.abc import Sequence

from skillstream.ranking.kept import kept
from skillstream.ranking.words import WORD, lower, normal_word, normal_words
from skillstream.taxonomy import Skill

__all__ = ["NameEvidence"]

# Words that begin with so many letters in common look alike: dock(er), spring, jig(ger).
ALIKE = 3
# ... and a word of which so many are those of no known word is nobody's.
KNOWN = 5


def collect_words(skills: Sequence[Skill]) -> tuple[set[str], set[str]]:
    """Words that are proper names by themselves, and the beginnings of all words of other skills' names."""
    names: set[str] = set()
    known: set[str] = set()
    for skill in skills:
        for name in (skill.label, *skill.alt_labels):
            words = normal_words(name)
            if len(words) == 1 and (skill.name_only or skill.same_as):
                names.add(words[0])
            if not skill.name_only:
                known.update(word[:KNOWN] for word in words)
    return names, known


class NameEvidence:
    """Judges evidence by the names of one index. Immutable after construction."""

    def __init__(self, skills: Sequence[Skill]) -> None:
        """Takes all skills of the index."""
        self._names, self._known = kept(collect_words, skills, tuple[set[str], set[str]])

    def rests_on_name(
        self, sentence: str, start: int, end: int, label: str, names: Sequence[tuple[int, int]]
    ) -> bool:
        """Whether nothing but a name, in letters like the label or unknown, proves a label.

        Args:
            sentence: the text.
            start: first character of the words that prove the label.
            end: character behind them.
            label: what they are said to prove.
            names: characters of the proper names found in the sentence.
        """
        telling = [match for match in WORD.finditer(sentence, start, end) if _tells(match.group())]
        for first, last in names:
            if telling and all(first <= match.start() and match.end() <= last for match in telling):
                words = [match.group() for match in telling]
                return all(normal_word(lower(word)) in self._names for word in words) and _only_alike(
                    words, label
                )
        return len(telling) == 1 and self._is_unknown_name(sentence, *telling[0].span())

    def _is_unknown_name(self, sentence: str, start: int, end: int) -> bool:
        """Whether a word has a capital inside a sentence, and no label has a word that begins like it."""
        word = sentence[start:end]
        if word.islower() or not word.isalpha() or not any(map(str.islower, sentence[:start])):
            return False
        return normal_word(lower(word))[:KNOWN] not in self._known


def _tells(word: str) -> bool:
    """Whether a word of the evidence is more than "is" or "in"."""
    return len(word) > 3 or not word.islower()


def _only_alike(words: Sequence[str], label: str) -> bool:
    """Whether a word of the label begins as a name does, or is one in small letters, and none is the name."""
    if not set(words).isdisjoint(WORD.findall(label)):
        return False
    starts = {normal_word(lower(word))[:ALIKE] for word in words if len(word) >= ALIKE}
    return any(word[:ALIKE] in starts for word in normal_words(label) if len(word) >= ALIKE)
