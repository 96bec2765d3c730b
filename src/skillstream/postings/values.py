"""The text in a field's value: a text, a list of texts, an object of texts; and texts put together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import msgspec

from skillstream.postings.markup import as_html, is_blank, is_html

__all__ = [
    "bare_name",
    "is_filled",
    "is_unicode",
    "join_texts",
    "kind_of",
    "no_text",
    "says_something",
    "text_of",
    "title_of",
]


def names(text: str) -> tuple[str, ...]:
    """The words of a text: for lists of names that are read in columns."""
    return tuple(text.split())


# What tables and feeds write where there is nothing: pandas, Python, SQL, spreadsheets, people.
_NOTHING = frozenset(
    names(
        """nan nat none null nil \\n na n/a #n/a <na> n.a. k.a. undefined (null) (none) [null] [none]
        - -- --- \u2013 \u2014 . ? [] {}"""
    )
)
_MAX_NOTHING = 40  # characters, with markup around it
_MAX_KEPT_NAME = 64  # characters: hostile records have names of megabytes
_MAX_DEPTH = 6  # objects within lists within objects; no description goes deeper
_TAGS = re.compile(r"</?[A-Za-z][^<>]{0,30}>|<!\[CDATA\[|\]\]>|&nbsp;")

# Of an object: where its text is, best first; its heading; what is neither.
_BODIES = (
    "html",
    "rendered",
    "content",
    "value",
    "text",
    "#text",
    "$text",
    "body",
    "description",
    "plain",
    "markdown",
    "raw",
    "name",
    "libelle",
    "items",
    "string",
)
_HEADINGS = ("title", "heading", "headline", "label", "name")
_LABELS = frozenset(names("@type @id @context id type format lang language url mimetype encoding order code"))
_LANGUAGE = re.compile(r"[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
_COMPANY = ("company", "aboutcompany", "aboutus", "employer")


def bare_name(name: object) -> str:
    """A field's name without case, `_`, `-`, blanks and envelope: `job.Job_Title` is `jobtitle`."""
    text = str(name)
    return _bare_name(text) if len(text) <= _MAX_KEPT_NAME else _bare_name.__wrapped__(text)


@lru_cache(maxsize=4096)  # the records of a source have the same names again and again
def _bare_name(text: str) -> str:
    text = text.lower()
    if "." in text or ":" in text or "/" in text:
        text = _ENVELOPE.sub("", text)
    return text.replace("_", "").replace("-", "").replace(" ", "")


_ENVELOPE = re.compile(
    r"^(?:_source|attributes|data|document|fields|item|job|job_?posting|node|posting|record|schema|vacancy)[.:/]"
)


def no_text(text: str) -> bool:
    """Whether a text says nothing: blank, or what is written for nothing (`nan`, `None`, `N/A`, `-`)."""
    if is_blank(text):
        return True
    if len(text) > _MAX_NOTHING:
        return False
    bare = _TAGS.sub("", text).strip().lower()
    return not bare or bare in _NOTHING or text.strip().lower() in _NOTHING


def is_unicode(value: str) -> bool:
    """Whether UTF-8 can hold the text: it has no surrogate without its partner."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def is_filled(value: object) -> bool:
    """Whether a value holds any text, in the sense of `text_of`, or a number."""
    if isinstance(value, int | float):
        return True
    return isinstance(value, str | list | Mapping) and bool(text_of(value))


def says_something(value: object) -> bool:
    """Whether a value says anything at all: text, a number, a truth value, or a list or object of them."""
    if isinstance(value, str):
        return not no_text(value)
    if isinstance(value, list | Mapping):
        inner = value.values() if isinstance(value, Mapping) else value
        return any(isinstance(item, int | float | Mapping) or bool(text_of(item)) for item in inner)
    return value is not None


def title_of(value: object) -> str:
    """The text of a title: a text, `{"rendered": ...}`, one by language, the first of a list; else `""`."""
    if isinstance(value, list):
        titles = (title_of(one) for one in value if isinstance(one, str | Mapping))
        value = next(filter(None, titles), None)
    if isinstance(value, Mapping):
        bodies = (*_BODIES, "S")  # DynamoDB's
        value = _by_language(value) or next((value[name] for name in bodies if name in value), None)
    return value if isinstance(value, str) and is_unicode(value) and not no_text(value) else ""


def text_of(value: object, depth: int = _MAX_DEPTH) -> str:
    """The text of a value: lists line by line, of objects the headings and texts; `""` if there is none.

    Numbers, and texts that say nothing or that UTF-8 cannot hold, are left out.
    """
    if isinstance(value, str):
        if no_text(value) or not is_unicode(value):
            return ""
        return _of_json(value, depth) if value[:2] in ('{"', '["') else value
    if depth == 0:
        return ""
    if isinstance(value, list):
        return _lines(text_of(item, depth - 1) for item in value)
    if isinstance(value, Mapping):
        return _of_object(value, depth)
    return ""


def _of_json(text: str, depth: int) -> str:
    """The text in an object or list that a table has as JSON; any other text as it is."""
    try:
        value = msgspec.json.decode(text) if depth else None
    except (msgspec.DecodeError, RecursionError):
        return text
    return (text_of(value, depth - 1) if value else "") or text


def _of_object(value: Mapping[str, object], depth: int) -> str:
    if (chosen := _by_language(value)) is not None:
        return text_of(chosen, depth - 1)
    names = {bare_name(name): name for name in value}
    for body in _BODIES:
        if body in names and (text := text_of(value[names[body]], depth - 1)):
            # Lever: `text` is the heading of a list whose `content` are the items.
            headings = ("text", *_HEADINGS) if body == "content" else _HEADINGS
            heading = next(
                (
                    title
                    for name in headings
                    if name in names and name != body and (title := title_of(value[names[name]]))
                ),
                "",
            )
            return join_texts([(heading, text)])
    parts = [
        ("", text)
        for bare, name in names.items()
        if bare not in _LABELS and not bare.startswith(_COMPANY) and (text := text_of(value[name], depth - 1))
    ]
    return join_texts(parts)


def _by_language(value: Mapping[str, object]) -> object | None:
    """Of `{"de": ..., "en": ...}` the English text, else the first."""
    if not value or not all(isinstance(name, str) and _LANGUAGE.fullmatch(name) for name in value):
        return None
    filled = [(name, text) for name, text in value.items() if isinstance(text, str) and not no_text(text)]
    if not filled or any(name in _LABELS or name == "id" for name, _ in filled):
        return None
    return next((text for name, text in filled if name.startswith("en")), filled[0][1])


def _lines(texts: Iterable[str]) -> str:
    filled = [text for text in texts if text]
    if any(map(is_html, filled)) and len(filled) > 1:
        return "".join(f"<div>{as_html(text)}</div>" for text in filled)
    return "\n".join(filled)


def join_texts(parts: Sequence[tuple[str, str]]) -> str:
    """One text of (heading, text) pairs; it is HTML if one of them is. A heading may be empty."""
    texts = [f"{heading}:\n{text}" if heading else text for heading, text in parts if text]
    if len(texts) <= 1 and not any(heading for heading, _ in parts):
        return texts[0] if texts else ""
    if any(map(is_html, texts)):
        return "".join(f"<div>{_headed(heading, text)}</div>" for heading, text in parts if text)
    return "\n\n".join(texts)


def _headed(heading: str, text: str) -> str:
    return as_html(f"{heading}:\n{text}") if heading else as_html(text)


def kind_of(value: object) -> str:
    """What a value is, in words: `a number`, `a list of 2 objects`."""
    if isinstance(value, list):
        if not value:
            return "an empty list"
        kinds = {
            "object" if isinstance(item, Mapping) else "text" if isinstance(item, str) else "value"
            for item in value
        }
        kind = kinds.pop() if len(kinds) == 1 else "value"
        return f"a list of {len(value)} {kind}{'' if len(value) == 1 else 's'}"
    if isinstance(value, Mapping):
        return "an object"
    names = {str: "text", bool: "a truth value", int: "a number", float: "a number"}
    return names.get(type(value), "nothing")
