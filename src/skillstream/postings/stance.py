"""What a sentence says of the words that name a skill: asked for, wished for, or not wanted at all.

    "You must know SQL"            SQL is required
    "SQL would be a plus"          wished for
    "No SQL needed"                negated: no tag
    "We offer Spanish lessons"     offered: no tag

A cue counts for the words of its own clause. Clauses end at semicolons, sentence ends, dashes and before
"but", "however" and the like; a cue that follows a list ("Python, Go and SQL are a plus") counts for all.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import StrEnum
from functools import lru_cache

from skillstream.postings.section_words import Section

__all__ = ["UNASKED", "Stance", "is_required", "stance_of"]


class Stance(StrEnum):
    """What a sentence says of its words."""

    REQUIRED = "required"
    WISHED = "wished"
    NEGATED = "negated"
    OFFERED = "offered"
    NEUTRAL = "neutral"


# Evidence of these kinds counts for nothing.
UNASKED = frozenset((Stance.NEGATED, Stance.OFFERED))

_CLAUSE_END = re.compile(
    r"[;:.!?](?=\s|$)|\s[–—-]\s|[()]"
    r"|[,(]?\s+(?=(?:but|however|although|though|while|whereas|yet|instead)\b)"
    r"|,\s+(?=(?:you|we|they|it|this|that|there|no|not)\b)",
    re.IGNORECASE,
)
# Cues farther away than this belong to something else, and a clause has no end in some postings.
_BEFORE, _AFTER = 160, 120
_NEED = r"(?:need(?:ed|s)?|require[ds]?|necessary|expect(?:ed)?|essential|mandatory|wanted|asked for|a must)"
_IDIOM = (
    r"(?:less|later|more|fewer|matter|doubt|one|problem|longer|limit|better|nonsense|fear|two|stranger|"
    r"exceptions?)\b"
)
_UP_TO_FIVE = r"(?:[\w+#.'/-]+[\s,]+){0,5}?"
# Before the words: "no", "do not need", "without". Each is read up to the words.
_NEGATED_BEFORE = re.compile(
    rf"""(?:
      \b(?:no|zero)\s+(?!{_IDIOM}){_UP_TO_FIVE}$
    | \b(?:do|does|did|will|would|is|are|need)(?:\s+not|n't)\s+(?:\w+\s+){{0,3}}?
        (?:need|require|use|have\s+to|expect|know|involve|include)\b(?!\s+only|\s+just).*$
    | \b(?:is|are)(?:\s+not|n't)\s+an?\b.*$
    | \bno\s+need\b.*$
    | \bwithout\s+(?:any\s+|having\s+|prior\s+|previous\s+|the\s+need\s+(?:of|for|to)\s+)*(?:\w+\s+){{0,2}}?$
    | \b(?:rather\s+than|instead\s+of|nothing\s+to\s+do\s+with|not\s+an?)\s+(?:\w+\s+){{0,3}}?$
    )""",
    re.VERBOSE,
)
# Behind them: "... is not required", "... experience not needed".
_NEGATED_AFTER = re.compile(
    r"^(?:[\s,/]+[\w+#.'-]+){0,8}?\s+(?:(?:is|are|was)\s+)?(?:not|isn't|aren't)\s+(?:an?\s+|strictly\s+)?"
    rf"{_NEED}\b"
)
_NO_NEGATION = re.compile(
    r"\bnot\s+(?:only|just|merely|limited|afraid)\b|n't\s+(?:only|just)\b"
    r"|\bno\s+(?:more|less|fewer)\s+than\b|\bwithout\b.*\b(?:cannot|can't|won't|(?:will\s+)?not\s+be)\b"
)
# "Those who do not have a licence will not be considered" asks for a licence.
_CONDITION = re.compile(r"\b(?:who|if\s+you|unless)\b")
_CONSEQUENCE = re.compile(
    r"\b(?:apply|considered|eligible|accepted|qualify|qualified|reject(?:ed)?|disqualif\w+)\b"
)
_NEGATIVE_WORDS = re.compile(r"\b(?:no|not|without)\b|n't\b")  # "without supervision" is the skill itself
_WISHED = re.compile(
    r"\b(?:(?:is|are|would\s+be|will\s+be|as|considered)\s+)?(?:an?\s+)?(?:(?:big|huge|strong|definite|real|added)\s+)?"
    r"(?:plus|bonus|advantage|asset)\b(?!\s+(?:size|payments?|plans?|management|program|allocation|protection|structure))"
    r"|\b(?:preferred|preferably|prefer|desirable|desired|nice[\s-]to[\s-]have|optional(?:ly)?|ideally|beneficial|advantageous)\b"
    r"|\bhelpful\b(?!\s+(?:attitude|manner|person))|\bbonus\s+points\b|\bnot\s+(?:essential|mandatory|a\s+must|strictly\s+\w+)\s+but\b"
    r"|\bwould\s+be\s+(?:nice|great|good|welcome|useful)\b|\ba\s+(?:nice|good)\s+extra\b"
)
# "We offer Spanish lessons", "free Excel courses": the words are what is taught, not what is asked for.
_OFFERED_BEFORE = re.compile(
    r"\b(?:we|company|employer)(?:'ll|\s+will)?(?:\s+also)?\s+(?:offers?|provides?|pays?|sponsors?|gives?|teach)\b"
    r"|\b(?:you|employees|staff)(?:'ll|\s+will)?(?:\s+also)?\s+(?:get|receive|enjoy|be\s+offered|be\s+taught)\b|\bfree\b"
)
_TAUGHT = re.compile(
    r"^(?:\s+(?:and|or|&|[\w+#-]+)){0,3}?\s+(?:lessons?|courses?|class(?:es)?|training|workshops?|tuition|certifications?)\b"
)
_REQUIRED = re.compile(
    r"\b(?:must|required?|requires|requirements?|mandatory|essential|necessary|minimum|needed|at\s+least|need\s+to|you\s+(?:will\s+)?need"
    r"|prerequisite|have\s+to|shall)\b|\b\d+\s*\+?\s*(?:or\s+more\s+)?(?:years?|yrs?)\b"
)

# Every expression above needs one of these, as whole words. Most sentences have none, and need no other look.
_ANY_CUE = re.compile(
    r"\b(?:no|not|nothing|without|zero|rather|instead|who|if|unless|offer(?:s|ed)?|provides?|pays?|sponsors?|gives?|teach|get"
    r"|receive|enjoy|taught|free|plus|bonus|advantage|asset|preferred|preferably|prefer|desirable|desired|nice|optional(?:ly)?"
    r"|ideally|beneficial|advantageous|helpful|would|extra|must|required?|requires|requirements?|mandatory|essential|necessary"
    r"|minimum|need(?:ed)?|least|prerequisite|have|shall|years?|yrs?)\b|n't\b|\dyrs?\b|\dyears?\b"
)
_SECTION_STANCES: dict[str, Stance] = {
    Section.NICE_TO_HAVE: Stance.WISHED,
    Section.REQUIREMENTS: Stance.REQUIRED,
}


@lru_cache(maxsize=256)  # all the words of one sentence are asked for one after another
def _has_cue(sentence: str) -> bool:
    return _ANY_CUE.search(sentence.lower().replace("’", "'")) is not None


def stance_of(sentence: str, start: int, end: int, section: str = Section.OTHER) -> Stance:
    """How the words [start, end) of a sentence are meant.

    Args:
        sentence: its text.
        start: first character of the words that name the skill.
        end: the character behind them.
        section: where it stands: below "Nice to have" all is wished for, below "Requirements" required.
    """
    if start <= _BEFORE and len(sentence) - end <= _AFTER and not _has_cue(sentence):
        return _SECTION_STANCES.get(section, Stance.NEUTRAL)
    first, last = _clause(sentence, start, end)
    before = sentence[max(first, start - _BEFORE) : start].lower().replace("’", "'")
    after = sentence[end : min(last, end + _AFTER)].lower().replace("’", "'")
    words = sentence[start:end].lower()
    clause = f"{before}{words}{after}"
    around = sentence[max(0, start - _BEFORE) : end + _AFTER].lower()
    if _CONDITION.search(before) and _CONSEQUENCE.search(around):
        return Stance.REQUIRED
    if not _NO_NEGATION.search(clause):
        if _NEGATED_AFTER.match(after):
            return Stance.WISHED if _WISHED.search(around) else Stance.NEGATED
        if _NEGATED_BEFORE.search(before) and not _NEGATIVE_WORDS.search(words):
            return Stance.NEGATED
    if _OFFERED_BEFORE.search(before) and _TAUGHT.match(after):
        return Stance.OFFERED
    if section == Section.NICE_TO_HAVE or _WISHED.search(clause):
        return Stance.WISHED
    if section == Section.REQUIREMENTS or _REQUIRED.search(clause):
        return Stance.REQUIRED
    return Stance.NEUTRAL


def is_required(stances: Collection[Stance]) -> bool | None:
    """The column `required` of a skill from the stances of all sentences that name it.

    Returns:
        True if one of them asks for it as a requirement, else False if one only wishes for it, else None.
    """
    if Stance.REQUIRED in stances:
        return True
    return False if Stance.WISHED in stances else None


def _clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    """The clause around the words [start, end)."""
    first, last = 0, len(sentence)
    for mark in _CLAUSE_END.finditer(sentence):
        if mark.end() <= start:
            first = mark.end()
        elif mark.start() >= end and not (mark[0] == "(" and not sentence[end : mark.start()].strip()):
            last = mark.start()
            break
    return first, last
