"""Values of Kafka records as JSON, by the options `--value-format` and `--schema-registry`.

What a value goes through: gzip is unpacked, Confluent's frame (a zero byte, the schema's id in four bytes) is
taken off, the rest is decoded by the schema, envelopes of Connect and Debezium are opened. A record that this
fails for becomes a rejected row with its payload as it came. Only a registry that is away is no reason:
`RegistryAwayError` is for the reader, which waits.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from skillstream.chunks import Record
from skillstream.errors import SourceError
from skillstream.postings.payloads import decode_payload
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.kafka.values.avro import AvroReader
from skillstream.sources.kafka.values.connect import connect_payload, is_connect
from skillstream.sources.kafka.values.debezium import current_row
from skillstream.sources.kafka.values.plain import to_json
from skillstream.sources.kafka.values.protobuf import ProtobufReader, check_compiler
from skillstream.sources.kafka.values.registry import Schema, SchemaRegistry, UnknownSchemaError
from skillstream.sources.kafka.values.registry_settings import load_registry_settings
from skillstream.sources.kafka.values.rejected import ValueRejectedError

__all__ = ["ValueDecoder", "value_decoder"]

MAX_UNPACKED = 64 << 20  # bytes of a gzip value, as much as of a batch; `--max-record-bytes` bounds the rest

_GZIP = b"\x1f\x8b"
_FRAME = struct.Struct(">bI")  # a zero byte, the schema's id

# The registry's word for what a format is.
KINDS = {"avro": "AVRO", "protobuf": "PROTOBUF", "json-schema": "JSON"}

# Without these words no JSON document is an envelope, so it needs no parsing here.
_CONNECT_WORDS = (b'"schema"', b'"payload"')
_DEBEZIUM_WORDS = ((b'"op"', b'"after"'), (b'"op"', b'"before"'), (b'"op"', b'"source"'), (b'"__deleted"',))


class _Reader(Protocol):
    """What reads the values of one schema."""

    def read(self, data: bytes, /) -> object: ...


class _JsonReader:
    """JSON behind a frame: the schema is its producer's business, which has checked it."""

    def __init__(self, _: Schema) -> None: ...

    def read(self, data: bytes) -> object:
        return _document(data)


_READERS: Mapping[str, Callable[[Schema], _Reader]] = {
    "AVRO": AvroReader,
    "PROTOBUF": ProtobufReader,
    "JSON": _JsonReader,
}


def value_decoder(
    value_format: str, schema_registry: str | None = None, kafka_config: str | None = None
) -> ValueDecoder:
    """A decoder as the options say; nothing is asked yet.

    Raises:
        UsageError: a registry is needed and not named, its settings are no such, or an extra is missing.
    """
    if value_format == "protobuf":
        check_compiler()
    if value_format not in KINDS:
        return ValueDecoder(value_format)
    settings = load_registry_settings(schema_registry, kafka_config)
    if settings is None:
        raise SourceError(f"--value-format {value_format} needs --schema-registry URL")
    return ValueDecoder(value_format, SchemaRegistry(settings))


class ValueDecoder:
    """Calling it with a record gives the record with its value as JSON, or with why there is none.

    Args:
        value_format: as the option.
        registry: where schemas come from; `None` for plain JSON.
    """

    def __init__(self, value_format: str, registry: SchemaRegistry | None = None) -> None:
        self.registry = registry
        self._format = value_format
        self._readers: dict[int, _Reader | Rejection] = {}

    def __call__(self, record: Record) -> Record:
        """The record to read: itself if its payload says it already, or if it is rejected or empty.

        Raises:
            RegistryAwayError: the schema registry cannot be asked now.
            RegistryRefusedError: it does not let us in.
        """
        if record.rejection is not None or not record.payload:
            return record
        try:
            value = self.document(record.payload)
        except ValueRejectedError as error:
            return msgspec.structs.replace(record, rejection=error.rejection)
        except RecursionError:
            rejection = Rejection(RejectionCode.TOO_DEEP, "nested deeper than the reader goes")
            return msgspec.structs.replace(record, rejection=rejection)
        return record if value is None else msgspec.structs.replace(record, value=value)

    def document(self, payload: bytes) -> bytes | None:
        """The posting as a JSON document; `None` if the payload is that already, or is none at all.

        Raises:
            ValueRejectedError: why there is none.
            RegistryAwayError, RegistryRefusedError: as above.
        """
        body = _unpacked(payload) if payload.startswith(_GZIP) else payload
        if self.registry is None:
            if _may_be_envelope(body) and (value := _document(body)) is not (opened := _opened(value)):
                return to_json(opened)
            return None if body is payload else body
        schema_id, data = _unframed(body, self._format)
        value = self._reader(schema_id).read(data)
        if isinstance(value, str | bytes) and self._format == "avro":
            # A schema that says no more than "string" or "bytes": the document is in there.
            value = _document(value if isinstance(value, bytes) else value.encode())
        return to_json(_opened(value))

    def _reader(self, schema_id: int) -> _Reader:
        found = self._readers.get(schema_id)
        if found is None:
            assert self.registry is not None  # noqa: S101
            try:
                found = self._made(self.registry.schema(schema_id))
            except UnknownSchemaError as error:
                raise ValueRejectedError(RejectionCode.UNKNOWN_SCHEMA, str(error)) from error
            except ValueRejectedError as error:
                found = error.rejection
            self._readers[schema_id] = found
        if isinstance(found, Rejection):
            raise ValueRejectedError(found.code, found.detail)
        return found

    def _made(self, schema: Schema) -> _Reader:
        if schema.kind != KINDS[self._format]:
            detail = (
                f"schema {schema.id} is of kind {schema.kind}, which --value-format {self._format} is not"
            )
            raise ValueRejectedError(RejectionCode.UNSUPPORTED_SCHEMA, detail)
        return _READERS[schema.kind](schema)


def _unpacked(payload: bytes) -> bytes:
    """The gzip payload unpacked, all of its members."""
    parts: list[bytes] = []
    left, rest = MAX_UNPACKED, payload
    try:
        while rest:
            decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
            part = decoder.decompress(rest, left + 1)
            left -= len(part)
            if left < 0:
                detail = f"more than {MAX_UNPACKED:,} bytes unpacked"
                raise ValueRejectedError(RejectionCode.TOO_LARGE, detail)
            if not decoder.eof:
                raise ValueRejectedError(RejectionCode.INVALID_GZIP, "it is cut off")
            parts.append(part)
            rest = decoder.unused_data.lstrip(b"\0")
    except zlib.error as error:
        raise ValueRejectedError(RejectionCode.INVALID_GZIP, str(error)) from error
    return b"".join(parts)


def _unframed(body: bytes, value_format: str) -> tuple[int, bytes]:
    if len(body) < _FRAME.size or body[0] != 0:
        got = body[: _FRAME.size].hex(" ") or "nothing"
        detail = (
            f"--value-format {value_format} expects a zero byte and a schema id in four bytes "
            f"(Confluent's wire format), got {got}"
        )
        raise ValueRejectedError(RejectionCode.UNSUPPORTED_FRAMING, detail)
    _, schema_id = _FRAME.unpack_from(body)
    return schema_id, body[_FRAME.size :]


def _may_be_envelope(body: bytes) -> bool:
    return all(word in body for word in _CONNECT_WORDS) or any(
        all(word in body for word in words) for words in _DEBEZIUM_WORDS
    )


def _document(body: bytes) -> object:
    """The value of a JSON document."""
    value = decode_payload(body, MAX_UNPACKED)
    if isinstance(value, Rejection):
        raise ValueRejectedError(value.code, value.detail)
    return value


def _opened(value: object) -> object:
    """What is in the value's envelopes; the value itself if it has none."""
    if is_connect(value):
        assert isinstance(value, Mapping)  # noqa: S101
        value = connect_payload(value)
        if value is None:
            raise ValueRejectedError(RejectionCode.TOMBSTONE, "the record's payload is null")
    return current_row(value)
