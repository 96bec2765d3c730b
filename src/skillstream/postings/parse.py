"""Bytes of a record → a posting, or the reason why not.

Understood without configuration: the feeds of `skillstream.postings.feeds`, JSON objects whose fields have
well-known names, and either of them wrapped in an object of its own, or as the only posting in a list, an
`@graph` or a page of results. For everything else `FieldMapping` says where the fields are.

Nothing here raises for bad input, and time and memory are linear in the payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from skillstream.chunks import Record
from skillstream.postings.containers import Container, find_postings, is_job_posting, other_type, unwrapped
from skillstream.postings.extract import read_object
from skillstream.postings.fields import WELL_KNOWN, FieldMapping
from skillstream.postings.payloads import MAX_BYTES, decode_payload
from skillstream.postings.posting import FieldsFound, JobPosting, NoPostingError
from skillstream.postings.values import kind_of
from skillstream.rejections import Rejection, RejectionCode
from skillstream.times import readable_time

__all__ = ["JobPosting", "Reading", "parse_payload", "parse_record", "posting_from_mapping", "read_value"]


class Reading(NamedTuple):
    """A posting, the fields that it was made of, and the object that has them or is around it."""

    posting: JobPosting
    found: FieldsFound
    item: Mapping[str, object]


def parse_record(
    record: Record, fields: FieldMapping = WELL_KNOWN, max_bytes: int = MAX_BYTES
) -> JobPosting | Rejection:
    """The posting of a record, or why not; `event_time` is the record's own where that can be read."""
    if record.rejection is not None:
        return record.rejection
    document = record.document
    if document is None:
        return Rejection(RejectionCode.TOMBSTONE, "the record has a key but no value")
    posting = parse_payload(document, fields, max_bytes)
    time = readable_time(record.event_time)
    if isinstance(posting, JobPosting) and time is not None:
        return msgspec.structs.replace(posting, event_time=time)
    return posting


def parse_payload(
    payload: bytes, fields: FieldMapping = WELL_KNOWN, max_bytes: int = MAX_BYTES
) -> JobPosting | Rejection:
    """The posting in a JSON document, or why there is none. Confluent-framed JSON is unframed."""
    value = decode_payload(payload, max_bytes)
    return value if isinstance(value, Rejection) else _posting(value, fields)


def posting_from_mapping(
    mapping: Mapping[str, object], fields: FieldMapping = WELL_KNOWN
) -> JobPosting | Rejection:
    """The posting in an already decoded object, or why there is none."""
    return _posting(mapping, fields)


def _posting(value: object, fields: FieldMapping) -> JobPosting | Rejection:
    read = read_value(value, fields)
    return read if isinstance(read, Rejection) else read.posting


def read_value(value: object, fields: FieldMapping) -> Reading | Rejection:
    """The posting in a decoded JSON value, or why there is none."""
    try:
        item = _the_posting(value, fields)
        return Reading(*read_object(item, fields), item)
    except NoPostingError as error:
        return error.rejection


# --- which object it is ----------------------------------------------------------------------------


def _the_posting(value: object, fields: FieldMapping) -> Mapping[str, object]:
    """The one posting in an object, a list or an `@graph`. Raises NoPostingError unless it is one."""
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
            raise NoPostingError(RejectionCode.NOT_AN_OBJECT, f"expected a JobPosting, got a {kind}")
        return item
    if len(found.items) == 1 and isinstance(only := found.items[0], Mapping):
        return only
    raise NoPostingError(RejectionCode.NOT_AN_OBJECT, _where(found))


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
            raise NoPostingError(RejectionCode.NOT_AN_OBJECT, detail)
        if isinstance(value, Mapping):
            return value
    return item


def _not_an_object(what: str) -> NoPostingError:
    return NoPostingError(RejectionCode.NOT_AN_OBJECT, f"expected one JSON object, got {what}")
