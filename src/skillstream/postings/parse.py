"""Bytes of a record → a posting, or the reason why not.

Understood without configuration: the feeds of `skillstream.postings.feeds`, JSON objects whose fields have
well-known names, and either of them wrapped in an object of its own, or as the only posting in a list, an
`@graph` or a page of results. For everything else `FieldMapping` says where the fields are.

Nothing here raises for bad input, and time and memory are linear in the payload.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from skillstream.chunks import Record
from skillstream.postings.containers import (
    Container,
    Named,
    find_postings,
    is_job_posting,
    named_fields,
    other_type,
    unwrapped,
)
from skillstream.postings.feeds import Feed, feed_named, recognise, values_at
from skillstream.postings.fields import (
    FURTHER_TEXT,
    ID_NAMES,
    LANGUAGE_NAMES,
    STRONG_TEXT_NAMES,
    TEXT_NAMES,
    TIME_NAMES,
    TITLE_NAMES,
    WELL_KNOWN,
    FieldMapping,
    is_text_name,
)
from skillstream.postings.language import language_code
from skillstream.postings.markup import is_blank, one_line
from skillstream.postings.payloads import MAX_BYTES, decode_payload
from skillstream.postings.times import posting_time
from skillstream.postings.values import bare_name, is_unicode, join_texts, kind_of, no_text, text_of, title_of
from skillstream.rejections import Rejection, RejectionCode
from skillstream.times import readable_time

__all__ = ["JobPosting", "parse_payload", "parse_record", "posting_from_mapping"]


class JobPosting(msgspec.Struct, frozen=True):
    """A job posting as its source gives it.

    Attributes:
        posting_id: the source's id; a number becomes its decimal digits.
        title: one line, entities decoded; may be empty.
        text: the description, plain or HTML, not yet cleaned (see `skillstream.postings.sentences.segment`);
            empty if the record has none.
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
        return msgspec.structs.replace(posting, event_time=readable_time(record.event_time))
    return posting


def parse_payload(
    payload: bytes, fields: FieldMapping = WELL_KNOWN, max_bytes: int = MAX_BYTES
) -> JobPosting | Rejection:
    """The posting in a JSON document, or why there is none. Confluent-framed JSON is unframed."""
    value = decode_payload(payload, max_bytes)
    return value if isinstance(value, Rejection) else _from_value(value, fields)


def posting_from_mapping(
    mapping: Mapping[str, object], fields: FieldMapping = WELL_KNOWN
) -> JobPosting | Rejection:
    """The posting in an already decoded object, or why there is none."""
    return _from_value(mapping, fields)


class _NoPostingError(Exception):
    """Why a value is no posting; never leaves this module."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(code, detail)


def _from_value(value: object, fields: FieldMapping) -> JobPosting | Rejection:
    try:
        item = _the_posting(value, fields)
        return _from_object(item, fields)
    except _NoPostingError as error:
        return error.rejection


# --- which object it is ----------------------------------------------------------------------------


def _the_posting(value: object, fields: FieldMapping) -> Mapping[str, object]:
    """The one posting in an object, a list or an `@graph`. Raises _NoPostingError unless it is one."""
    if fields.records_path is not None and isinstance(value, Mapping):
        value = _at_records_path(value, fields.records_path)
    if isinstance(value, Mapping):
        graph = value.get("@graph")
        if isinstance(graph, list):
            return _only_posting(graph, "an @graph that holds {} JobPosting objects")
        return _not_a_container(value)
    if isinstance(value, list):
        return _only_posting(value, kind_of(value))
    raise _not_an_object(kind_of(value))


def _only_posting(items: list[object], what: str) -> Mapping[str, object]:
    postings = [item for item in items if isinstance(item, Mapping) and is_job_posting(item)]
    if len(postings) != 1:
        raise _not_an_object(what.format(len(postings)))
    return postings[0]


def _not_a_container(item: Mapping[str, object]) -> Mapping[str, object]:
    found = find_postings(item)
    if found is None:
        if (kind := other_type(item)) is not None and unwrapped(item) is item:
            raise _NoPostingError(RejectionCode.NOT_AN_OBJECT, f"expected a JobPosting, got a {kind}")
        return item
    if len(found.items) == 1 and isinstance(only := found.items[0], Mapping):
        return only
    raise _NoPostingError(RejectionCode.NOT_AN_OBJECT, _where(found))


def _where(found: Container) -> str:
    count = len(found.items)
    return (
        f"expected one posting, got {count}: the postings are in '{found.path}' ({count} objects): "
        f"--records-path {found.path} makes rows of them in a .json file"
    )


def _at_records_path(item: Mapping[str, object], path: str) -> object:
    """What stands at the path, or at the rest of it in an element that was taken out of a file by it."""
    names = path.replace("[]", "").split(".")
    for first in range(len(names)):
        value: object = item
        for name in names[first:]:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping):
            return value[0]
        if isinstance(value, list):
            count = len(value)
            detail = (
                f"expected one posting, got {count} in '{path}': one record is one row except in a .json file"
            )
            raise _NoPostingError(RejectionCode.NOT_AN_OBJECT, detail)
        if isinstance(value, Mapping):
            return value
    return item


def _not_an_object(what: str) -> _NoPostingError:
    return _NoPostingError(RejectionCode.NOT_AN_OBJECT, f"expected one JSON object, got {what}")


# --- its fields ------------------------------------------------------------------------------------


def _from_object(outer: Mapping[str, object], fields: FieldMapping) -> JobPosting:
    item = unwrapped(outer)
    named = named_fields(item)
    feed = feed_named(fields.feed) if fields.feed is not None else recognise(named)
    title_name, title = _title(outer, item, named, feed, fields)
    text_name, text = _text(outer, item, named, feed, fields)
    title = one_line(title)
    if is_blank(title) and is_blank(text):
        raise _NoPostingError(
            RejectionCode.MISSING_TEXT,
            f"neither {title_name!r} nor {text_name!r} holds text; {_listed(outer)}",
        )
    id_name, id_value = _pick(outer, item, named, feed, fields.id, "ids", ID_NAMES)
    return JobPosting(
        posting_id=_id(id_name, id_value, is_mapped=fields.id is not None),
        title=title,
        text=text,
        event_time=_time(item, named, feed),
        language=_language(_pick(outer, item, named, feed, None, "languages", LANGUAGE_NAMES)[1]),
    )


def _title(
    outer: Mapping[str, object],
    item: Mapping[str, object],
    named: Named,
    feed: Feed | None,
    fields: FieldMapping,
) -> tuple[str, str]:
    """The name and the text of the title; the text may be empty."""
    if fields.title is not None:
        value = _at(outer, item, fields.title)
        return fields.title, title_of(value) or _checked(fields.title, value)
    for path in feed.titles if feed is not None else ():
        for value in values_at(item, path):
            if title := title_of(value):
                return path, title
    wrong = None
    for name in TITLE_NAMES:
        if name in named:
            if title := title_of(named[name][1]):
                return named[name][0], title
            wrong = wrong or named[name]
    return (wrong[0], _checked(*wrong)) if wrong is not None else (TITLE_NAMES[0], "")


def _text(
    outer: Mapping[str, object],
    item: Mapping[str, object],
    named: Named,
    feed: Feed | None,
    fields: FieldMapping,
) -> tuple[str, str]:
    """The name and the text of the description with what else counts; the text may be empty."""
    if fields.text is not None:
        value = _at(outer, item, fields.text)
        text = text_of(value) or _checked(fields.text, value)
        # A name that would be taken anyway changes nothing else.
        is_known = bare_name(fields.text) in TEXT_NAMES
        return fields.text, _with_further_text(text, named) if is_known else text
    if feed is not None and (text := _feed_text(item, feed)):
        return feed.name, _with_further_text(text, named, used=_names_of(feed))
    name, text = _well_known_text(named)
    return name, _with_further_text(text, named)


def _feed_text(item: Mapping[str, object], feed: Feed) -> str:
    parts: list[tuple[str, str]] = []
    for part in feed.texts:
        for path in part.paths:
            found = [text for value in values_at(item, path) if (text := text_of(value))]
            text = found[0] if len(found) == 1 else text_of(list[object](found))
            if text:
                if not any(text in other for _, other in parts):
                    parts.append((part.heading, text))
                break
    return join_texts(parts)


def _names_of(feed: Feed) -> frozenset[str]:
    return frozenset(path.split(".")[0] for part in feed.texts for path in part.paths)


def _well_known_text(named: Named) -> tuple[str, str]:
    wrong = None
    for name in TEXT_NAMES:
        if name in named:
            if text := text_of(named[name][1]):
                return named[name][0], text
            if name in STRONG_TEXT_NAMES:
                wrong = wrong or named[name]
    for name, (given, value) in named.items():
        if is_text_name(name) and isinstance(value, str | list | Mapping) and (text := text_of(value)):
            return given, text
    return (wrong[0], _checked(*wrong)) if wrong is not None else ("description", "")


def _checked(name: str, value: object) -> str:
    """`""` for what holds no text but might. Raises _NoPostingError for what is no text at all."""
    if value is None or (isinstance(value, list | Mapping) and not value):
        return ""
    if not isinstance(value, str):
        raise _NoPostingError(RejectionCode.WRONG_TYPE, f"expected text in {name!r}, got {kind_of(value)}")
    if not is_unicode(value):
        raise _NoPostingError(
            RejectionCode.INVALID_UNICODE, f"{name!r} holds a surrogate without its partner"
        )
    return ""


def _with_further_text(text: str, named: Named, used: frozenset[str] = frozenset()) -> str:
    """The description, followed by those other fields that say something it does not."""
    parts = [("", text)]
    for name, heading in FURTHER_TEXT.items():
        further = text_of(named[name][1]) if name in named and name not in used else ""
        if further and further not in text:
            parts.append((heading, further))
    return text if len(parts) == 1 else join_texts(parts)


def _pick(
    outer: Mapping[str, object],
    item: Mapping[str, object],
    named: Named,
    feed: Feed | None,
    path: str | None,
    kind: str,
    well_known: tuple[str, ...],
) -> tuple[str, object]:
    """Name and value of a field: at `path`, else where the feed has it, else under a well-known name."""
    if path is not None:
        return path, _at(outer, item, path)
    for feed_path in getattr(feed, kind) if feed is not None else ():
        for value in values_at(item, feed_path):
            if _says_something(value):
                return feed_path, value
    for name in well_known:
        if name in named and _says_something(named[name][1]):
            return named[name]
    return well_known[0], None


def _says_something(value: object) -> bool:
    if isinstance(value, str):
        return not no_text(value)
    if isinstance(value, list | Mapping):
        inner = value.values() if isinstance(value, Mapping) else value
        return any(isinstance(item, int | float | Mapping) or bool(text_of(item)) for item in inner)
    return value is not None


def _at(outer: Mapping[str, object], item: Mapping[str, object], path: str) -> object:
    for place in (outer, item):
        if path in place:  # a column whose name holds dots
            return place[path]
        value: object = place
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


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
    if isinstance(value, str) and is_unicode(value):
        return None if no_text(value) else value
    if isinstance(value, str) or is_mapped:
        return _checked(name, value) or None
    return None


def _time(item: Mapping[str, object], named: Named, feed: Feed | None) -> int | None:
    """The first of the feed's and the well-known times that can be read."""
    values = [value for path in (feed.times if feed is not None else ()) for value in values_at(item, path)]
    values += [named[name][1] for name in TIME_NAMES if name in named]
    return next((time for value in values if (time := posting_time(value)) is not None), None)


def _language(value: object) -> str | None:
    if isinstance(value, Mapping):  # schema.org Language
        value = value.get("alternateName") or value.get("name") or value.get("code")
    return language_code(value) if isinstance(value, str) else None


def _listed(item: Mapping[str, object]) -> str:
    names = [repr(str(name)[:40]) for name in item]
    names = [name.encode(errors="replace").decode() for name in names]
    if not names:
        return "the object is empty"
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"the record has {', '.join(names[:10])}{more}"
