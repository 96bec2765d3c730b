"""Avro values by their writer's schema, through fastavro.

Unions are their value without the branch's name; logical types are what Python has for them. What a schema
could do to the process is looked at before the first value: fastavro's compiled reader recurses without a
limit (a value of a recursive type can end the process) and reads lists of items that take no bytes without
an end. So recursive types are read by its Python twin, which has a limit, and such lists are refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import fastavro
import msgspec
from fastavro import _read_py
from fastavro.schema import SchemaParseException, UnknownType

from skillstream.rejections import RejectionCode
from skillstream.sources.kafka.values.registry import Schema
from skillstream.sources.kafka.values.rejected import ValueRejectedError

__all__ = ["AvroReader"]

# A record of one field is encoded like the field: with it around, any schema can use what it refers to.
WRAPPER, FIELD = "SkillstreamValue", "value"

_WIDTHS = {"null": 0, "float": 4, "double": 8}  # least bytes of a value; all other plain types: one


class AvroReader:
    """Reads values of one schema.

    Raises:
        ValueRejectedError: the schema is none, or not one that values may be read by.
    """

    def __init__(self, schema: Schema) -> None:
        try:
            self._parsed, named = _parse(schema, logical=True)
            self._plain, _ = _parse(schema, logical=False)
            look = _Look(named)
            look.width(self._parsed)
        except (SchemaParseException, UnknownType, ValueError, TypeError, KeyError, RecursionError) as error:
            detail = f"schema {schema.id} cannot be used: {type(error).__name__}: {error}"
            raise ValueRejectedError(RejectionCode.UNSUPPORTED_SCHEMA, detail) from error
        self._id = schema.id
        # The one type that Confluent's serialiser writes without its length.
        self._raw = self._parsed["fields"][0]["type"] in ("bytes", {"type": "bytes"})
        self._read = _read_py.schemaless_reader if look.recursive else fastavro.schemaless_reader

    def read(self, data: bytes) -> object:
        """The value that `data` is, the frame left out.

        Raises:
            ValueRejectedError: it is no such value.
        """
        if self._raw:
            return data
        refused: Exception | None = None
        # The second time without logical types, numbers as they are: of a date beyond Python's years, say.
        for parsed in (self._parsed, self._plain):
            try:
                return self._value(data, parsed)
            except RecursionError:
                detail = "nested deeper than the reader goes"
                raise ValueRejectedError(RejectionCode.TOO_DEEP, detail) from None
            except UnicodeDecodeError as error:
                detail = f"a string that is not UTF-8: {error.reason}"
                raise ValueRejectedError(RejectionCode.INVALID_UTF8, detail) from error
            except Exception as error:  # noqa: BLE001 - fastavro raises anything for damaged bytes
                refused = refused or error
        detail = f"not a value of schema {self._id}: {type(refused).__name__}: {refused}"
        raise ValueRejectedError(RejectionCode.INVALID_AVRO, detail) from refused

    def _value(self, data: bytes, parsed: Any) -> object:
        stream = io.BytesIO(data)
        value: Any = self._read(stream, parsed, None)
        if left := len(data) - stream.tell():
            raise ValueError(f"{left} of {len(data)} bytes are left over")
        return value[FIELD]


def _parse(schema: Schema, *, logical: bool) -> tuple[Any, dict[str, Any]]:
    named: dict[str, Any] = {}
    for _, text in schema.references:
        fastavro.parse_schema(_decoded(text, logical), named)
    field = {"name": FIELD, "type": _decoded(schema.text, logical)}
    wrapper = {"type": "record", "name": WRAPPER, "fields": [field]}
    return fastavro.parse_schema(wrapper, named), named


def _decoded(text: str, logical: bool) -> Any:
    try:
        schema = msgspec.json.decode(text)
    except msgspec.DecodeError:
        schema = text.strip()  # the name of a plain type without quotes
    return schema if logical else _without_logical_types(schema)


def _without_logical_types(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_logical_types(one) for one in schema]
    if isinstance(schema, Mapping):
        return {
            name: value if name == "default" else _without_logical_types(value)
            for name, value in schema.items()
            if name != "logicalType"
        }
    return schema


class _Look:
    """Walks a parsed schema once: whether it is recursive, and the least bytes of its values.

    Raises:
        ValueError: it has a list of items that take no bytes.
    """

    def __init__(self, named: Mapping[str, Any]) -> None:
        self.recursive = False
        self._named = named
        self._widths: dict[str, int | None] = {}  # None: being looked at

    def width(self, schema: Any) -> int:
        """Bytes that the smallest value takes."""
        if isinstance(schema, list):
            return 1 + min(map(self.width, schema), default=0)
        if isinstance(schema, str):
            return self._by_name(schema) if schema in self._named else _WIDTHS.get(schema, 1)
        kind = schema["type"]
        if kind in ("record", "error"):
            return self._of_record(schema)
        if kind == "array":
            if self.width(schema["items"]) == 0:
                raise ValueError("a list of items that take no bytes")
            return 1
        if kind == "map":
            self.width(schema["values"])
            return 1
        if kind == "fixed":
            return int(schema["size"])
        return 1 if kind == "enum" else self.width(kind)

    def _of_record(self, schema: Mapping[str, Any]) -> int:
        name = schema["name"]
        if name in self._widths:
            return self._known(name)
        self._widths[name] = None
        found = sum(self.width(field["type"]) for field in _fields(schema))
        self._widths[name] = found
        return found

    def _by_name(self, name: str) -> int:
        return self._known(name) if name in self._widths else self.width(self._named[name])

    def _known(self, name: str) -> int:
        found = self._widths[name]
        if found is None:
            self.recursive = True
            return 1  # what is finite goes through a union, a list or a map
        return found


def _fields(schema: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    fields: Iterable[Mapping[str, Any]] = schema["fields"]
    return fields
