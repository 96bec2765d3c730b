"""Plain text, with or without Markdown → lines."""

from __future__ import annotations

import re

from skillstream.postings.characters import clean_characters
from skillstream.postings.escapes import decode_entities, unescape_markdown
from skillstream.postings.lines import Line

__all__ = ["plain_lines"]

_MAX_HEADING = 100  # characters: a longer line above a rule is a paragraph
_RULE = re.compile(r"\s*+(?:={3,}+|-{3,}+)\s*+")
_STARS = re.compile(r"\s*+\*{2,}+([^*]++)\*{2,}+(:?+)\s*+")
_UNDERSCORES = re.compile(r"\s*+__([^_]++)__(:?+)\s*+")
_HASHES = re.compile(r"\s*+#{1,6}+\s++(?=\S)")
# Two or three stars; or more, as people shout with, who seldom count them.
_BOLD = re.compile(r"(?:((?<!\*)\*{4,}+)|\*{2,3}+)([^\s*][^*\n]*+)(?(1)\*{2,}+|\*{2,3})")
_ITALIC = re.compile(r"(?<![\w*])\*([^\s*](?:[^*\n]*+(?<!\s))?+)\*(?![\w*])")
_LINK = re.compile(r"!?\[([^\[\]\n]{0,300}+)\]\((?:https?://|mailto:|/)[^\s()]{0,2000}+\)")


def plain_lines(text: str) -> list[Line]:
    """The lines of a plain text, untrimmed: entities, Markdown and odd characters resolved."""
    raw = unescape_markdown(clean_characters(decode_entities(text))).split("\n")
    lines: list[Line] = []
    for line in raw:
        if _RULE.fullmatch(line) and lines and 0 < len(lines[-1].text.strip()) <= _MAX_HEADING:
            lines[-1] = Line(lines[-1].text, heading=True)  # underlined
            if "=" in line:
                continue
        lines.append(_plain_line(line))
    return lines


def _plain_line(line: str) -> Line:
    if "](" in line:
        line = _LINK.sub(r"\1", line)
    if "#" in line and (hashes := _HASHES.match(line)):
        return Line(_without_emphasis(_without_closing(line[hashes.end() :])), heading=True)
    if "**" in line and (stars := _STARS.fullmatch(line)):
        return Line(stars[1] + stars[2], heading=True)
    if "__" in line and (bars := _UNDERSCORES.fullmatch(line)) and " " in bars[1].strip():
        return Line(bars[1] + bars[2], heading=True)
    return Line(_without_emphasis(line))


def _without_closing(text: str) -> str:
    """`Pay ##` as `Pay`; the mark of `C#` stays."""
    text = text.rstrip()
    bare = text.rstrip("#")
    return bare.rstrip() if bare.endswith((" ", "\t")) else text


def _without_emphasis(line: str) -> str:
    if "*" not in line:
        return line
    return _ITALIC.sub(r"\1", _BOLD.sub(r"\2", line))
