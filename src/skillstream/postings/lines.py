"""Lines of clean text: bullets, lines that hold several, paragraphs that were wrapped by hand."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

__all__ = ["BULLETS", "EMOJI", "Line", "is_bullet", "tidy"]


class Line(NamedTuple):
    """A line of clean text; empty between paragraphs. `heading` if the markup says it is one."""

    text: str
    heading: bool = False


BULLETS = "•●▪▫◦‣⁃∙■□▶►▸➢➤➔✓✔✅☑❖◆◇·○🔹🔸🔷🔶👉"
_MIN_WRAPPED = 55  # columns: nobody wraps narrower
_MAX_WRAPPED = 110  # columns: text with longer lines was not wrapped by hand or by a mail program

_BULLET = re.compile(rf"[{BULLETS}*+–—-]\s|[{BULLETS}](?=\S)|\(?\d{{1,2}}[.)]\s")
# Cut before each. Lines come with single blanks only.
_GLUED = re.compile(rf"(?<=\S) ?(?=[{BULLETS}]\s)|(?<=\s)(?=[{BULLETS}]\S)")
EMOJI = "[\U0001f300-\U0001faff\u2600-\u27bf\u2b05-\u2b55][\ufe0e\ufe0f]?"
_EMOJI_ITEM = re.compile(rf"(?:(?<=\s)|\A)(?:{EMOJI}){{1,3}}\s?(?=\w)")


def is_bullet(line: str) -> bool:
    """Whether a line starts with a bullet or number."""
    return _BULLET.match(line) is not None


def tidy(lines: list[Line]) -> list[Line]:
    """Lines with single blanks, wrapped ones joined, glued bullets cut, never two empty ones in a row."""
    lines = [Line(" ".join(line.text.split()), line.heading) for line in lines]
    tidied: list[Line] = []
    for line in _unwrap(lines):
        if line.text:
            tidied.extend(Line(part, line.heading) for part in _unglue(line.text))
        elif tidied and tidied[-1].text:
            tidied.append(line)
    if tidied and not tidied[-1].text:
        tidied.pop()
    return tidied


def _unglue(line: str) -> list[str]:
    """A line such as `• one • two`, cut before each bullet."""
    if not line.isascii():
        items = [match.start() for match in _EMOJI_ITEM.finditer(line)]
        if len(items) > 2 or (len(items) == 2 and items[0] == 0):
            cuts = [0, *items, len(line)]
            parts = [line[a:b].strip() for a, b in pairwise(cuts)]
            return [part for part in parts if part]
        if sum(map(line.count, BULLETS)) >= 2:
            return [part.strip() for part in _GLUED.split(line) if part.strip()]
    for mark in ("- ", "* ", "+ ", "– "):
        if line.startswith(mark) and line.count(" " + mark) >= 2:
            return [mark + part.strip() for part in line[2:].split(" " + mark) if part.strip()]
    return [line]


def _unwrap(lines: list[Line]) -> list[Line]:
    """Lines with hard-wrapped paragraphs joined again, if the text as a whole is hard-wrapped.

    A line was wrapped if the first word of the next would not have fitted into the longest line.
    """
    width = max((len(line.text) for line in lines), default=0)
    if not _MIN_WRAPPED <= width <= _MAX_WRAPPED:
        return lines
    followed = [i for i in range(len(lines) - 1) if lines[i].text and _continues(lines[i + 1].text)]
    wrapped = {i for i in followed if len(lines[i].text) + 1 + len(lines[i + 1].text.split()[0]) > width}
    if len(wrapped) < 3 or len(wrapped) < 0.6 * len(followed):
        return lines
    joined: list[list[str]] = []
    headings: list[bool] = []
    for i, line in enumerate(lines):
        if i - 1 in wrapped:
            joined[-1].append(line.text)
        else:
            joined.append([line.text])
            headings.append(line.heading)
    return [Line(" ".join(texts), heading) for texts, heading in zip(joined, headings, strict=True)]


def _continues(line: str) -> bool:
    return bool(line) and not is_bullet(line)
