"""HTML or plain text → clean lines of plain text.

Block elements, `<br>`, list items, table rows and headings make lines; scripts, styles and hidden
elements are dropped. In HTML and plain text alike entities are decoded and invisible or exotic
characters (zero width, bidi controls, soft hyphens, odd spaces and line separators) made ordinary.
Time and memory are linear in the input, whatever it holds.
"""

from __future__ import annotations

import html
import re
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["BULLETS", "Line", "as_html", "is_blank", "is_bullet", "is_html", "one_line", "text_lines"]


class Line(NamedTuple):
    """A line of clean text; empty between paragraphs. `heading` if the markup says it is one."""

    text: str
    heading: bool = False


def text_lines(raw: str) -> list[Line]:
    """The lines of `raw`, HTML or plain, trimmed, with single spaces and never two empty ones in a row."""
    raw = _undo_escaping(_SURROGATES.sub("\ufffd", raw))
    if not _has_tags(raw):
        return _tidy([_plain_line(line) for line in _characters(_unescape(raw)).split("\n")])
    lines = _html_lines(raw)
    inner = "\n".join(line.text for line in lines)
    if _has_tags(inner):  # escaped HTML within HTML
        lines = _html_lines(inner)
    return _tidy(lines)


def one_line(raw: str) -> str:
    """All text of `raw` on one line, as a title needs it."""
    return " ".join(line.text for line in text_lines(raw) if line.text)


def as_html(raw: str) -> str:
    """`raw` as HTML: itself if it is, else its lines, escaped."""
    raw = _undo_escaping(raw)
    return raw if _has_tags(raw) else html.escape(_unescape(raw), quote=False).replace("\n", "<br>")


# --- what it is ------------------------------------------------------------------------------------

_BLOCK_NAMES = (
    "address|article|blockquote|body|center|dd|div|dl|dt|h[1-6]|hr|html|li|ol|p|pre|section|table|td|tr|ul"
)
_INLINE_NAMES = "a|b|em|font|i|small|span|strong|sub|sup|u"
# `C<T>`, `<3`, `a < b` and `List<a>` are no HTML: an inline element counts by its closing tag only.
_TAG = re.compile(rf"<(?:br\s*/?|/?(?:{_BLOCK_NAMES})(?:\s[^<>]*)?|/(?:{_INLINE_NAMES}))\s*>", re.IGNORECASE)
_ESCAPED_TAG = re.compile(
    rf"&(?:amp;)?lt;(?:br\s*/?|/(?:{_BLOCK_NAMES}|{_INLINE_NAMES}))\s*&(?:amp;)?gt;", re.IGNORECASE
)
# Python's own unescape also takes entities without `;` ("R&copyright") and fails on endless numbers.
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def is_html(raw: str) -> bool:
    """Whether `raw` is HTML, escaped or not, rather than text with a few angle brackets."""
    return _has_tags(_undo_escaping(raw))


def _has_tags(text: str) -> bool:
    return _TAG.search(text) is not None


def _undo_escaping(raw: str) -> str:
    for _ in range(2):  # feeds escape their HTML once, some twice
        if not _has_tags(raw) and _ESCAPED_TAG.search(raw):
            raw = _unescape(raw)
    return raw


def _unescape(text: str) -> str:
    """`text` with its entities decoded (`&amp;`, `&#8226;`)."""
    return _ENTITY.sub(lambda match: html.unescape(match[0]), text)


# --- characters ------------------------------------------------------------------------------------

_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SYMBOL_BULLETS = re.compile("[\uf0a7\uf0a8\uf076\uf0b7\uf0d8\uf0fc]")  # of Word's Symbol and Wingdings fonts


# UTF-8 that somebody read as Windows-1252 or Mac Roman, as a good part of scraped postings is: "â€™".
_MOJIBAKE = re.compile(
    "(?P<cp1252>â€.|Ã[\x80-\xbf‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|Â[\xa0-\xbf])|‚Ä.|Ô[Ç¨].|√[©®†°¥§±]|¬[†∑∞Æ©]"
)


def _characters(text: str) -> str:
    """`text` with invisible characters dropped, mojibake repaired, line ends and bullets made ordinary."""
    text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = _SYMBOL_BULLETS.sub("•", _MOJIBAKE.sub(_repaired, text))
    return _INVISIBLE.sub("", text)


def _repaired(mojibake: re.Match[str]) -> str:
    codec = "cp1252" if mojibake["cp1252"] else "mac_roman"
    try:
        return mojibake[0].encode(codec).decode()
    except UnicodeError:
        return mojibake[0]


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen (markup counts as something)."""
    return not text.strip() or not _INVISIBLE.sub("", text).strip()


# --- lines -----------------------------------------------------------------------------------------

BULLETS = "•●▪▫◦‣⁃∙■□▶►➢➤✓✔✅❖◆◇·○"
_BULLET = re.compile(rf"[{BULLETS}*–—-]\s|\(?\d{{1,2}}[.)]\s")
_GLUED = re.compile(rf"(?<=\S)\s*(?=[{BULLETS}]\s)|(?<=\s)(?=[{BULLETS}]\S)")
_MAX_WRAPPED = 110  # columns: text with longer lines was not wrapped by hand or by a mail program
_MIN_WRAPPED = 55


def _tidy(lines: list[Line]) -> list[Line]:
    lines = [Line(" ".join(line.text.split()), line.heading) for line in lines]
    tidy: list[Line] = []
    for line in _unwrap(lines):
        if line.text:
            tidy.extend(Line(part, line.heading) for part in _unglue(line.text))
        elif tidy and tidy[-1].text:
            tidy.append(line)
    if tidy and not tidy[-1].text:
        tidy.pop()
    return tidy


_MARKDOWN_HEADING = re.compile(
    r"\s*(?:#{1,6}\s+(?P<hashes>.+?)[\s#]*|\*\*(?P<stars>[^*]+)\*\*(?P<colon>:?)\s*)"
)
_MARKDOWN_BOLD = re.compile(r"\*\*(\S[^*\n]*)\*\*")


def _plain_line(line: str) -> Line:
    found = _MARKDOWN_HEADING.fullmatch(line) if "#" in line or "**" in line else None
    if found is not None:
        return Line(found["hashes"] or found["stars"] + found["colon"], heading=True)
    return Line(_MARKDOWN_BOLD.sub(r"\1", line))


def _unglue(line: str) -> list[str]:
    """A line such as `• one • two`, cut before each bullet."""
    if sum(map(line.count, BULLETS)) < 2:
        for mark in ("- ", "* ", "– "):
            if line.startswith(mark) and line.count(" " + mark) >= 2:
                return [mark + part.strip() for part in line[2:].split(" " + mark) if part.strip()]
        return [line]
    return [part.strip() for part in _GLUED.split(line) if part.strip()]


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
    joined: list[Line] = []
    for i, line in enumerate(lines):
        if i - 1 in wrapped:
            joined[-1] = Line(f"{joined[-1].text} {line.text}", joined[-1].heading)
        else:
            joined.append(line)
    return joined


def _continues(line: str) -> bool:
    return bool(line) and not is_bullet(line)


def is_bullet(line: str) -> bool:
    """Whether a line starts with a bullet or number."""
    return _BULLET.match(line) is not None


# --- HTML ------------------------------------------------------------------------------------------

_HEADING_TAGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_PARAGRAPH_TAGS = _HEADING_TAGS | frozenset(
    ("article", "blockquote", "dl", "hr", "ol", "p", "pre", "section", "table", "ul")
)
_LINE_TAGS = _PARAGRAPH_TAGS | frozenset(
    (
        "address", "aside", "body", "caption", "center", "dd", "details", "div", "dt", "fieldset", "figure",
        "footer", "form", "header", "html", "li", "main", "nav", "option", "summary", "tr",
    )
)  # fmt: skip
_CELL_TAGS = frozenset(("td", "th"))
_BOLD_TAGS = frozenset(("b", "strong"))
_DROPPED_TAGS = frozenset(
    (
        "audio", "button", "canvas", "head", "iframe", "math", "noscript", "object", "script", "select",
        "style", "svg", "template", "textarea", "video",
    )
)  # fmt: skip
_HIDING = re.compile(r"\bhidden\b|display\s*:\s*none", re.IGNORECASE)
_BLOCK = re.compile(rf"<(?:br|{_BLOCK_NAMES})\b", re.IGNORECASE)


def _html_lines(raw: str) -> list[Line]:
    raw = _LONG_VALUE.sub("=''", raw)
    if not _is_safe(raw):
        return [Line(line) for line in _characters(_unescape(_without_tags(raw))).split("\n")]
    root = LexborHTMLParser(raw).root
    if root is None:
        return []
    # Without any block element the line breaks of the source are meant: "<b>Duties</b>\n- cooking".
    collector = _LineCollector(keep_breaks=not _BLOCK.search(raw), may_hide=_HIDING.search(raw) is not None)
    # Depth first by hand: trees may be thousands of elements deep.
    stack: list[LexborNode | str] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            collector.leave(node)
        elif collector.enter(node):
            stack.append(node.tag or "")
            child = node.last_child
            while child is not None:
                stack.append(child)
                child = child.prev
    collector.end_line()
    return collector.lines


class _LineCollector:
    """Makes lines of the elements and texts of a tree, as they are entered and left."""

    def __init__(self, *, keep_breaks: bool, may_hide: bool) -> None:
        self.lines: list[Line] = []
        self._keep_breaks = int(keep_breaks)  # how many open elements keep the line breaks of the source
        self._may_hide = may_hide
        self._text: list[str] = []  # pieces of the line in hand
        self._bold = self._heading = 0  # open elements of the kind
        self._all_bold = True  # whether the line in hand is bold so far

    def enter(self, node: LexborNode) -> bool:
        """Takes a node in; whether its children count too."""
        tag = node.tag or ""
        if tag == "-text":
            self._add(node.text_content or "")
            return False
        if tag.startswith("-") or tag in _DROPPED_TAGS or (self._may_hide and _is_hidden(node)):
            return tag == "-document"
        if tag == "br":
            self.end_line(blank=self._is_empty())
            return False
        self._boundary(tag)
        if tag == "li":
            self._text.append("• ")
        self._count(tag, 1)
        return True

    def leave(self, tag: str) -> None:
        if tag == "li" and "".join(self._text).strip() == "•":
            self._text.clear()
        self._boundary(tag)
        self._count(tag, -1)

    def end_line(self, *, blank: bool = False) -> None:
        text = "".join(self._text)
        heading = bool(self._heading) or (self._all_bold and not text.startswith("•"))
        if text.strip() not in ("", "•") or blank:
            self.lines.append(Line(text, heading))
            self._text.clear()
        self._all_bold = True

    def _is_empty(self) -> bool:
        return not any(map(str.strip, self._text))

    def _boundary(self, tag: str) -> None:
        if tag in _LINE_TAGS:
            self.end_line()
        elif tag in _CELL_TAGS:
            self._text.append(" ")
        if tag in _PARAGRAPH_TAGS:
            self.lines.append(Line(""))

    def _count(self, tag: str, step: int) -> None:
        if tag in _HEADING_TAGS:
            self._heading += step
        elif tag in _BOLD_TAGS:
            self._bold += step
        elif tag == "pre":
            self._keep_breaks += step

    def _add(self, text: str) -> None:
        first, *others = _characters(text).split("\n") if self._keep_breaks else [_characters(text)]
        self._piece(first)
        for other in others:
            self.end_line(blank=self._is_empty())
            self._piece(other)

    def _piece(self, text: str) -> None:
        self._text.append(text)
        if not self._bold and any(map(str.isalnum, text)):
            self._all_bold = False


def _is_hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    return "hidden" in attributes or bool(_HIDING.search(attributes.get("style") or ""))


# --- HTML not fit for the parser -------------------------------------------------------------------
# lexbor is linear except in the depth of nesting and in the number of attributes of one tag (100,000
# nested <div>: 16 s; 100,000 attributes: 27 s). Postings are far below these limits (at which it takes
# half a second at worst); bombs lose their tags by regular expressions instead.

_MAX_HTML = 100_000  # characters, without long attribute values
_MAX_TAGS = 10_000
_LONG_VALUE = re.compile(r"""=\s*(?:"[^"<>]{500,}"|'[^'<>]{500,}')""")  # pictures within the text, mostly
_LONG_TAG = re.compile(r"<[A-Za-z][^>]{5000}")
_DROPPED = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1|\Z)", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(rf"<(?:br|/?(?:{_BLOCK_NAMES}))\b[^>]*(?:>|\Z)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[A-Za-z/!?][^>]*(?:>|\Z)")


def _is_safe(raw: str) -> bool:
    return len(raw) <= _MAX_HTML and raw.count("<") <= _MAX_TAGS and _LONG_TAG.search(raw) is None


def _without_tags(raw: str) -> str:
    return _ANY_TAG.sub(" ", _BREAK.sub("\n", _DROPPED.sub(" ", raw)))
