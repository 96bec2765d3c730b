"""A posting → one plain text and its sentences, with offsets and sections.

`document.text[s.start:s.end] == s.text` holds for every sentence; sentences are in order, do not
overlap and are never empty. The title is the first line of the text and the first sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec
import sentencex

from skillstream.language import detect_language
from skillstream.markup import BULLETS, text_lines
from skillstream.postings import JobPosting
from skillstream.sections import Section, boilerplate, heading_section

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


def segment(posting: JobPosting) -> Document:
    """The plain text and sentences of a posting."""
    title = " ".join(line.text for line in text_lines(posting.title) if line.text)
    lines = text_lines(posting.text)
    text = "\n".join([title, *(line.text for line in lines)])
    language = posting.language or detect_language(text[len(title) :]) or detect_language(text)
    sentences = [Sentence(title, 0, len(title), Section.TITLE)] if title else []
    section = Section.OTHER
    position = len(title) + 1
    for line in lines:
        start = position
        position += len(line.text) + 1
        heading = heading_section(line.text, marked=line.heading)
        if heading is not None:
            section = heading
            if heading is not Section.OTHER:
                continue
        for a, b in sentence_spans(line.text, language or "en"):
            sentence = line.text[a:b]
            sentences.append(Sentence(sentence, start + a, start + b, boilerplate(sentence) or section))
    return Document(text, sentences, language)


# --- sentences of a line ---------------------------------------------------------------------------

_MARK = re.compile(rf"(?:[{BULLETS}*–—+>-]\s*|\(?\d{{1,2}}[.)]\s+|\(?[a-z][.)]\s+|o\s+(?=[A-Z]))+")
# The library is quadratic in Chinese text; nobody writes lines this long but by accident.
_PIECE = re.compile(r".{1,4000}[.!?。！？]\s*|.{1,4000}\s|.{1,4000}", re.DOTALL)
_ABBREVIATION = re.compile(
    r"\b(?:yrs?|hrs?|mos?|approx|appr?ox|equiv|incl|excl|min|max|exp|req|pref|mon|tues?|wed|thurs?|fri|sat|sun|est|vs|dept|mgmt)\.\s+$",
    re.IGNORECASE,
)
_GLUED_END = re.compile(r"(?:^|\s)[\w,'’()/-]*[a-z)]{2}[.!?]$")
_GLUED_START = re.compile(r"(?!(?:Net|Js|Io|Com|Py|Org)\b)(?:[A-Z][a-z]+|[AI])\b(?![.@/])")


def sentence_spans(line: str, language: str) -> Iterator[tuple[int, int]]:
    """Half-open character spans of the sentences of a line, without bullet marks and outer white space."""
    mark = _MARK.match(line)
    start = end = mark.end() if mark else 0
    if start == len(line):
        return
    for piece in [line[start:]] if len(line) < 4000 else _PIECE.findall(line[start:]):
        for part in sentencex.segment(language, piece):
            if end > start and _is_end(line[start:end], line[end : end + 40]):
                yield from _trimmed(line, start, end)
                start = end
            end += len(part)
    yield from _trimmed(line, start, len(line))


def _is_end(before: str, after: str) -> bool:
    """Whether a sentence really ends here, where the library says so."""
    if not before[-1].isspace():  # "experience.Must have", but not "ASP.Net"
        return before[-1] in "。！？" or bool(_GLUED_END.search(before[-40:]) and _GLUED_START.match(after))
    if before.endswith(" ") and after[:1].islower():
        return not _ABBREVIATION.search(before[-12:])
    return True


def _trimmed(line: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    text = line[start:end]
    start += len(text) - len(text.lstrip())
    end = start + len(text.strip())
    if end > start:
        yield start, end


# --- long sentences --------------------------------------------------------------------------------

_SOFT_ENDS = re.compile(r"[,;:，、；：]\s*|\s[–—|/]\s")


def split_long(sentences: Iterable[Sentence], token_spans: TokenSpans, max_tokens: int) -> list[Sentence]:
    """Sentences with those of more than `max_tokens` tokens (without special tokens) cut into windows.

    Windows follow one another without overlap and hold every word of the sentence. They are cut after
    a comma or semicolon where one stands in their second half, else between words.
    """
    windows: list[Sentence] = []
    for sentence in sentences:
        if len(sentence.text) * 4 <= max_tokens:  # no tokeniser makes more than four tokens of a character
            windows.append(sentence)
            continue
        for a, b in _windows(sentence.text, token_spans, max_tokens):
            windows.append(
                Sentence(sentence.text[a:b], sentence.start + a, sentence.start + b, sentence.section)
            )
    return windows


def _windows(text: str, token_spans: TokenSpans, max_tokens: int) -> Iterator[tuple[int, int]]:
    spans = token_spans(text)
    if len(spans) <= max_tokens:
        yield 0, len(text)
        return
    starts = [start for start, _ in spans]
    start = first = 0
    while len(starts) - first > max_tokens:
        limit = max(starts[first + max_tokens], start + 1)
        end = _cut(text, start, limit)
        while end - start > 1 and len(token_spans(text[start:end].strip())) > max_tokens:
            end = _cut(text, start, start + (end - start + 1) // 2)
        yield from _trimmed(text, start, end)
        start = end
        while first < len(starts) and starts[first] < start:
            first += 1
    yield from _trimmed(text, start, len(text))


def _cut(text: str, start: int, limit: int) -> int:
    """Where to end a window that starts at `start` and must end at `limit` or before."""
    middle = (start + limit) // 2
    soft = [match.end() for match in _SOFT_ENDS.finditer(text, middle, limit)]
    if soft:
        return soft[-1]
    space = max(text.rfind(" ", middle, limit), text.rfind("\n", middle, limit))
    return space + 1 if space > start else limit
