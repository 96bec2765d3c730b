"""What the records have, for those whose description was not found: the names of their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from skillstream.postings.containers import unwrapped
from skillstream.postings.extract import has_path
from skillstream.postings.fields import FieldMapping
from skillstream.postings.payloads import MAX_BYTES, decode_payload

__all__ = ["MAX_FIELDS", "field_names", "listed", "missing_fields"]

# Names shown at most, and how much of each: names come from the records and may be anything.
MAX_FIELDS = 20
_MAX_NAME = 40  # characters


def field_names(payload: bytes | None, max_bytes: int = MAX_BYTES) -> list[str]:
    """Names of the fields of the posting in a record, at most `MAX_FIELDS`; none if it cannot be read."""
    value = decode_payload(payload, max_bytes) if payload is not None else None
    return _names(unwrapped(value)) if isinstance(value, Mapping) else []


def missing_fields(payloads: Iterable[bytes | None], fields: FieldMapping) -> list[str]:
    """A line for each field that the user named and no record has; none if no record can be read."""
    named = [
        (option, path)
        for option, path in (("id", fields.id), ("title", fields.title), ("text", fields.text))
        if path is not None
    ]
    if not named:
        return []
    seen: dict[str, None] = {}
    found: set[str] = set()
    count = 0
    for payload in payloads:
        value = decode_payload(payload) if payload is not None else None
        if not isinstance(value, Mapping):
            continue
        item = unwrapped(value)
        count += 1
        found.update(path for _, path in named if has_path(value, item, path))
        if len(seen) < MAX_FIELDS:
            seen.update(dict.fromkeys(_names(item)))
    if count == 0:
        return []
    have = listed(list(seen))
    return [
        f"no record of the first {count} has a field {path!r} (--{option}-field); they have {have}"
        for option, path in named
        if path not in found
    ]


def listed(names: Sequence[str]) -> str:
    """The names in quotes; `no field` if there is none."""
    return ", ".join(map(repr, names[:MAX_FIELDS])) or "no field"


def _names(item: Mapping[str, object]) -> list[str]:
    names = [str(name)[:_MAX_NAME] for name, _ in zip(item, range(MAX_FIELDS), strict=False)]
    return [name.encode(errors="replace").decode() for name in names]
