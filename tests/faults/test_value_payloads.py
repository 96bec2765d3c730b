"""Damaged Kafka values of every format: each is one row, which is told why or reads as a posting.

`SKILLSTREAM_FUZZ` (default 400) damaged values of each format.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import random
from collections import Counter
from decimal import Decimal

import msgspec
import pytest

from skillstream.chunks import Record
from skillstream.postings import JobPosting, parse_record, segment
from skillstream.rejections import RejectionCode
from skillstream.sources.kafka.values import ValueDecoder
from skillstream.sources.kafka.values.registry import Schema, UnknownSchemaError
from tests.data import make_posting
from tests.faults.mutations import mutated
from tests.wire_format import Messages, avro_bytes, framed

FUZZ = int(os.environ.get("SKILLSTREAM_FUZZ", "400"))
SCHEMA_ID = 7

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]

PAY = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
PLACE = {
    "type": "record",
    "name": "Place",
    "fields": [{"name": "town", "type": "string"}, {"name": "inner", "type": ["null", "Place"]}],
}
AVRO = {
    "type": "record",
    "name": "Posting",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "title", "type": ["null", "string"]},
        {"name": "description", "type": "string"},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "pay", "type": PAY},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["FULL", "PART"]}},
        {"name": "tags", "type": {"type": "array", "items": ["string", "long", "double"]}},
        {"name": "more", "type": {"type": "map", "values": "string"}},
        {"name": "place", "type": PLACE},
    ],
}
PROTO = """syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Place { string town = 1; Place inner = 2; }
message Posting {
  enum Kind { FULL = 0; PART = 1; }
  string id = 1;
  optional string title = 2;
  string description = 3;
  google.protobuf.Timestamp at = 4;
  double pay = 5;
  Kind kind = 6;
  repeated string tags = 7;
  map<string, int64> more = 8;
  Place place = 9;
  bytes logo = 10;
  oneof end { sint32 days = 11; fixed64 until = 12; }
}
"""
SCHEMAS = {"avro": ("AVRO", json.dumps(AVRO)), "protobuf": ("PROTOBUF", PROTO), "json-schema": ("JSON", "{}")}


class OneSchema:
    """A registry that has one schema."""

    def __init__(self, kind: str, text: str) -> None:
        self._schema = Schema(SCHEMA_ID, kind, text, [])

    def schema(self, schema_id: int) -> Schema:
        if schema_id != SCHEMA_ID:
            raise UnknownSchemaError(f"no schema {schema_id}")
        return self._schema


@pytest.fixture(scope="module")
def message(tmp_path_factory):
    return Messages(tmp_path_factory.mktemp("protos"), {"posting.proto": PROTO})["Posting"]


def avro_value(number: int) -> bytes:
    more = {
        "at": dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
        "day": dt.date(2026, 1, 31),
        "pay": Decimal("19.50"),
        "kind": "PART",
        "tags": ["SQL", 5, 0.5],
        "more": {"shift": "night"},
        "place": {"town": "Upper Town", "inner": {"town": "Old Mill", "inner": None}},
    }
    return framed(SCHEMA_ID, avro_bytes(AVRO, make_posting(number) | more))


def protobuf_value(number: int, message) -> bytes:
    value = message(**make_posting(number), pay=19.5, kind=1, tags=["SQL", "Rust"], logo=b"\x89PNG", days=-3)
    value.more["shift"] = number
    value.at.seconds = 1_769_817_600
    value.place.town = "Upper Town"
    value.place.inner.town = "Old Mill"
    return framed(SCHEMA_ID, value.SerializeToString(), [1])


def json_value(number: int) -> bytes:
    """Plain, from Debezium, from Connect, or packed."""
    posting = make_posting(number)
    if number % 4 == 1:
        return json.dumps({"op": "u", "before": None, "after": posting, "source": {"db": "jobs"}}).encode()
    if number % 4 == 2:
        named = [{"field": name, "type": "string", "optional": True} for name in posting]
        return json.dumps({"schema": {"type": "struct", "fields": named}, "payload": posting}).encode()
    plain = json.dumps(posting).encode()
    return gzip.compress(plain, 1) if number % 4 == 3 else plain


@pytest.mark.parametrize("value_format", ["json", *SCHEMAS])
def test_every_damaged_value_is_one_row(value_format, message):
    make = {
        "json": json_value,
        "json-schema": lambda number: framed(SCHEMA_ID, json.dumps(make_posting(number)).encode()),
        "avro": avro_value,
        "protobuf": lambda number: protobuf_value(number, message),
    }[value_format]
    registry = OneSchema(*SCHEMAS[value_format]) if value_format in SCHEMAS else None
    decode = ValueDecoder(value_format, registry)
    wholes = [make(number) for number in range(100)]
    for whole in wholes:
        assert isinstance(parse_record(decode(Record(0, whole))), JobPosting)
    draw = random.Random(f"{value_format} {FUZZ}")
    codes: Counter[str] = Counter()
    for offset in range(FUZZ):
        payload = mutated(wholes[offset % len(wholes)], draw)
        record = decode(Record(offset, payload))
        assert (record.offset, record.payload) == (offset, payload)
        # as it goes between the processes of a job
        assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record) == record
        posting = parse_record(record)
        if isinstance(posting, JobPosting):
            segment(posting)
            codes["read"] += 1
        else:
            codes[posting.code] += 1
    print(f"{value_format}: {FUZZ:,} damaged values, {codes.total():,} rows: {dict(codes)}")
    assert RejectionCode.INTERNAL not in codes
    assert codes.total() == FUZZ
