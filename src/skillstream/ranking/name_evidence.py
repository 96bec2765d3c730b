"""Names prove nothing by their spelling: Docker is no dock, Perks is not Perl.

The encoder reads pieces of words, so that a proper name draws labels that begin alike. A semantic match
that rests on a name alone is dropped if the label is alike in letters only, or if no taxonomy knows the name.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from skillstream.ranking.words import WORD, lower, normal_word, normal_words
from skillstream.taxonomy import Skill

__all__ = ["known_words", "rests_on_name"]

# Words that begin with so many letters in common look alike: dock(er), spring, jig(ger).
ALIKE = 3


def known_words(skills: Iterable[Skill]) -> frozenset[str]:
    """All words, in normal form, of the names of skills that are more than proper names themselves."""
    return frozenset(
        word
        for skill in skills
        if not skill.name_only
        for name in (skill.label, *skill.alt_labels)
        for word in normal_words(name)
    )


def rests_on_name(
    sentence: str,
    start: int,
    end: int,
    label: str,
    names: Sequence[tuple[int, int]],
    known: Container[str],
) -> bool:
    """Whether nothing but a name, in letters like the label or unknown, proves a label.

    Args:
        sentence: the text.
        start: first character of the words that prove the label.
        end: character behind them.
        label: what they are said to prove.
        names: characters of the proper names found in the sentence.
        known: the words of the taxonomies (`known_words`).
    """
    telling = [match.span() for match in WORD.finditer(sentence, start, end) if _tells(match.group())]
    for name_start, name_end in names:
        if telling and all(name_start <= first and last <= name_end for first, last in telling):
            return _alike(sentence[name_start:name_end], label)
    words = WORD.findall(sentence[start:end])
    inside = any(character.isalnum() for character in sentence[:start])
    lower_before = any(character.islower() for character in sentence[:start])
    return (
        inside
        and lower_before
        and len(words) == 1
        and any(character.isupper() for character in words[0])
        and words[0].isalpha()
        and normal_word(lower(words[0])) not in known
    )


def _tells(word: str) -> bool:
    """Whether a word of the evidence is more than "is" or "in"."""
    return len(word) > 3 or not word.islower()


def _alike(name: str, label: str) -> bool:
    """Whether a word of the label begins as one of the name does, or is one."""
    words = [word for word in normal_words(label) if len(word) >= ALIKE]
    return any(
        word[:ALIKE] == other[:ALIKE] for other in normal_words(name) if len(other) >= ALIKE for word in words
    )
