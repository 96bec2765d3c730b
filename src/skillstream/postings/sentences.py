"""A posting → one plain text and its sentences, with offsets and sections.

`document.text[s.start:s.end] == s.text` holds for every sentence; sentences are in order, do not
overlap and are never empty. The title is the first line of the text and the first sentence.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
import sentencex

from skillstream.postings.budget import Budget
from skillstream.postings.language import detect_language
from skillstream.postings.lines import EMOJI
from skillstream.postings.markup import BULLETS, Line, is_bullet, one_line, text_lines
from skillstream.postings.parse import JobPosting
from skillstream.postings.sections import (
    BOILERPLATE,
    Heading,
    Section,
    asks,
    heading,
    offers,
    section_of_sentence,
    trades_of,
)

__all__ = ["Document", "Sentence", "TokenSpans", "segment", "split_long"]

TokenSpans = Callable[[str], Sequence[tuple[int, int]]]


class Sentence(msgspec.Struct, frozen=True):
    """A sentence, bullet or heading: `text` is [start, end) of the document's text, in characters."""

    text: str
    start: int
    end: int
    section: str


class Document(msgspec.Struct, frozen=True):
    """The plain text of a posting, its sentences, and its language if there is enough text to tell."""

    text: str
    sentences: list[Sentence]
    language: str | None


def segment(posting: JobPosting, budget: Budget | None = None) -> Document:
    """The plain text and sentences of a posting. Headings that say nothing else are no sentences.

    Raises:
        TooComplexError: more than `budget` is spent, by default that of any record.
    """
    budget = budget or Budget()
    title = one_line(posting.title)
    lines = text_lines(posting.text)
    budget.check()
    text = "\n".join([title, *(line.text for line in lines)])
    language = posting.language or detect_language(text[len(title) :]) or detect_language(text)
    sentences = [Sentence(title, 0, len(title), Section.TITLE)] if title else []
    section = Section.OTHER
    trades = trades_of(title)
    after_gap = True
    line_start = len(title) + 1
    for line in lines:
        found = _heading(line, after_gap=after_gap)
        if found is None and _ends_boilerplate(line.text, section, language, after_gap=after_gap):
            section = Section.OTHER
        skip, here = (found.end, found.section) if found else (0, section)
        if found is not None and here in trades and not offers(line.text):
            here = Section.OTHER
        # "Salary: 20 an hour" says nothing of the lines below it, nor does "Equal opportunity employer"
        if not (0 < skip < len(line.text) and here in BOILERPLATE) and not _STATEMENT.fullmatch(line.text):
            section = here
        last = here
        bullet = is_bullet(line.text)
        for a, b in sentence_spans(line.text[skip:], language or "en"):
            budget.check()
            start, end = skip + a, skip + b
            inner = heading(line.text[start:end]) if a > 0 and ":" in line.text[start:end] else None
            if inner is not None:  # "We cook. Requirements: knife skills. Benefits: free meals."
                start, here = start + inner.end, inner.section
            last = section_of_sentence(line.text[start:end], here, bullet=bullet, trades=trades)
            bullet = False
            if start < end:
                sentences.append(Sentence(line.text[start:end], line_start + start, line_start + end, last))
        if line.text.endswith(":"):
            section = last  # "We offer competitive pay and:" announces what follows
        after_gap = not line.text
        line_start += len(line.text) + 1
    return Document(text, sentences, language)


_STATEMENT = re.compile(r"\W*(?:an? )?(?:equal (?:employment )?opportunity employer|eoe)\W*", re.IGNORECASE)


def _ends_boilerplate(line: str, section: Section, language: str | None, *, after_gap: bool) -> bool:
    """Whether a heading's section ends here: boilerplate lasts until a paragraph that asks for something.

    What follows "About us" at the top of a posting is mostly the job. Benefits are lists of lines that may
    ask, too ("You have three weeks off"), so there only a gap ends them.
    """
    if section not in BOILERPLATE or is_bullet(line) or not (after_gap or section is not Section.BENEFITS):
        return False
    first = next(sentence_spans(line, language or "en"), None)
    return first is not None and asks(line[first[0] : first[1]])


def _heading(line: Line, *, after_gap: bool) -> Heading | None:
    announces = line.text.endswith(":")
    if is_bullet(line.text) and not announces:
        return None
    return heading(line.text, marked=line.heading or (announces and after_gap))


# --- sentences of a line ---------------------------------------------------------------------------

_MARK = re.compile(
    rf"(?:[{BULLETS}*–—>-]\s*|{EMOJI}\s*|\+\s+|\(?\d{{1,2}}[.)]\s+|\(?[a-z][.)]\s+|o\s+(?=[A-Z]))+"
)
# The library is quadratic in Chinese text; nobody writes lines this long but by accident.
_MAX_PIECE = 4000
_PIECE = re.compile(
    rf".{{1,{_MAX_PIECE}}}[.!?。！？]\s*|.{{1,{_MAX_PIECE}}}\s|.{{1,{_MAX_PIECE}}}", re.DOTALL
)
_NUMBER = re.compile(r"\s*\(?(?:\d{1,2}|[a-zA-Z])[.)]\s*")
# Those that the library does not know, or only in upper case.
_ABBREVIATION = re.compile(
    r"\b(?:yrs?|hrs?|mos?|approx|equiv|incl|excl|min|max|exp|req|pref|mon|tues?|wed|thurs?|fri|sat|sun|est|vs|"
    r"dept|mgmt|assoc|cert|edu)\.\s+$",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(r"([^\W\d_]+)[)\]\"'”’]*[.!?]$")
_FIRST_WORD = re.compile(r"([^\W\d_]+)(?![.@/\w])")
_NAME_PARTS = frozenset(("Net", "Js", "Io", "Com", "Py", "Org"))  # ASP.Net, Node.Js


def sentence_spans(line: str, language: str) -> Iterator[tuple[int, int]]:
    """Half-open character spans of the sentences of a line, without bullet marks and outer white space.

    What holds no letter (rules, page numbers, emoji) is no sentence.
    """
    start = end = 0
    for piece in [line] if len(line) <= _MAX_PIECE else _PIECE.findall(line):
        for part in sentencex.segment(language, piece):
            # A few characters around the boundary tell; slices of the whole would be quadratic.
            if end > start and _is_end(line[max(start, end - 40) : end], line[end : end + 40]):
                yield from _without_mark(line, start, end)
                start = end
            end += len(part)
    yield from _without_mark(line, start, len(line))


def _is_end(before: str, after: str) -> bool:
    """Whether a sentence really ends here, where the library says so."""
    if not before[-1].isspace():
        return before[-1] in "。！？．｡" or _is_glued(before, after)
    if _NUMBER.fullmatch(before):
        return False
    return not ((after[0].islower() or after[0].isdigit()) and _ABBREVIATION.search(before))


def _is_glued(before: str, after: str) -> bool:
    """Whether a space is missing: "experience.Must have" is two sentences, "ASP.Net" is a name."""
    last, first = _LAST_WORD.search(before), _FIRST_WORD.match(after)
    if last is None or first is None or first[1] in _NAME_PARTS:
        return False
    return len(last[1]) > 1 and last[1].islower() and first[1].istitle()


def _without_mark(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    mark = _MARK.match(line, start, end)
    start, end = _trimmed(line, mark.end() if mark else start, end)
    if any(map(str.isalpha, line[start:end])):
        yield start, end


def _trimmed(line: str, start: int, end: int) -> tuple[int, int]:
    text = line[start:end]
    start += len(text) - len(text.lstrip())
    return start, start + len(text.strip())


# --- long sentences --------------------------------------------------------------------------------

_SOFT_END = re.compile(r"[,;:]\s+|[，、；：。]|\s[–—|/]\s")


def split_long(sentences: Iterable[Sentence], token_spans: TokenSpans, max_tokens: int) -> list[Sentence]:
    """Sentences with those of more than `max_tokens` tokens (without special tokens) cut into windows.

    Windows follow one another without overlap and hold every word of the sentence. They end after a
    comma or semicolon where one stands in their second half, else between words.
    """
    windows: list[Sentence] = []
    for sentence in sentences:
        if _most_tokens(sentence.text) <= max_tokens:
            windows.append(sentence)
            continue
        for a, b in _windows(sentence.text, token_spans, max_tokens):
            windows.append(
                Sentence(sentence.text[a:b], sentence.start + a, sentence.start + b, sentence.section)
            )
    return windows


def _most_tokens(text: str) -> int:
    """A bound that costs nothing: a token a character, 18 for one that normalisation expands (U+FDFA)."""
    at_most_not_ascii = len(text.encode(errors="replace")) - len(text)
    return len(text) + 17 * at_most_not_ascii + 1


def _windows(text: str, token_spans: TokenSpans, max_tokens: int) -> Iterator[tuple[int, int]]:
    starts = [start for start, _ in token_spans(text)]
    if len(starts) <= max_tokens:
        yield 0, len(text)
        return
    start = 0
    while start < len(text):
        after = bisect_left(starts, start) + max_tokens  # the first token that has no place
        end = _cut(text, start, starts[after]) if after < len(starts) else len(text)
        # A word cut in two may have more tokens than the whole: look again.
        while end - start > 1 and len(token_spans(text[start:end])) > max_tokens:
            end = _cut(text, start, (start + end) // 2)
        a, b = _trimmed(text, start, end)
        if b > a:
            yield a, b
        start = end


def _cut(text: str, start: int, limit: int) -> int:
    """Where a window that starts at `start` ends, at `limit` at the latest."""
    limit = max(limit, start + 1)
    middle = (start + limit) // 2
    soft = [match.end() for match in _SOFT_END.finditer(text, middle, limit)]
    if soft:
        return soft[-1]
    return text.rfind(" ", middle + 1, limit) + 1 or limit
