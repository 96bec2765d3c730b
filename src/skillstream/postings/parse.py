"""Bytes of a record → a posting, or the reason why not.

Two shapes are understood without configuration: plain JSON objects whose fields have one of the
well-known names, and schema.org `JobPosting` objects (JSON-LD), alone or the only posting in an
`@graph` or a list. For everything else `FieldMapping` says where the fields are.

Nothing here raises for bad input, and time and memory are linear in the payload.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from skillstream.chunks import Record
from skillstream.postings.fields import (
    FURTHER_TEXT,
    ID_NAMES,
    LANGUAGE_NAMES,
    TEXT_NAMES,
    TIME_NAMES,
    TITLE_NAMES,
    WELL_KNOWN,
    FieldMapping,
)
from skillstream.postings.language import language_code
from skillstream.postings.markup import as_html, is_blank, is_html, one_line
from skillstream.rejections import Rejection, RejectionCode

__all__ = ["JobPosting", "parse_payload", "parse_record", "posting_from_mapping"]

MAX_BYTES = 10_000_000


class JobPosting(msgspec.Struct, frozen=True):
    """A job posting as its source gives it.

    Attributes:
        posting_id: the source's id; a number becomes its decimal digits.
        title: one line, entities decoded; may be empty.
        text: the description, plain or HTML, not yet cleaned (see `skillstream.postings.sentences.segment`).
        event_time: when it was posted, milliseconds since the epoch, UTC.
        language: ISO 639 code if the source states it, else `None`.
    """

    posting_id: str | None
    title: str
    text: str
    event_time: int | None = None
    language: str | None = None


def parse_record(
    record: Record, fields: FieldMapping = WELL_KNOWN, max_bytes: int = MAX_BYTES
) -> JobPosting | Rejection:
    """The posting of a record, or why there is none; `event_time` is the record's own where it has one."""
    if record.rejection is not None:
        return record.rejection
    if record.payload is None:
        return Rejection(RejectionCode.TOMBSTONE, "the record has a key but no value")
    posting = parse_payload(record.payload, fields, max_bytes)
    if isinstance(posting, JobPosting) and record.event_time is not None:
        return msgspec.structs.replace(posting, event_time=record.event_time)
    return posting


def parse_payload(
    payload: bytes, fields: FieldMapping = WELL_KNOWN, max_bytes: int = MAX_BYTES
) -> JobPosting | Rejection:
    """The posting in a JSON document, or why there is none. Confluent-framed JSON is unframed."""
    if len(payload) > max_bytes:
        return Rejection(RejectionCode.TOO_LARGE, f"{len(payload)} bytes, at most {max_bytes} are read")
    if payload.startswith(b"\0"):  # Confluent's wire format: a zero byte, the schema's id in four bytes
        payload = payload[5:]
        if not payload.lstrip().startswith(b"{"):
            return Rejection(RejectionCode.UNSUPPORTED_FRAMING, "framed with a schema id, but not JSON")
    payload = payload.removeprefix(b"\xef\xbb\xbf")
    if not payload.strip():
        return Rejection(RejectionCode.EMPTY, "no bytes, or only white space")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return Rejection(RejectionCode.INVALID_UTF8, f"{error.reason} (byte {error.start})")
    value = _decode(payload)
    if isinstance(value, Rejection):
        return value
    return _from_value(value, fields)


def posting_from_mapping(
    mapping: Mapping[str, object], fields: FieldMapping = WELL_KNOWN
) -> JobPosting | Rejection:
    """The posting in an already decoded object, or why there is none."""
    return _from_value(mapping, fields)


# --- JSON ------------------------------------------------------------------------------------------

_ANY = msgspec.json.Decoder()
# An escaped surrogate without its partner. msgspec refuses it too, but calls it "truncated" near the end.
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[dD][c-fC-F][0-9a-fA-F]{2})"
)
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def _decode(payload: bytes) -> object:
    try:
        return _ANY.decode(payload)
    except RecursionError:
        return Rejection(RejectionCode.TOO_DEEP, "nested deeper than the parser goes")
    except msgspec.DecodeError as error:
        if _LONE_SURROGATE.search(_PAIR.sub(b"", payload)):
            return Rejection(RejectionCode.INVALID_UNICODE, "an escaped surrogate without its partner")
        return Rejection(RejectionCode.INVALID_JSON, str(error))


# --- fields ----------------------------------------------------------------------------------------


class _FieldError(Exception):
    """A field that cannot be used; never leaves this module."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(code, detail)


def _from_value(value: object, fields: FieldMapping) -> JobPosting | Rejection:
    item = _the_posting(value)
    if item is None:
        return Rejection(RejectionCode.NOT_AN_OBJECT, f"expected one JSON object, got {_describe(value)}")
    try:
        return _from_object(item, fields)
    except _FieldError as error:
        return error.rejection


def _the_posting(value: object) -> Mapping[str, object] | None:
    """The one posting in an object, a list or an `@graph`; `None` if there is none, or several."""
    if isinstance(value, Mapping):
        graph = value.get("@graph")
        if not isinstance(graph, list):
            return value
        value = graph
    if not isinstance(value, list):
        return None
    postings = [item for item in value if isinstance(item, Mapping) and _is_job_posting(item)]
    return postings[0] if len(postings) == 1 else None


def _is_job_posting(item: Mapping[str, object]) -> bool:
    kinds = item.get("@type")
    return any(
        isinstance(kind, str) and kind.endswith("JobPosting")
        for kind in (kinds if isinstance(kinds, list) else [kinds])
    )


def _from_object(item: Mapping[str, object], fields: FieldMapping) -> JobPosting:
    named = {_bare(name): (name, value) for name, value in item.items() if value is not None}
    title_name, title = _pick(item, named, fields.title, TITLE_NAMES)
    text_name, text = _pick(item, named, fields.text, TEXT_NAMES)
    title = one_line(_text(title_name, title))
    text = _text(text_name, text)
    if fields.text is None:
        text = _with_further_text(text, named)
    if is_blank(title) and is_blank(text):
        raise _FieldError(RejectionCode.MISSING_TEXT, f"neither {title_name!r} nor {text_name!r} holds text")
    return JobPosting(
        posting_id=_id(*_pick(item, named, fields.id, ID_NAMES), is_mapped=fields.id is not None),
        title=title,
        text=text,
        event_time=_time(_pick(item, named, None, TIME_NAMES)[1]),
        language=_language(_pick(item, named, None, LANGUAGE_NAMES)[1]),
    )


def _bare(name: object) -> str:
    return str(name).replace("_", "").replace("-", "").replace(" ", "").lower()


_Named = Mapping[str, tuple[str, object]]


def _pick(
    item: Mapping[str, object], named: _Named, path: str | None, well_known: tuple[str, ...]
) -> tuple[str, object]:
    """Name and value of a field: at `path`, else under the first well-known name that holds something."""
    if path is not None:
        return path, _at(item, path)
    for name in well_known:
        if name in named and named[name][1] != "":
            return named[name]
    return well_known[0], None


def _at(item: Mapping[str, object], path: str) -> object:
    if path in item:  # a column whose name holds dots
        return item[path]
    value: object = item
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _text(name: str, value: object) -> str:
    """`value` as text that UTF-8 can hold; `None` is no text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _FieldError(RejectionCode.WRONG_TYPE, f"expected text in {name!r}, got {_describe(value)}")
    if not _is_unicode(value):
        raise _FieldError(RejectionCode.INVALID_UNICODE, f"{name!r} holds a surrogate without its partner")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_further_text(text: str, named: _Named) -> str:
    """The description, followed by those other fields that say something it does not."""
    parts = [text]
    for name, heading in FURTHER_TEXT.items():
        further = _all_text(named[name][1]) if name in named else ""
        if not is_blank(further) and further not in text:
            parts.append(f"{heading}:\n{further}")
    if len(parts) == 1:
        return text
    if any(map(is_html, parts)):
        return "".join(f"<div>{as_html(part)}</div>" for part in parts)
    return "\n\n".join(part for part in parts if part)


def _all_text(value: object) -> str:
    """The text in a field that schema.org allows to be text, an object or a list of either."""
    texts = []
    for item in value if isinstance(value, list) else [value]:
        text = item.get("name") or item.get("description") if isinstance(item, Mapping) else item
        if isinstance(text, str) and _is_unicode(text):
            texts.append(text)
    return "\n".join(texts)


def _id(name: str, value: object, *, is_mapped: bool) -> str | None:
    """The id as text. What merely has one of the well-known names may be anything, and is then no id."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping) and ("value" in value or not is_mapped):  # schema.org PropertyValue
        value = value.get("value")
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**100:
        return str(value)
    if isinstance(value, str) or is_mapped:
        return _text(name, value) or None
    return None


FIRST_TIME = -62_135_596_800_000  # 0001-01-01T00:00:00Z
LAST_TIME = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def _time(value: object) -> int | None:
    """Milliseconds since the epoch of an ISO 8601 text or of (milli)seconds; `None` if it is neither."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _readable_time(value if abs(value) >= 1e11 else value * 1000)  # 1e11 s is the year 5138
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return _readable_time(time.timestamp() * 1000)


def _readable_time(milliseconds: float) -> int | None:
    """The time if Python's and everybody's readers can show it: years 1 to 9999, UTC."""
    return int(milliseconds) if FIRST_TIME <= milliseconds <= LAST_TIME else None


def _language(value: object) -> str | None:
    if isinstance(value, Mapping):  # schema.org Language
        value = value.get("alternateName") or value.get("name")
    return language_code(value) if isinstance(value, str) else None


def _describe(value: object) -> str:
    if isinstance(value, list):
        count = sum(isinstance(item, Mapping) and _is_job_posting(item) for item in value)
        return f"a list that holds {count} JobPosting objects"
    if isinstance(value, Mapping):
        return "an object"
    return {str: "text", bool: "a truth value", int: "a number", float: "a number"}.get(
        type(value), "nothing"
    )
