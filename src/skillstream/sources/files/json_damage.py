"""Where the next record begins in JSON whose quotes or brackets are damaged, so that damage stays with one.

A quote too many or too few turns text into structure and structure into text: what follows would be one
value up to where quotes happen to be in pairs again. So each value is checked, and one that is broken is
given up where a value like the others begins within it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from skillstream.postings.containers import is_posting
from skillstream.postings.payloads import decode_payload, nan_as_null

__all__ = ["begins_record", "is_broken", "next_record"]

_MAX_TRIES = 50  # beginnings of records that are looked at in one broken value
_MAX_RECORD = 4 << 20  # bytes of a record that are looked at
_FIRST_KEY = re.compile(rb'\s*\{\s*("(?:[^"\\]|\\.){0,200}+")\s*:')
_SCALAR = rb'\s*(?:"(?:[^"\\]|\\.)*+"|[^,"{}\[\]]++)\s*,\s*'
_SECOND_KEY = re.compile(_SCALAR + rb'("(?:[^"\\]|\\.){0,200}+")\s*:')
_ESCAPED = re.compile(rb"(\\\\)|\\u[0-9a-fA-F]{4}")
_CONTROLS_TO_BLANKS = bytes.maketrans(bytes(range(32)), b" " * 32)
_RAW = msgspec.json.Decoder(msgspec.Raw)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_broken(data: bytes, *, whole: bool = True) -> bool:
    """Whether the structure of JSON is broken; with `whole=False`, whether no end would make it whole.

    Bytes that are not UTF-8, lone surrogates, raw line breaks in strings, `NaN` and numbers out of range do
    not break it.
    What is nested too deep to be parsed is rejected anyway; while its end has not come it counts as broken.
    """
    try:
        _RAW.decode(data)
    except RecursionError:
        return not whole or not _is_balanced(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        plain = data.decode("utf-8", "replace").encode().translate(_CONTROLS_TO_BLANKS)
        try:
            _RAW.decode(nan_as_null(_ESCAPED.sub(rb"\1", plain)))
        except RecursionError:
            return not whole or not _is_balanced(data)
        except msgspec.DecodeError as error:
            return "range" not in str(error) and (whole or "truncated" not in str(error))
    return False


def _is_balanced(data: bytes) -> bool:
    """Whether every bracket and quote is closed, for what is nested too deep to be parsed."""
    depth = 0
    for step in _STEP.finditer(data):
        token = step[0]
        if token == b'"':
            return False
        depth += (token in b"{[") - (token in b"}]")
    return depth == 0


def next_record(data: bytes, likes: Collection[bytes]) -> int | None:
    """Where in a broken value the next record begins; `None` if that is not known.

    Args:
        data: the broken value, with what it has taken in.
        likes: records of the same file that are not broken; one may be unlike the others.
    """
    found = [at for like in dict.fromkeys(likes) if (at := _next_like(data, like)) is not None]
    return min(found) if found else _next_like(data, None)


def begins_record(data: bytes, likes: Collection[bytes], broken: bytes) -> bool:
    """Whether a value behind a broken one is a record of its own, rather than a piece of it.

    Args:
        data: the value; it may be broken, too.
        likes: as for `next_record`.
        broken: the broken one.
    """
    if not data.startswith(b"{"):
        return False
    models = [keys for like in likes if (keys := _keys(like))] or [_first_keys(broken.lstrip())]
    if is_broken(data):
        return any(len(keys) > 1 and _begins_like(data, 0, keys) for keys in models)
    found = _keys(data)
    return is_posting(dict.fromkeys(found, "text")) or any(
        2 * len(set(keys) & set(found)) > len(keys) for keys in models
    )


def _next_like(data: bytes, like: bytes | None) -> int | None:
    first = _FIRST_KEY.match(like or data)
    key = re.escape(first[1]) if first is not None else rb'"[^"\\]{1,200}+"'
    begin = re.compile(rb"(?<=[,}\s])\{\s*" + key + rb"\s*:")
    tries = zip(range(_MAX_TRIES), begin.finditer(data, 1), strict=False)
    candidates = [
        (match.start(), _first_object(data[match.start() : match.start() + _MAX_RECORD]))
        for _, match in tries
    ]
    keys = _keys(like) if like is not None else _first_keys(data)
    for at, found in candidates:
        if found is None and len(keys) > 1 and _begins_like(data, at, keys):  # broken, too
            return at
        if found is None or 2 * len(set(keys) & set(found)) <= len(keys):
            continue
        if len(keys) > 1 or is_posting(dict.fromkeys(found, "text")):
            return at
    return None


def _first_keys(data: bytes) -> list[str]:
    """The first key of a broken object, and the second one if what is before it is not broken."""
    first = _FIRST_KEY.match(data)
    if first is None:
        return []
    second = _SECOND_KEY.match(data, first.end())
    encoded = [first[1]] if second is None else [first[1], second[1]]
    found = [decode_payload(key, len(key)) for key in encoded]
    return [key for key in found if isinstance(key, str)]


def _keys(data: bytes) -> list[str]:
    try:
        return list(_OBJECT.decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


_STEP = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[{}\[\]"]', re.DOTALL)


def _first_object(data: bytes) -> list[str] | None:
    """The keys of the object that the data begin with; `None` if it is broken or has no end."""
    depth = 0
    for step in _STEP.finditer(data):
        token = step[0]
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
            if depth == 0:
                value = data[: step.end()]
                return None if is_broken(value) else _keys(value)
        elif token == b'"':
            return None
    return None


def _begins_like(data: bytes, at: int, keys: list[str]) -> bool:
    first, second = (re.escape(msgspec.json.encode(key)) for key in keys[:2])
    return re.compile(rb"\{\s*" + first + rb"\s*:" + _SCALAR + second + rb"\s*:").match(data, at) is not None
