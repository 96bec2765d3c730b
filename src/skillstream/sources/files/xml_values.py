"""Elements of XML as values of JSON: repeated ones as lists, attributes as fields, XHTML as text."""

from __future__ import annotations

from html import escape
from typing import Any

__all__ = ["Element", "element_value", "local_name"]

# Elements of text: what holds one of them is text with markup, not an object.
_MARKUP = frozenset(
    """
    a abbr b blockquote br center code div em font h1 h2 h3 h4 h5 h6 hr i img li ol p pre small span
    strong sub sup table tbody td th thead tr u ul
    """.split()  # noqa: SIM905 - a list of words to read
)


class Element:
    """One element: its name, its attributes, and texts and elements within in their order."""

    __slots__ = ("attributes", "name", "parts")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.parts: list[Element | str] = []


def local_name(name: str) -> str:
    """The name without its namespace's prefix; RSS's `content:encoded` is `contentencoded`."""
    prefix, _, local = name.rpartition(":")
    return f"{prefix}encoded" if local == "encoded" and prefix else local


def element_value(element: Element) -> dict[str, Any]:
    """An element as an object. One with text alone has it under `text`.

    Children come before attributes of the same name, names without a prefix before those with one; the
    attributes of a child that is text are named `child@attribute`.
    """
    value: dict[str, Any] = {}
    children = [part for part in element.parts if isinstance(part, Element)]
    for child in sorted(children, key=lambda child: ":" in child.name):
        name = local_name(child.name)
        if ":" in child.name and any(name == other.name for other in children):
            name = child.name
        _add(value, name, _value(child))
        if _is_text(child):
            for attribute, text in child.attributes.items():
                if child.parts:
                    _add(value, f"{name}@{local_name(attribute)}", text)
    for attribute, text in element.attributes.items():
        value.setdefault(local_name(attribute), text)
    if not children and (text := _text(element)).strip():
        value.setdefault("text", text)
    return value


def _value(element: Element) -> Any:
    if not element.parts and element.attributes:
        return element_value(element)
    return _text(element) if _is_text(element) else element_value(element)


def _add(value: dict[str, Any], name: str, item: Any) -> None:
    if name not in value:
        value[name] = item
    elif isinstance(value[name], list):
        value[name].append(item)
    else:
        value[name] = [value[name], item]


def _is_text(element: Element) -> bool:
    """Whether it holds no element, or those of text with markup."""
    children = [part for part in element.parts if isinstance(part, Element)]
    texts = [part for part in element.parts if isinstance(part, str) and part.strip()]
    return not children or bool(texts) or all(local_name(child.name).lower() in _MARKUP for child in children)


def _text(element: Element) -> str:
    """The text of an element; with markup within, as HTML."""
    if all(isinstance(part, str) for part in element.parts):
        return "".join(part for part in element.parts if isinstance(part, str))
    return "".join(_html(part) for part in element.parts)


def _html(part: Element | str) -> str:
    if isinstance(part, str):
        return escape(part, quote=False)
    name = local_name(part.name)
    inner = "".join(_html(one) for one in part.parts)
    return f"<{name}>{inner}</{name}>" if inner or name.lower() not in ("br", "hr", "img") else f"<{name}>"
