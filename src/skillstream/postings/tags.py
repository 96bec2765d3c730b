"""Is it HTML, or does it only speak of HTML? `<p>We cook.</p>` against "you know <p> and <div>".

`C<T>`, `<3`, `a < b` and `List<a>` are no HTML either. What counts as markup: a closing tag, attributes, a
break, and a block's tag where no sentence would have it. A tag beside another that is joined to it by a
comma or an "and", or that is called a tag or an element, is a mention.
"""

from __future__ import annotations

import re

from skillstream.postings.escapes import unescape_once

__all__ = ["BLOCK_TAGS", "KNOWN_TAGS", "has_block", "has_markup", "is_mention", "unescape_markup"]

_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
BLOCK_TAGS = _HEADINGS | frozenset(
    "address article aside blockquote body caption center dd details dialog dir div dl dt fieldset "  # noqa: SIM905
    "figcaption figure footer form header hgroup hr html legend li main menu nav ol optgroup option p pre "
    "search section summary table tbody td tfoot th thead tr ul".split()
)
_INLINE_TAGS = frozenset(
    "a abbr acronym b bdi bdo big button cite code data del dfn em font i img input ins kbd label mark nobr "  # noqa: SIM905
    "q s samp select small span strike strong sub sup time tt u var wbr".split()
)
_OTHER_TAGS = frozenset(
    "audio base canvas datalist head iframe link math meta noscript object picture script source style svg "  # noqa: SIM905
    "template textarea title video".split()
)
KNOWN_TAGS = BLOCK_TAGS | _INLINE_TAGS | _OTHER_TAGS | {"br"}

_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][A-Za-z0-9]*+)(?P<rest>(?:[\s/][^<>]*+)?+)>")
_BOOLEAN = re.compile(r"\s*+(?:hidden|nowrap|noshade|compact|async|defer|open|class|style)?+\s*+/?+", re.I)
_HAS_BLOCK = re.compile(rf"<(?:{'|'.join(sorted(BLOCK_TAGS))})[\s/>]", re.IGNORECASE)

# What joins two mentions, and what calls them so. Looked at in a few characters around a tag.
_AROUND = 24
_JOINED_AFTER = re.compile(r"\s*+(?:[,;/&|]|and\b|or\b|und\b|oder\b|et\b)\s*+(?:and\s|or\s)?+<[A-Za-z]")
_JOINED_BEFORE = re.compile(r"<[A-Za-z][A-Za-z0-9]*>\s*(?:[,;/&|]|,?\s?(?:and|or|und|oder|et))\s*\Z")
_CALLED_AFTER = re.compile(r"(?:\s++(?:html5?\s++)?|-)(?:tag|element|attribute|node)s?\b")
_CALLED_BEFORE = re.compile(r"\b(?:tags?|elements?)(?:\s+(?:like|such as|as|e\.g\.))?[\s:(\"'`]*\Z")
_OLD_STYLE = ("p", "li")  # "We weld. <p> We cook."
_QUOTED = "\"'`(“‘"


def has_markup(text: str) -> bool:
    """Whether `text` is HTML rather than text with a few angle brackets."""
    return "<" in text and any(_is_markup(text, tag) for tag in _TAG.finditer(text))


def has_block(text: str) -> bool:
    """Whether an element that makes lines, other than `<br>`, is in the HTML."""
    return _HAS_BLOCK.search(text) is not None


def _is_markup(text: str, tag: re.Match[str]) -> bool:
    name = tag["name"].lower()
    if name not in KNOWN_TAGS:
        return False
    start, end, rest = tag.start(), tag.end(), tag["rest"].strip(" \t\r\n/")
    if tag["close"]:  # an empty pair, "<b></b>", is a mention, too
        before = text[max(0, start - _AROUND) : start]
        return not (before.lower().endswith(f"<{name}>") or _JOINED_BEFORE.search(before)) and not rest
    if "=" in rest:
        return True
    if rest and not _BOOLEAN.fullmatch(rest):  # "<table of contents>"
        return False
    if rest:
        return True
    if (name not in BLOCK_TAGS and name != "br") or is_mention(text, start, end):
        return False
    if name in ("br", "hr"):
        return True
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if before in ("", "\n", ">"):
        return True
    if before in _QUOTED or not after or text.startswith("</", end):
        return False
    if after[0] in "\n<":
        return after[0] == "<" or not before.isspace()
    return (after[0].isalnum() and after != "s ") or (
        name in _OLD_STYLE and after[0].isspace() and not after[1:].islower()
    )


def is_mention(text: str, start: int, end: int) -> bool:
    """Whether the tag at `text[start:end]`, an opening one without attributes, is only spoken of."""
    after = text[end : end + _AROUND]
    if _JOINED_AFTER.match(after) or _CALLED_AFTER.match(after):
        return True
    before = text[max(0, start - _AROUND) : start]
    return _JOINED_BEFORE.search(before) is not None or _CALLED_BEFORE.search(before) is not None


# --- escaped markup ---------------------------------------------------------------------------------

_AMPS = r"(?:amp;|#0*+38;)*+"
_ESCAPED_TAG = re.compile(
    rf"&(?P<amps>{_AMPS})(?:lt|#0*+60);(?:br\s*+/?+|/?+(?P<name>[A-Za-z][A-Za-z0-9]*+)(?:\s[^<>&]*+)?+/?+)\s*+"
    rf"&{_AMPS}(?:gt|#0*+62);",
    re.IGNORECASE,
)
_MAX_LEVELS = 4  # feeds escape their HTML once, some twice


def unescape_markup(raw: str) -> str:
    """`raw`, or what it is when unescaped if that is HTML and `raw` itself is not."""
    if "&" not in raw or has_markup(raw):
        return raw
    levels = sorted({_level(tag) for tag in _ESCAPED_TAG.finditer(raw)})
    for level in levels[:_MAX_LEVELS]:
        plain = unescape_once(raw, level)
        if has_markup(plain):
            return plain
    return raw


def _level(tag: re.Match[str]) -> int:
    """How often it was escaped: once for `&lt;br&gt;`."""
    return tag["amps"].count(";") + 1
