"""HTML → texts and tags, in one pass whose steps are linear in the source, whatever it holds.

The rules are those of the HTML standard for what postings hold; tests compare with a browser's parser. Two
things differ on purpose: a `<script>` that is only spoken of ("know <script> and <div>") stays text, and so
does an e-mail address in angle brackets.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from skillstream.postings.escapes import decode_entities
from skillstream.postings.tags import is_mention

__all__ = ["Tag", "tokens", "without_cdata"]


class Tag(NamedTuple):
    """A tag: lower-case name, whether it closes, and its attributes as they are written."""

    name: str
    closing: bool
    attributes: str

    def attribute(self, name: str) -> str | None:
        """The value of the first attribute of that name; empty if it has none, `None` without attribute."""
        if name in self.attributes.lower():
            for found in _ATTRIBUTE.finditer(self.attributes):
                if found["name"].lower() == name:
                    value = found["double"] or found["single"] or found["bare"] or ""
                    return html.unescape(value) if "&" in value and "&#" not in value else value
        return None


# Possessive throughout: a step that failed is never tried again with less.
_MARKUP = re.compile(
    r"<(?:(?P<closing>/?+)(?P<name>[A-Za-z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?+)*+)(?:>|\Z)"
    r"|!--(?P<comment>-?>)?+|[!?/])"
)
_ATTRIBUTE = re.compile(
    r"(?P<name>[^\s/>=]++)(?:\s*+=\s*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s>]++)))?+"
)
_COMMENT_END = re.compile(r"--!?>")
# Elements whose content is no markup; what is in the second kind can be seen.
_RAW = frozenset(("script", "style", "iframe", "noembed", "noframes", "title", "textarea", "xmp"))
_SEEN = frozenset(("textarea", "xmp"))
_CDATA = re.compile(r"<!\[CDATA\[|\]\]>")
_LONG_NUMBER = re.compile(r"&#[xX]?[0-9a-fA-F]{8}")


def without_cdata(raw: str) -> str:
    """`raw` without the brackets of CDATA sections, which feeds leave around their descriptions."""
    return _CDATA.sub("", raw) if "<![CDATA[" in raw else raw


def tokens(source: str) -> Iterator[str | Tag]:
    """Texts, with entities decoded, and tags in order; no comments and nothing of scripts and styles."""
    at = 0  # what is before has been yielded
    look = 0  # what is before holds no further markup
    unclosed: set[str] = set()  # raw elements without an end: looked for once
    while (found := _MARKUP.search(source, look)) is not None:
        start, end, name = found.start(), found.end(), found["name"]
        if name is None:
            end = _after_comment(source, found)
        else:
            name = name.lower()
            closing, attributes = bool(found["closing"]), found["attributes"]
            if not closing and not attributes and ("@" in name or is_mention(source, start, end)):
                look = end
                continue
        if start > at:
            yield _text(source[at:start])
        at = look = end
        if name is None:
            continue
        if found[0][-1] == ">":
            yield Tag(name, closing, attributes)
        if name in _RAW and not closing:
            close = _end_of_raw(source, name, end, unclosed)
            if name in _SEEN:
                yield _text(source[end:close])
            at = look = close
    if at < len(source):
        yield _text(source[at:])


def _after_comment(source: str, found: re.Match[str]) -> int:
    """Where a comment, a doctype or the like ends."""
    if found["comment"]:
        return found.end()
    if found[0] == "<!--":
        end = _COMMENT_END.search(source, found.end())
        return end.end() if end else len(source)
    return source.find(">", found.end()) + 1 or len(source)


def _end_of_raw(source: str, name: str, start: int, unclosed: set[str]) -> int:
    """Where the closing tag of a raw element begins; the end of the source if there is none."""
    if name in unclosed:
        return len(source)
    close = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(source, start)
    if close is None:
        unclosed.add(name)
        return len(source)
    return close.start()


def _text(raw: str) -> str:
    """A text with its entities decoded, those without `;` as browsers do."""
    if "&" not in raw:
        return raw
    raw = decode_entities(raw)
    return raw if "&" not in raw or _LONG_NUMBER.search(raw) else html.unescape(raw)
