"""The fields of a posting out of a JSON object: by the user's paths, a feed's table, or well-known names."""

from __future__ import annotations

from collections.abc import Mapping

from skillstream.postings.containers import Named, completed, named_fields, unwrapped
from skillstream.postings.feeds import Feed, feed_named, found_at, recognise
from skillstream.postings.fields import (
    FURTHER_TEXT,
    ID_NAMES,
    LANGUAGE_NAMES,
    STRONG_TEXT_NAMES,
    TEXT_NAMES,
    TIME_NAMES,
    TITLE_NAMES,
    FieldMapping,
    is_text_name,
)
from skillstream.postings.language import language_code
from skillstream.postings.markup import is_blank, one_line
from skillstream.postings.posting import FieldsFound, JobPosting, NoPostingError
from skillstream.postings.times import posting_time
from skillstream.postings.values import (
    bare_name,
    is_unicode,
    join_texts,
    kind_of,
    no_text,
    says_something,
    text_of,
    title_of,
)
from skillstream.rejections import RejectionCode

__all__ = ["has_path", "read_object", "value_at"]

_SHOWN = 40  # characters of a name or a value in a message
_NO_NUMBER = 1e300  # larger ones, and NaN, are no times that anybody wrote


def read_object(outer: Mapping[str, object], fields: FieldMapping) -> tuple[JobPosting, FieldsFound]:
    """The posting in an object, and the fields that it was made of.

    Args:
        outer: an object that holds one posting, maybe with something around it.
        fields: where its fields are, if that is said.

    Raises:
        NoPostingError: it holds no text, or a field that is needed holds what is no text.
    """
    item = unwrapped(outer)
    named = named_fields(item)
    feed = feed_named(fields.feed) if fields.feed is not None else recognise(named)
    if feed is None:
        item = completed(item)
        named = named_fields(item)
    title_name, title = _title(outer, item, named, feed, fields)
    # Lever's `text` is a title: what one field says is not said twice.
    others = {bare: pair for bare, pair in named.items() if pair[0] != title_name} if title else named
    text_names, text = _text(outer, item, others, feed, fields)
    title = one_line(title)
    if is_blank(title) and is_blank(text):
        raise NoPostingError(
            RejectionCode.MISSING_TEXT,
            f"neither {title_name!r} nor {text_names[0]!r} holds text; {_listed(outer)}",
        )
    id_name, id_value = _pick(outer, item, named, feed, fields.id, "ids", ID_NAMES)
    posting_id = _id(id_name, id_value, is_mapped=fields.id is not None)
    language_name, language_value = _pick(outer, item, named, feed, None, "languages", LANGUAGE_NAMES)
    language = _language(language_value)
    time_name, time, unread = _time(item, named, feed)
    found = FieldsFound(
        feed=None if feed is None else feed.name,
        id=None if posting_id is None else id_name,
        title=title_name if title else None,
        text=text_names if text else (),
        time=time_name,
        language=None if language is None else language_name,
    )
    return JobPosting(posting_id, title, text, time, language, unread), found


def _title(
    outer: Mapping[str, object],
    item: Mapping[str, object],
    named: Named,
    feed: Feed | None,
    fields: FieldMapping,
) -> tuple[str, str]:
    """The name and the text of the title; the text may be empty."""
    if fields.title is not None:
        value = value_at(outer, item, fields.title)
        return fields.title, title_of(value) or _checked(fields.title, value)
    for path in feed.titles if feed is not None else ():
        for name, value in found_at(item, path):
            if title := title_of(value):
                return name, title
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
) -> tuple[tuple[str, ...], str]:
    """The names of the fields and the text of the description with what else counts; it may be empty."""
    if fields.text is not None:
        value = value_at(outer, item, fields.text)
        text = text_of(value) or _checked(fields.text, value)
        # A name that would be taken anyway changes nothing else.
        is_known = bare_name(fields.text) in TEXT_NAMES
        return _with_further_text((fields.text,), text, named) if is_known else ((fields.text,), text)
    if feed is not None:
        names, text = _feed_text(item, feed)
        if text:
            return _with_further_text(names, text, named, used=_names_of(feed))
    name, text = _well_known_text(named)
    return _with_further_text((name,), text, named)


def _feed_text(item: Mapping[str, object], feed: Feed) -> tuple[tuple[str, ...], str]:
    parts: list[tuple[str, str]] = []
    names: list[str] = []
    for part in feed.texts:
        for path in part.paths:
            found = [(name, text) for name, value in found_at(item, path) if (text := text_of(value))]
            text = found[0][1] if len(found) == 1 else text_of([text for _, text in found])
            if text:
                if not any(text in other for _, other in parts):
                    parts.append((part.heading, text))
                    names.append(found[0][0])
                break
    return tuple(names), join_texts(parts)


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
    """`""` for what holds no text but might. Raises NoPostingError for what is no text at all."""
    if value is None or (isinstance(value, list | Mapping) and not value):
        return ""
    if not isinstance(value, str):
        raise NoPostingError(RejectionCode.WRONG_TYPE, f"expected text in {name!r}, got {kind_of(value)}")
    if not is_unicode(value):
        raise NoPostingError(RejectionCode.INVALID_UNICODE, f"{name!r} holds a surrogate without its partner")
    return ""


def _with_further_text(
    names: tuple[str, ...], text: str, named: Named, used: frozenset[str] = frozenset()
) -> tuple[tuple[str, ...], str]:
    """The description, followed by those other fields that say something it does not."""
    parts = [("", text)]
    further_names = []
    for name, heading in FURTHER_TEXT.items():
        further = text_of(named[name][1]) if name in named and name not in used else ""
        if further and further not in text:
            parts.append((heading, further))
            further_names.append(named[name][0])
    if not further_names:
        return names, text
    return (*(names if text else ()), *further_names), join_texts(parts)


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
        return path, value_at(outer, item, path)
    for feed_path in getattr(feed, kind) if feed is not None else ():
        for name, value in found_at(item, feed_path):
            if says_something(value):
                return name, value
    for name in well_known:
        if name in named and says_something(named[name][1]):
            return named[name]
    return well_known[0], None


def value_at(outer: Mapping[str, object], item: Mapping[str, object], path: str) -> object:
    """What a record has at a path of names as they are given; `None` if nothing."""
    for place in (outer, item):
        if path in place:  # a column whose name holds dots
            return place[path]
        value: object = place
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        if value is not None:
            return value
    return None


def has_path(outer: Mapping[str, object], item: Mapping[str, object], path: str) -> bool:
    """Whether a record has the field at `path`, whatever it holds; `item` is the posting within `outer`."""
    for place in (outer, item):
        if path in place:
            return True
        value: object = place
        *parents, last = path.split(".")
        for name in parents:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and last in value:
            return True
    return False


def _id(name: str, value: object, *, is_mapped: bool) -> str | None:
    """The id as text. What merely has one of the well-known names may be anything, and is then no id."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping):  # of schema.org, MongoDB, DynamoDB, Avro
        inner = [value[key] for key in ("value", "$oid", "S", "N", "string", "long", "int") if key in value]
        value = inner[0] if inner else value if is_mapped else None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**100:
        return str(value)
    if isinstance(value, str) and is_unicode(value):
        return None if no_text(value) else value
    if isinstance(value, str) or is_mapped:
        return _checked(name, value) or None
    return None


def _time(
    item: Mapping[str, object], named: Named, feed: Feed | None
) -> tuple[str | None, int | None, str | None]:
    """Name and value of the first of the feed's and the well-known times that can be read.

    Without any: the first that says something all the same, as `name: value`.
    """
    values = [pair for path in (feed.times if feed is not None else ()) for pair in found_at(item, path)]
    values += [named[name] for name in TIME_NAMES if name in named]
    unread = None
    for name, value in values:
        if (time := posting_time(value)) is not None:
            return name, time, None
        unread = unread or _unread(name, value)
    return None, None, unread


def _unread(name: str, value: object) -> str | None:
    """The time that cannot be read, to show; `None` if it is none at all, as NaN and blanks are."""
    shown = ""
    if isinstance(value, str):
        shown = "" if no_text(value) else value[:_SHOWN].strip()
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _NO_NUMBER:
        shown = f"{value:g}"
    return f"{name[:_SHOWN]}: {shown}".encode(errors="replace").decode() if shown else None


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
