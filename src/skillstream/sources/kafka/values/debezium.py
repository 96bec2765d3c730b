"""Debezium's change events to the row as it is now.

`{"before": ..., "after": ..., "op": ...}`: the posting is `after` of a creation, an update or a snapshot. A
delete is no posting: its record becomes a row with the error `deleted`, whose payload holds the event, so
that readers of the output can take the posting out. The tombstone that Debezium sends after a delete is one
(`tombstone`), as any record without a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from skillstream.rejections import RejectionCode
from skillstream.sources.kafka.values.rejected import ValueRejectedError

__all__ = ["current_row"]

# What an event has at its top, and nothing else does all at once.
_FIELDS = frozenset({"before", "after", "op", "source", "transaction", "ts_ms", "ts_us", "ts_ns"})
_MORE = frozenset({"updateDescription", "patch", "filter", "message", "schema"})
_WITH_ROW = frozenset({"c", "u", "r"})
_OPS = {"d": "delete", "t": "truncate", "m": "message"}

# What stands for a large text that an update did not touch and PostgreSQL does not tell.
_UNAVAILABLE = "__debezium_unavailable_value"


def current_row(value: Any) -> Any:
    """The row of a change event; any other value as it is.

    Raises:
        ValueRejectedError: the event is a delete, or holds no row.
    """
    if not isinstance(value, Mapping):
        return value
    if str(value.get("__deleted", "")).lower() == "true":  # the event unwrapped on its way
        raise _deleted("delete")
    if not _is_event(value):
        return value
    op = value["op"]
    if op in ("d", "t"):
        raise _deleted(_OPS[op])
    row = _row(value.get("after"))
    if not isinstance(row, Mapping):
        what = _OPS.get(op, "change")
        detail = f"a Debezium {what} event (op {op!r}) without the row in 'after'"
        raise ValueRejectedError(RejectionCode.NOT_AN_OBJECT, detail)
    before = _row(value.get("before"))
    return _available(row, before if isinstance(before, Mapping) else {})


def _is_event(value: Mapping[str, Any]) -> bool:
    op = value.get("op")
    if not isinstance(op, str) or (op not in _WITH_ROW and op not in _OPS):
        return False
    # Fields that are null may be left out, as protobuf does.
    return value.keys() <= _FIELDS | _MORE and len(value.keys() & _FIELDS) > 1


def _row(value: Any) -> Any:
    """MongoDB's rows are JSON texts."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return value


def _available(row: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The row with what the event does not tell as it was before, if that is known, or else null."""
    known = {name: item for name, item in before.items() if item != _UNAVAILABLE}
    return {name: known.get(name) if item == _UNAVAILABLE else item for name, item in row.items()}


def _deleted(what: str) -> ValueRejectedError:
    gone = "all postings before it are" if what == "truncate" else "the posting is"
    return ValueRejectedError(RejectionCode.DELETED, f"a Debezium {what} event: {gone} gone")
