"""Whether a word is meant as the name that it also is: Excel or to excel, Go or to go, R or R&D.

A reader decides that by a few things beside the word, and so does this. Each adds or takes points:

- its spelling: "Excel", not "excel"; of no weight where any word has a capital (start, title, shouting);
- the company it keeps: "Word, Excel and PowerPoint", "Go/Python";
- cue words around it or around the enumeration that it stands in: "proficient in", "such as", "macros";
- against it: a neighbour that makes it part of another name ("Executive Chef", "Unity Health"), and what
  only an ordinary word is followed by ("Access to", "Go live", "Spring 2026").

Names that are unmistakable need none of it. The weights are few and round; they were set by reading what
half of a set of postings gave, and checked on the other half.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from skillstream.ranking.names import Name

__all__ = ["SURE_ENOUGH", "Mention", "contexts"]

# From this weight on the sentence itself is enough evidence.
SURE_ENOUGH = 0.5

# Points from which on a name counts; the spelling itself gives up to 2.
ENOUGH = 2.0
# With so many it may count if the rest of the posting speaks for it.
WEAK = 1.0
# From so many points on nothing is left to doubt.
SURE = 4.0

LETTER = re.compile(r"[^\W\d_]")
WORD = re.compile(r"[^\W_][\w.+#'’&-]*")


def _any_of(words: str) -> str:
    """A pattern for one of these words; they may hold patterns themselves."""
    return rf"\b(?:{'|'.join(words.split())})\b"


MAKERS = "ms microsoft apache google adobe amazon aws autodesk oracle ibm "
# What may stand between two items of one enumeration ...
BETWEEN = _any_of(
    MAKERS
    + r"""and or as\swell\sas plus such\sas like e\.g i\.e including especially preferably mainly etc
        the in with of both either et und v?\d+(?:\.[\dx]+)*"""
)
GAP = re.compile(rf"(?:[\s,./;|&+•·()\[\]\"“”:*-]|{BETWEEN})*", re.IGNORECASE)
# ... and so may one or two items that nobody knows: "Exchange, Frobnix, sendmail".
UNKNOWN_ITEMS = re.compile(r"\s*[,/]\s*(?:[\w.+#'-]+(?: [\w.+#'-]+)?\s*[,/]\s*){1,2}(?:and |or )?")
MAX_GAP = 40

SKILLED = (
    MAKERS
    + r"""proficien\w* experienced? expertise knowledge skills? skilled familiar\w* fluen\w+ competen\w*
        command mastery understanding trained training using uses? utili[sz]\w+ via advanced
        intermediate basic strong tools? software such\sas e\.g"""
)
CUE_BEFORE = re.compile(
    _any_of(
        SKILLED
        + r""" expert master literate literacy background certifi\w+ programming coding scripting languages?
        tooling suites? applications? programs? packages? platforms? systems? databases? frameworks?
        librar\w+ technolog\w+ used usage written stack including developers? engineers? hands-on
        comfortable good excellent solid"""
    )
    + r"[^;!?]{0,45}$",
    re.IGNORECASE,
)
CUE_REACH = 100
CUE_RIGHT_BEFORE = re.compile(
    rf"{_any_of(SKILLED)}\.?,?(?: (?:of|in|with|on|the|using|like))*[\s(:]+$", re.IGNORECASE
)
CUE_AFTER = re.compile(
    r"[\s\"'”’)]*"
    + _any_of(
        r"""software programming language development developers? devs? frameworks? librar\w+ script\w*
        macros? spreadsheets? formulas? pivot functions databases? db platforms? suite apps?
        applications? tools? sdk apis? code coding queries sql servers? clusters? jobs pipelines
        dashboards? workbooks? certifi\w+ skills? experience knowledge proficiency expertise
        engineers? administrat\w+ admin cloud crm erp emr ehr lms pos cad ide plug-?ins? ecosystem
        environment (?:v(?:ersion)?\s?)?\d{1,2}(?:\.[\dx]+)*(?![\d/%-])"""
    ),
    re.IGNORECASE,
)
# What makes an ordinary word of it.
AGAINST_BEFORE = re.compile(
    _any_of(
        r"""our your their his her my this these those an? at from join joining by between across to will
        can we you they who not class grade level type schedule section part phase vitamin hepatitis
        title series plan powered\sby job"""
    )
    + r"\s+$",
    re.IGNORECASE,
)
AGAINST_AFTER = re.compile(
    r"\s+"
    + _any_of(
        r"""to of that our your their us you it forward beyond ahead above out up live through into where
        who which at members? leads? leaders? control badges? points? semesters? term break season
        quarter (?:19|20)\d\d hours? days? weeks? feet foot offices? managers? directors? committee
        status (?:non-?)?exempt classification policy privacy notice"""
    )
    + r"|[-–]\w|['’]s\b",
    re.IGNORECASE,
)
# A single letter is a name only between these: "Python, R and SQL", "R programming".
BEFORE_LETTER = frozenset(["", "and", "or", "in", "using", "with", "like", "as", *",;/:•*&("])
AFTER_LETTER = frozenset(["", "and", "or", "programming", "language", "studio", "packages", *",;/.)&("])


class Mention(msgspec.Struct, frozen=True, gc=False):
    """A name in a sentence, characters [start, end)."""

    name: Name
    start: int
    end: int


def contexts(sentence: str, mentions: Sequence[Mention]) -> list[float]:
    """How sure it is of each mention that it is meant as the name, in [0, 1].

    0 is "not"; from `SURE_ENOUGH` on the sentence is enough evidence; below it takes other technologies in
    the posting.

    Args:
        sentence: the text.
        mentions: all names found in it, from left to right, not overlapping.
    """
    if all(mention.name.rule == "any" for mention in mentions):
        return [1.0] * len(mentions)
    plain = _capitals_say_nothing(sentence, mentions)
    weights = [1.0] * len(mentions)
    for chain in _chains(sentence, mentions):
        spelled = [
            mentions[i].name.rule != "any" and _as_written(sentence, mentions[i], plain) for i in chain
        ]
        certain = [_is_certain(sentence, mentions[i], plain) for i in chain]
        before = CUE_BEFORE.search(sentence, *_just_before(mentions[chain[0]])) is not None
        after = CUE_AFTER.match(sentence[mentions[chain[-1]].end :]) is not None
        for place, i in enumerate(chain):
            if mentions[i].name.rule == "any":
                continue
            others = sum(spelled) - spelled[place]
            company = 2.0 if sum(certain) > certain[place] else min(others, 2) * 0.75
            points = company + before + after
            points += _own_points(
                sentence, mentions[i], spelled=spelled[place], plain=plain, alone=not company
            )
            weights[i] = _weight(points if spelled[place] or points >= ENOUGH else 0.0)
    return weights


def _just_before(mention: Mention) -> tuple[int, int]:
    """Where a cue word may stand: no search of a long sentence for each of its names."""
    return max(0, mention.start - CUE_REACH), mention.start


def _weight(points: float) -> float:
    if points >= ENOUGH:
        return min(1.0, 0.5 + (points - ENOUGH) / (SURE - ENOUGH) / 2)
    return 0.5 * points / ENOUGH if points >= WEAK else 0.0


def _own_points(sentence: str, mention: Mention, *, spelled: bool, plain: bool, alone: bool) -> float:
    """Points for the word itself and what stands right beside it."""
    before, after = sentence[: mention.start], sentence[mention.end :]
    first = not any(character.isalnum() for character in before)
    if mention.end - mention.start == 1 and not _letter_stands_alone(before, after):
        return -10.0
    in_context = mention.name.rule == "in-context"
    telling = not plain and (not first or sentence[mention.start : mention.end].isupper())
    points = 0.0
    if not spelled:
        points -= float(in_context)
    elif telling:
        points += 1.0 if in_context else 2.0
    else:
        points += 0.0 if in_context else 1.0
    if spelled and not any(character.isalnum() for character in before + after):  # an item of a list
        points += 1.0
    if alone:
        points += CUE_RIGHT_BEFORE.search(before) is not None
        if in_context or not (spelled and telling):
            points -= 1.5 * (AGAINST_BEFORE.search(before) is not None)
            points -= 1.5 * (AGAINST_AFTER.match(after) is not None)
        if in_context and CUE_AFTER.match(after) is None:
            points -= _is_part_of_name(before, after)
    return points


def _is_certain(sentence: str, mention: Mention, plain: bool) -> bool:
    """Whether it speaks for its neighbours: a proper name that needs none of them itself."""
    if not mention.name.proper or mention.name.rule == "in-context":
        return False
    inside = any(character.isalnum() for character in sentence[: mention.start])
    return mention.name.rule == "any" or (inside and not plain and _as_written(sentence, mention, plain))


def _is_part_of_name(before: str, after: str) -> float:
    """1 if a capitalised word stands right beside it, as in "Executive Chef" or "Unity Health"."""
    following = re.match(r"\s([A-Z][\w'’]+)", after)
    preceding = re.search(r"(?<![.!?:•*-])\s([A-Z][\w'’]+)\s$", before)
    joined = preceding is not None and CUE_RIGHT_BEFORE.search(before) is None
    return float(following is not None or joined)


def _as_written(sentence: str, mention: Mention, plain: bool) -> bool:
    """Whether it is spelled as the name; "JIRA" and "SPRING" are, too, where not all is in capitals."""
    surface = sentence[mention.start : mention.end]
    return surface in mention.name.written or (len(surface) >= 4 and surface.isupper() and not plain)


def _capitals_say_nothing(sentence: str, mentions: Sequence[Mention]) -> bool:
    """Whether a line is shouted or a title: "EXCEL AT WHAT YOU DO", "Go Above And Beyond"."""
    rest = sentence
    for mention in reversed(mentions):
        rest = rest[: mention.start] + rest[mention.end :]
    letters = LETTER.findall(rest)
    words = [word for word in WORD.findall(rest) if len(word) >= 4]
    if len(words) >= 2 and sum(map(str.isupper, letters)) > 0.7 * len(letters):
        return True
    if rest.count(",") > 1:  # an enumeration
        return False
    return len(words) >= 3 and sum(word[0].isupper() for word in words) >= 0.8 * len(words)


def _chains(sentence: str, mentions: Sequence[Mention]) -> list[list[int]]:
    """Numbers of the mentions that stand in one enumeration."""
    chains: list[list[int]] = []
    for i, mention in enumerate(mentions):
        if i:
            gap = sentence[mentions[i - 1].end : mention.start]
            known = GAP.fullmatch(gap) and (gap.strip() or _both_proper(mentions, i))
            if len(gap) <= MAX_GAP and (known or UNKNOWN_ITEMS.fullmatch(gap)):
                chains[-1].append(i)
                continue
        chains.append([i])
    return chains


def _both_proper(mentions: Sequence[Mention], i: int) -> bool:
    return mentions[i - 1].name.proper and mentions[i].name.proper


def _letter_stands_alone(before: str, after: str) -> bool:
    left = re.findall(r"[^\W_]+|[^\w\s]", before[-20:].lower())
    right = re.findall(r"[^\W_]+|[^\w\s]", after[:20].lower())
    if len(left) > 1 and left[-1] in "/&" and re.fullmatch("[abd-qs-z]", left[-2]):  # "A/C", "R & D"
        return False
    return (left[-1] if left else "") in BEFORE_LETTER and (right[0] if right else "") in AFTER_LETTER
