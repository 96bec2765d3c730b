"""HTML or plain text → clean lines of plain text: the way in to the modules beside this one.

    raw ─ escapes ─ tags (is it HTML?) ─┬─ html_tokens ─ html_lines ─┬─ lines ─ clean lines
                                        └─ plain ────────────────────┘

In HTML and plain text alike entities are decoded and invisible or exotic characters made ordinary. Time and
memory are linear in the input, whatever it holds.
"""

from __future__ import annotations

import html

from skillstream.postings.characters import is_blank, without_surrogates
from skillstream.postings.escapes import decode_entities, undo_literals
from skillstream.postings.html_lines import html_lines
from skillstream.postings.html_tokens import without_cdata
from skillstream.postings.lines import BULLETS, Line, is_bullet, tidy
from skillstream.postings.plain import plain_lines
from skillstream.postings.tags import has_markup, unescape_markup

__all__ = ["BULLETS", "Line", "as_html", "is_blank", "is_bullet", "is_html", "one_line", "text_lines"]

_MAX_PASSES = 5


def text_lines(raw: str) -> list[Line]:
    """The lines of `raw`, HTML or plain, trimmed, with single spaces and never two empty ones in a row."""
    raw = _unescaped(without_surrogates(raw))
    if not has_markup(raw):
        return tidy(plain_lines(raw))
    lines = html_lines(raw)
    inner = "\n".join(line.text for line in lines)
    if has_markup(inner):  # escaped HTML within HTML
        lines = html_lines(inner)
    return tidy(lines)


def one_line(raw: str) -> str:
    """All text of `raw` on one line, as a title needs it; that of a clean title is the title."""
    for _ in range(_MAX_PASSES):
        line = " ".join(line.text for line in text_lines(raw) if line.text)
        if line == raw:
            break
        raw = line
    return raw


def as_html(raw: str) -> str:
    """`raw` as HTML: itself if it is, else its lines, escaped."""
    raw = _unescaped(raw)
    return raw if has_markup(raw) else html.escape(decode_entities(raw), quote=False).replace("\n", "<br>")


def is_html(raw: str) -> bool:
    """Whether `raw` is HTML, escaped or not, rather than text with a few angle brackets."""
    return has_markup(_unescaped(raw))


def _unescaped(raw: str) -> str:
    """`raw` without the escaping around all of it: string literals, CDATA, HTML as entities."""
    return without_cdata(unescape_markup(without_cdata(undo_literals(raw))))
