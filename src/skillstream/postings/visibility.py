"""Can an element be seen, does it make lines and keep line breaks? By its name, attributes and own style."""

from __future__ import annotations

import re
from typing import NamedTuple

from skillstream.postings.html_tokens import Tag
from skillstream.postings.tags import BLOCK_TAGS

__all__ = ["Look", "look_of"]

# Browsers show nothing of these: content for other means, or for browsers that cannot do what is asked.
_UNSEEN_TAGS = frozenset(
    "annotation audio canvas datalist iframe noembed noframes noscript object script style svg template "  # noqa: SIM905
    "title video".split()
)
_BLOCK_DISPLAYS = ("block", "flex", "grid", "table", "list-item", "table-row", "table-caption", "flow-root")
_KEPT_BREAKS = ("pre", "pre-wrap", "pre-line", "break-spaces")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)


class Look(NamedTuple):
    """What an element's tag says of its look; `None`: as its parent.

    Attributes:
        removed: neither it nor anything in it is shown.
        hidden: its text is not shown, but what is in it may show itself again.
        breaks: whether line breaks of the source are kept.
        block: whether it begins and ends a line.
    """

    removed: bool
    hidden: bool | None
    breaks: bool | None
    block: bool


def look_of(tag: Tag) -> Look:
    """The look of the element that an opening tag begins."""
    name = tag.name
    removed = name in _UNSEEN_TAGS
    hidden = breaks = None
    block = name in BLOCK_TAGS and name not in ("td", "th")  # the cells of a row are one line
    if name in ("pre", "textarea"):
        breaks = True
    if tag.attributes:
        style = _declarations(tag.attribute("style") or "")
        display = style.get("display", "")
        removed = (
            removed
            or display == "none"
            or (tag.attribute("hidden") is not None and not display)
            or style.get("content-visibility") == "hidden"
            or style.get("opacity") in ("0", "0%", "0.0")
        )
        if "visibility" in style:
            hidden = style["visibility"] in ("hidden", "collapse")
        if "white-space" in style:
            breaks = style["white-space"] in _KEPT_BREAKS
        if display in _BLOCK_DISPLAYS:
            block = True
        elif display.startswith("inline") or display == "contents":
            block = False
    if name == "dialog" and tag.attribute("open") is None:
        removed = True
    return Look(removed, hidden, breaks, block)


def _declarations(style: str) -> dict[str, str]:
    """Properties and values of an inline style, in lower case; the last wins, an important one first."""
    if not style:
        return {}
    found: dict[str, str] = {}
    important: dict[str, str] = {}
    for declaration in _COMMENT.sub("", style.lower()).split(";"):
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        value, mark, _ = value.partition("!")
        (important if mark else found)[name.strip()] = value.strip()
    return found | important
