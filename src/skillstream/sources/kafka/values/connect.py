"""Kafka Connect's JSON with its schema beside it: `{"schema": ..., "payload": ...}` to the payload.

The schema says what JSON cannot: bytes come as base64, decimals as bytes, dates as numbers. They become
text, decimals and dates.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

__all__ = ["connect_payload", "is_connect"]

_CONNECT = "org.apache.kafka.connect.data."
_DEBEZIUM = "io.debezium.time."


def is_connect(value: object) -> bool:
    """Whether this is Connect's pair; its schema may be null."""
    if not isinstance(value, Mapping) or value.keys() != {"schema", "payload"}:
        return False
    schema = value["schema"]
    return schema is None or (isinstance(schema, Mapping) and isinstance(schema.get("type"), str))


def connect_payload(value: Mapping[str, Any]) -> Any:
    """The payload of Connect's pair, converted by its schema; `None` is a tombstone."""
    return _converted(value["payload"], value["schema"])


def _converted(value: Any, schema: Any) -> Any:
    if value is None or not isinstance(schema, Mapping):
        return value
    name = schema.get("name")
    if (convert := _NAMED.get(name)) is not None:
        try:
            return convert(value, schema)
        except (TypeError, ValueError, ArithmeticError, KeyError):
            return value  # not what its schema says: as it came
    match schema.get("type"):
        case "struct" if isinstance(value, Mapping):
            fields = {field.get("field"): field for field in _mappings(schema.get("fields"))}
            return {key: _converted(item, fields.get(key)) for key, item in value.items()}
        case "array" if isinstance(value, list):
            return [_converted(item, schema.get("items")) for item in value]
        case "map" if isinstance(value, Mapping):
            return {key: _converted(item, schema.get("values")) for key, item in value.items()}
        case "bytes" if isinstance(value, str):
            try:
                return base64.b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                return value
    return value


def _mappings(items: object) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _decimal(value: str, schema: Mapping[str, Any]) -> Decimal:
    unscaled = int.from_bytes(base64.b64decode(value, validate=True), "big", signed=True)
    return Decimal(unscaled).scaleb(-int(schema["parameters"]["scale"]))


def _date(days: int, _: Mapping[str, Any]) -> date:
    return date(1970, 1, 1) + timedelta(days=days)


def _time(milliseconds: int, _: Mapping[str, Any]) -> str:
    return (datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)).time().isoformat()


def _moment(per_second: int) -> Callable[[Any, Mapping[str, Any]], datetime]:
    def convert(value: int, _: Mapping[str, Any]) -> datetime:
        microseconds = value * 1_000_000 // per_second
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)

    return convert


_NAMED: Mapping[object, Callable[[Any, Mapping[str, Any]], Any]] = {
    f"{_CONNECT}Decimal": _decimal,
    f"{_CONNECT}Date": _date,
    f"{_CONNECT}Time": _time,
    f"{_CONNECT}Timestamp": _moment(1_000),
    f"{_DEBEZIUM}Date": _date,
    f"{_DEBEZIUM}Time": _time,
    f"{_DEBEZIUM}Timestamp": _moment(1_000),
    f"{_DEBEZIUM}MicroTimestamp": _moment(1_000_000),
    f"{_DEBEZIUM}NanoTimestamp": _moment(1_000_000_000),
}
