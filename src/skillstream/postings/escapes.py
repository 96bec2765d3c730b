r"""Text that was escaped on its way and never unescaped: entities, `\n`, `\u2022`, `b'...'`, `\/`.

Each is undone only where it is sure, since a posting may also speak of such things: a Windows path keeps its
backslashes, and "the \n of C" is a mention. All functions are linear in the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

__all__ = ["decode_entities", "undo_literals", "unescape_markdown", "unescape_once"]

# --- entities ---------------------------------------------------------------------------------------

_AMPS = r"(?:amp;|#0*+38;|#[xX]0*+26;)"
# Python's own unescape also takes entities without `;` ("R&copyright") and fails on endless numbers.
_NAME = r"(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
_ENTITY = re.compile(rf"&(?P<amps>{_AMPS}*+)(?P<name>{_NAME}|nbsp(?![A-Za-z0-9;]))?+")
_AMP = re.compile(_AMPS)


def decode_entities(text: str) -> str:
    """`text` with its entities decoded, however often they were escaped (`&amp;amp;`, `&amp;#38;`)."""
    return _ENTITY.sub(_decoded, text) if "&" in text else text


def _decoded(entity: re.Match[str]) -> str:
    name = entity["name"]
    if name is None:
        return "&" if entity["amps"] else entity[0]
    character = html.unescape("&" + name)
    # "&bogus;" is no entity: what stands before it was still escaped
    return "&" + name if character == "&" + name else character


def unescape_once(text: str, levels: int) -> str:
    """`text` with `levels` levels of escaping removed: one makes `<` of `&lt;` and `&lt;` of `&amp;lt;`."""
    if levels < 1:
        return text

    def lowered(entity: re.Match[str]) -> str:
        amps, name = _AMP.findall(entity["amps"]), entity["name"]
        if len(amps) >= levels:
            return "&" + "".join(amps[levels:]) + (name or "")
        return _decoded(entity)

    return _ENTITY.sub(lowered, text)


# --- string literals --------------------------------------------------------------------------------

# One backslash or several: what was escaped twice has two.
_HEX_RUN = re.compile(r"(?<!\\)(?:\\++x[0-9a-fA-F]{2})++")
_UNICODE_RUN = re.compile(r"(?<!\\)(?:\\++u[0-9a-fA-F]{4})++")
_SLASH = re.compile(r"(?<=[\w<:/])\\++/|(?<!\\)\\++/(?=/)")
_QUOTE = re.compile(r"(?<!\\)\\++([\"'])")
_BREAK = re.compile(r"(?<!\\)\\++(?:r(?:\\++n)?+|n)")
_TAB = re.compile(r"(?<!\\)\\++t")
# Nobody writes these but a program: the two characters before a new line's first one, or twice in a row.
_SURE_BREAK = re.compile(
    r"\\r\\++n|(?<=[^\s\\])\\++n(?=[A-Z0-9•*#<(–—-]|\\++[nrtux]|\s*+\Z)|(?<!\\)\\++n(?=\s*+[A-Z•*–—-])|\\n(?=<)"
)
_ANY_BREAK = re.compile(r"(?<=[^\s\\\"'`(])\\++n")
_PATH = re.compile(r"[\"'(]*+(?:[A-Za-z]:\\|\\\\[\w.-]++\\)")
_BLANKS = re.compile(r"(\s+)")


def undo_literals(text: str) -> str:
    r"""`text` as it was before a program wrote it as a string literal (`\n`, `\u2022`, `b'...'`)."""
    inner = _inside_bytes(text)
    if inner is not None:
        return _without_escapes(_without_escapes(inner, sure=True), sure=True)
    if "\\" not in text:
        return text
    sure = _SURE_BREAK.search(text) is not None
    if not sure and "\n" not in text:
        sure = len(_ANY_BREAK.findall(text)) >= 2
    return _outside_paths(text, lambda part: _without_escapes(part, sure=sure))


def _inside_bytes(text: str) -> str | None:
    """What stands inside of `b'...'`, Python's way to show bytes; `None` if that is not what `text` is."""
    text = text.strip()
    if len(text) < 3 or text[0] not in "bB" or text[1] not in "'\"" or text[-1] != text[1]:
        return None
    inner = text[2:-1]
    free = re.search(rf"(?<!\\){text[1]}", inner)
    return None if free and not _HEX_RUN.search(inner) else inner


def _without_escapes(text: str, *, sure: bool) -> str:
    if "\\" not in text:
        return text
    text = _UNICODE_RUN.sub(_of_code_units, text)
    text = _HEX_RUN.sub(_of_bytes, text)
    text = _QUOTE.sub(r"\1", _SLASH.sub("/", text))
    return _TAB.sub("\t", _BREAK.sub("\n", text)) if sure else text


def _of_code_units(run: re.Match[str]) -> str:
    units = bytes.fromhex(re.sub(r"\\+u", "", run[0]))
    try:
        return units.decode("utf-16-be")
    except UnicodeDecodeError:  # half of a pair: no character, then no escape either
        return run[0]


def _of_bytes(run: re.Match[str]) -> str:
    data = bytes.fromhex(re.sub(r"\\+x", "", run[0]))
    if data.isascii():
        return run[0]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def _outside_paths(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` made to what is no Windows path."""
    if ":\\" not in text and "\\\\" not in text:
        return change(text)
    parts: list[str] = []
    held: list[str] = []
    for part in _BLANKS.split(text):
        if "\\" in part and _PATH.match(part):
            parts += [change("".join(held)), part]
            held = []
        else:
            held.append(part)
    return "".join([*parts, change("".join(held))])


# --- Markdown ---------------------------------------------------------------------------------------

_MARKDOWN_ESCAPE = re.compile(r"(?<!\\)\\++(?:([`*_{}\[\]()#+\-.!&|<>~$@^=:;,?])|(?=\n|\Z))")


def unescape_markdown(text: str) -> str:
    r"""`text` without the backslashes of Markdown: `C\+\+` is `C++`; one at the end of a line breaks it."""
    if "\\" not in text:
        return text
    return _outside_paths(text, lambda part: _MARKDOWN_ESCAPE.sub(lambda match: match[1] or "", part))
