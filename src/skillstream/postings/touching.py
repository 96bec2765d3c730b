"""Inline elements that touch, `<span>Python</span><span>SQL</span>`: two words, items of a list, or one word?

A browser shows "PythonSQL"; the page's own style would have kept them apart. But editors also cut words in
two: `<b>C</b><b>ook</b>`. Neither is said by the markup, so the letters decide.
"""

from __future__ import annotations

import re

__all__ = ["TOUCH", "TOUCH_APART", "parted"]

# Marks between two elements that touch; no cleaned text holds control characters, and both are white space.
TOUCH = "\x1f"
TOUCH_APART = "\x1e"  # the second is one that never cuts a word in two, such as a link
_MARKS = re.compile(f"[{TOUCH}{TOUCH_APART}]")
_MAX_ITEM = 40  # characters of a chip


def parted(text: str) -> str:
    """`text` with its marks made blanks, bullets (of three items and more) or nothing."""
    if TOUCH not in text and TOUCH_APART not in text:
        return text
    marks = _MARKS.findall(text)
    parts = _MARKS.split(text)
    if len(parts) > 2 and _are_items(parts):
        return " • ".join(parts)
    joined = [parts[0]]
    before = parts[0]
    for mark, after in zip(marks, parts[1:], strict=True):
        if mark == TOUCH_APART or _are_words(before, after):
            joined.append(" ")
        joined.append(after)
        before = after or before
    return "".join(joined)


def _are_items(parts: list[str]) -> bool:
    """Whether the parts are things of their own: short, without blanks at their ends, no pieces of a word."""
    if any(not part or part != part.strip() or len(part) > _MAX_ITEM for part in parts[1:]):
        return False
    if not parts[0].strip() or parts[0][-1:].isspace():
        return False
    if any(not (part[0].isalnum() or part[0] in ".#") for part in parts if not part[0].isspace()):
        return False
    return all(len(part) > 3 or not part[0].islower() for part in parts) and max(map(len, parts)) > 1


def _are_words(before: str, after: str) -> bool:
    """Whether a blank is missing: "Docker|Italian", not "C|ook", "C|OOK" or "(|Cook"."""
    if not before or (not before[-1].isalnum() and before[-1] not in "+#.,:;!?)]%"):
        return False
    word = before.split()[-1]
    if len(word) < 2:
        return len(after.strip()) < 2 and word.isupper() and after[:1].isupper()
    return after[:1].isupper()
