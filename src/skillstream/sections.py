"""The parts of a posting: which line is a heading, and of what.

Skills are asked for in some parts (requirements, duties), and only look like it in others (benefits,
equal-opportunity statements). Everything is decided by the tables below.
"""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Section", "boilerplate", "heading_section"]


class Section(StrEnum):
    """Values of the column `skills.section`. Others script against them: add, never rename."""

    TITLE = "title"
    REQUIREMENTS = "requirements"
    NICE_TO_HAVE = "nice_to_have"
    RESPONSIBILITIES = "responsibilities"
    EDUCATION = "education"
    ABOUT_COMPANY = "about_company"
    BENEFITS = "benefits"
    EQUAL_OPPORTUNITY = "equal_opportunity"
    HOW_TO_APPLY = "how_to_apply"
    LEGAL = "legal"  # disclaimers, privacy, drug tests, background checks
    OTHER = "other"


# Phrases of headings, matched anywhere in the line as whole words, first match wins.
_HEADINGS: dict[Section, str] = {
    Section.EQUAL_OPPORTUNITY: r"equal (?:employment )?opportunit\w+|eeoc?|diversity|inclusion|accommodations?",
    Section.NICE_TO_HAVE: r"nice[- ]to[- ]ha(?:ve|s)\w*|preferred|bonus points|desir(?:ed|able)|a plus|pluses|would be nice",
    Section.BENEFITS: r"benefits?|perks|we offer|compensation|salary|pay|what'?s in it for you|rewards?|what you(?:'ll)? get|why join\w*",
    Section.HOW_TO_APPLY: r"how to apply|to apply|application process|apply now|contact|next steps",
    Section.ABOUT_COMPANY: r"about (?:us|the company|our company)|who we are|our (?:company|mission|values|culture)|company (?:overview|description|profile)",
    Section.EDUCATION: r"education(?:al)?|certifications?|licen[sc]es?",
    Section.RESPONSIBILITIES: r"responsibilit\w+|duties|what you(?:'ll| will)(?: be)? do\w*|you will|tasks|job (?:description|summary)|the role|position (?:summary|overview)|your role",
    Section.REQUIREMENTS: r"requirements?|qualifications?|skills?|experience|what you(?:'ll)? (?:need|bring)|who you are|must[- ]haves?|knowledge|abilities|competenc\w+|about you|we(?:'re| are) looking for|your profile",
}
_HEADING = re.compile(
    "|".join(rf"(?P<{section}>\b(?:{phrases})\b)" for section, phrases in _HEADINGS.items()), re.IGNORECASE
)
_MAX_HEADING = 60

_BOILERPLATE: dict[Section, str] = {
    Section.EQUAL_OPPORTUNITY: r"equal (?:employment )?opportunity|without regard to|sexual orientation|gender identity|reasonable accommodation",
    Section.BENEFITS: r"401\s?\(?k\)?|paid time off|health insurance|dental",
}
_BOILERPLATE_SENTENCE = re.compile(
    "|".join(rf"(?P<{section}>\b(?:{phrases}))" for section, phrases in _BOILERPLATE.items()), re.IGNORECASE
)


def heading_section(line: str, *, marked: bool = False) -> Section | None:
    """The section that a line is the heading of; `None` if it is no heading. `marked`: by the markup."""
    if len(line) > _MAX_HEADING or line[-1:] in ".;,!":
        return None
    match = _HEADING.search(line)
    if match is None:
        return Section.OTHER if marked else None
    return (
        Section(match.lastgroup or "other")
        if marked or line.endswith(":") or len(line.split()) <= 6
        else None
    )


def boilerplate(sentence: str) -> Section | None:
    """The section that a sentence belongs to wherever it stands: it is well-known boilerplate."""
    match = _BOILERPLATE_SENTENCE.search(sentence)
    return Section(match.lastgroup) if match and match.lastgroup else None
