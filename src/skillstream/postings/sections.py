r"""The parts of a posting: which line is a heading and of what, which sentence is boilerplate anywhere.

Skills are asked for in some parts (requirements, duties) and only look like it in others (benefits,
equal-opportunity statements, the company's praise of itself). All of it is decided by the tables
of `skillstream.postings.section_words`, in two steps:

1. A line is a heading if it is short and says nothing else (`Required skills & experience`), or if
   it says so and is marked as one, by a colon at its end or by the markup. Its section lasts until
   the next heading.
2. A sentence of well-known wording is boilerplate wherever it stands ("without regard to race"),
   since such sentences come without headings; and a sentence that clearly asks for something is a
   requirement even below the heading "Benefits", as a bullet "Administer payroll" is a duty.

Words of boilerplate are the trade itself in some jobs, which their titles tell: a benefits specialist's
"Benefits" are duties unless they are offered (`trades_of`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple

from skillstream.postings.lines import EMOJI
from skillstream.postings.section_words import FILLERS, HEADINGS, Section
from skillstream.postings.wordings import ASKING, DUTIES, OFFERING, ROLES, TRADES, WORDINGS

__all__ = [
    "BOILERPLATE",
    "Heading",
    "Section",
    "asks",
    "heading",
    "offers",
    "section_of_sentence",
    "trades_of",
]

# Where skills are not asked for, whatever the words.
BOILERPLATE = frozenset(
    (
        Section.ABOUT_COMPANY,
        Section.BENEFITS,
        Section.EQUAL_OPPORTUNITY,
        Section.HOW_TO_APPLY,
        Section.LEGAL,
    )
)


class Heading(NamedTuple):
    """A line that is, or starts with, a heading.

    Attributes:
        section: what follows.
        end: characters of the line that are the heading and nothing else: all, none, or those up to
            the colon of "Salary: 20 an hour".
    """

    section: Section
    end: int


# --- headings --------------------------------------------------------------------------------------


def _any(fragments: Iterable[str]) -> str:
    """One expression for all; groups of the tables are not captured, which is a third faster."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", "|".join(fragments))


_SECTION_OF_HEADING = [
    (section, re.compile(rf"(?<!\w)(?:{_any(fragments)})(?!\w)")) for section, fragments in HEADINGS.items()
]
_WORD = re.compile(rf"(?:{_any(chain(*HEADINGS.values(), FILLERS))})(?!\w)[\s,.]*")
_MAX_HEADING = 70  # characters
_MAX_WORDS = 9
_ASIDE = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*")
_JOINT = re.compile(r"[&/|+]|\s-\s")
_RUN_IN = re.compile(r"([^:.;]{3,45}):\s+(?=\S)")
_EMOJI = re.compile(EMOJI)
_DECORATION = " *_=~#:?!–—-•."
_NUMBER = re.compile(r"\A\W*\d{1,2}[.)]\s")


def heading(line: str, *, marked: bool = False) -> Heading | None:
    """What the line is the heading of; `None` if it is none. `marked`: it is set off as one."""
    if len(line) <= _MAX_HEADING:
        plain = _plain(line)
        if _says_nothing_else(plain) and (section := _named_section(plain)):
            return Heading(section, len(line))
        if (marked or line.endswith(":")) and len(plain.split()) <= _MAX_WORDS:
            first = _first_named_section(plain)
            return Heading(first or Section.OTHER, 0) if first or marked else None
        if _is_shouted(line):
            return Heading(_first_named_section(plain) or Section.OTHER, 0)
    run_in = _RUN_IN.match(line)
    if run_in is not None:
        plain = _plain(run_in[1])
        if _says_nothing_else(plain) and (section := _named_section(plain)):
            return Heading(section, run_in.end())
    return None


def _plain(line: str) -> str:
    if not line.isascii():
        line = _EMOJI.sub(" ", line).strip()
    line = _NUMBER.sub("", _ASIDE.sub(" ", line.lower().replace("’", "'").replace("youll", "you'll")))
    return " ".join(_JOINT.sub(" and ", line).strip(_DECORATION).split())


def _says_nothing_else(plain: str) -> bool:
    position = 0  # word by word rather than by one repetition: the words overlap, and that explodes
    while position < len(plain):
        word = _WORD.match(plain, position)
        if word is None:
            return False
        position = word.end()
    return True


def _named_section(plain: str) -> Section | None:
    """The first section of the table that the line names."""
    return next((section for section, pattern in _SECTION_OF_HEADING if pattern.search(plain)), None)


def _first_named_section(plain: str) -> Section | None:
    """The section that the line names first: "benefits of the job" are benefits."""
    named = {
        section: match.start() for section, pattern in _SECTION_OF_HEADING if (match := pattern.search(plain))
    }
    if Section.NICE_TO_HAVE in named:  # "skills that would be nice to have"
        return Section.NICE_TO_HAVE
    return min(named, key=named.__getitem__, default=None)


def _is_shouted(line: str) -> bool:
    """Whether a line is in upper case and reads like a heading rather than a list of abbreviations."""
    words = line.split()
    return (
        line.isupper() and 2 <= len(words) <= 6 and any(len(word) > 5 for word in words) and "," not in line
    )


# --- sentences -------------------------------------------------------------------------------------

_SECTION_OF_WORDING = [
    (section, re.compile(rf"(?<!\w)(?:{_any(wordings)})")) for section, wordings in WORDINGS.items()
]
_ANY_WORDING = re.compile(rf"(?<!\w)(?:{_any(chain(*WORDINGS.values()))})")
# No wording of these asks for a skill, whatever else the sentence says.
_SURE = frozenset((Section.EQUAL_OPPORTUNITY, Section.LEGAL, Section.WORKING_CONDITIONS))
_MAX_BOILERPLATE = 300  # characters; longer ones say other things too
_ASKS = re.compile(rf"(?<!\w)(?:{_any(ASKING)})")


_DUTY = re.compile(rf"(?:{_any(DUTIES)})\b(?! (?:your|yourself|us|with us)\b)")
_OFFERS = re.compile(rf"(?<!\w)(?:{_any(OFFERING)})")
_ROLE = re.compile(rf"(?<!\w)(?:{_any(ROLES)})s?\b")
_TRADES = {section: re.compile(rf"(?<!\w)(?:{_any(words)})") for section, words in TRADES.items()}
# Below these a bullet that begins with a verb is a duty; below "How to apply" it says how to apply.
_NO_DUTIES = BOILERPLATE - {Section.HOW_TO_APPLY}


def trades_of(title: str) -> frozenset[Section]:
    """The sections whose words are the job's own trade, by the posting's title; mostly none."""
    plain = title.lower()
    if _ROLE.search(plain) is None:
        return frozenset()
    return frozenset(section for section, pattern in _TRADES.items() if pattern.search(plain))


def asks(sentence: str) -> bool:
    """Whether the sentence asks the reader for something or names a duty, among boilerplate too."""
    plain = _plain_sentence(sentence)
    return _ASKS.search(plain) is not None and _ANY_WORDING.search(plain) is None


def offers(text: str) -> bool:
    """Whether a heading or sentence offers something to the reader: "Our benefits", "What we offer"."""
    return _OFFERS.search(_plain_sentence(text)) is not None


def section_of_sentence(
    sentence: str, section: Section, *, bullet: bool = False, trades: frozenset[Section] = frozenset()
) -> Section:
    """The section of a sentence.

    Args:
        sentence: its text, without a bullet mark.
        section: that of its heading.
        bullet: whether it is the first of a line with a bullet mark.
        trades: sections that are the job's trade (`trades_of`).
    """
    plain = _plain_sentence(sentence)
    if _ANY_WORDING.search(plain) is not None:
        found = next(found for found, pattern in _SECTION_OF_WORDING if pattern.search(plain))
        if found in trades and not _OFFERS.search(plain):
            return section  # a duty, unless the heading says that it is offered
        if found in _SURE or (len(plain) <= _MAX_BOILERPLATE and not _ASKS.search(plain)):
            return found
    elif section in BOILERPLATE and _ASKS.search(plain):
        return Section.REQUIREMENTS
    if bullet and section in _NO_DUTIES and _DUTY.match(plain):
        return Section.RESPONSIBILITIES
    return section


def _plain_sentence(sentence: str) -> str:
    return sentence.lower().replace("’", "'")
