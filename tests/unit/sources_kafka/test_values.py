"""What a Kafka value says, in every form, and what happens with one that says nothing: without a registry."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import json
import random
from decimal import Decimal

import msgspec
import pytest

from skillstream.chunks import Record
from skillstream.postings import JobPosting, parse_record
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.kafka.values import ValueDecoder
from skillstream.sources.kafka.values.registry import Schema, UnknownSchemaError
from tests.wire_format import Messages, avro_bytes, framed

POSTING = {"id": "p1", "title": "Data engineer", "description": "Python and SQL"}


class Schemas:
    """A registry in memory."""

    def __init__(self, **schemas: Schema) -> None:
        self.asked: list[int] = []
        self._schemas = {schema.id: schema for schema in schemas.values()}

    def schema(self, schema_id: int) -> Schema:
        self.asked.append(schema_id)
        if schema_id not in self._schemas:
            raise UnknownSchemaError(f"no schema {schema_id}")
        return self._schemas[schema_id]


def avro(schema: object, references: list[tuple[str, str]] | None = None, number: int = 7) -> ValueDecoder:
    return ValueDecoder("avro", Schemas(one=Schema(number, "AVRO", json.dumps(schema), references or [])))


def protobuf(text: str, references: list[tuple[str, str]] | None = None) -> ValueDecoder:
    return ValueDecoder("protobuf", Schemas(one=Schema(7, "PROTOBUF", text, references or [])))


def value(decode: ValueDecoder, payload: bytes) -> object:
    record = decode(Record(0, payload))
    assert record.rejection is None, record.rejection
    assert record.payload == payload
    return json.loads(record.document)


def rejection(decode: ValueDecoder, payload: bytes | None) -> Rejection:
    record = decode(Record(0, payload))
    assert record.payload == payload
    found = parse_record(record)
    assert isinstance(found, Rejection)
    return found


def record_of(*fields: tuple[str, object]) -> dict[str, object]:
    return {
        "type": "record",
        "name": "Posting",
        "namespace": "jobs",
        "fields": [{"name": name, "type": kind} for name, kind in fields],
    }


# --- JSON and envelopes ----------------------------------------------------------------------------------


JSON = ValueDecoder("json")


def test_plain_json_is_left_as_it_is():
    record = Record(3, json.dumps(POSTING).encode(), b"k", 5)
    assert JSON(record) is record
    assert JSON(Record(3, None)) == Record(3, None)
    # words of an envelope in something else
    text = json.dumps({**POSTING, "description": '"op" "after" and "schema", "payload"'}).encode()
    assert JSON(Record(3, text)).value is None


def test_gzip_in_several_members_and_padded():
    document = json.dumps(POSTING).encode()
    packed = gzip.compress(document[:20]) + gzip.compress(document[20:]) + b"\0\0"
    assert value(JSON, packed) == POSTING


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:12] + b"\xff\xff" + data[14:]])
def test_damaged_gzip_is_rejected(damage):
    packed = damage(gzip.compress(json.dumps(POSTING).encode()))
    assert rejection(JSON, packed).code == RejectionCode.INVALID_GZIP


def test_a_gzip_bomb_is_rejected_in_bounded_memory():
    assert rejection(JSON, gzip.compress(b" " * (65 << 20), 1)).code == RejectionCode.TOO_LARGE


def test_connects_envelope_is_converted_by_its_schema():
    def field(name: str, kind: str, named: str | None = None, **more: object) -> dict[str, object]:
        return {"field": name, "type": kind, "optional": True, **({"name": named} if named else {}), **more}

    connect = "org.apache.kafka.connect.data."
    fields = [
        field("title", "string"),
        field("description", "bytes"),
        field("logo", "bytes"),
        field("pay", "bytes", f"{connect}Decimal", parameters={"scale": "2"}),
        field("day", "int32", f"{connect}Date"),
        field("at", "int64", f"{connect}Timestamp"),
        field("micro", "int64", "io.debezium.time.MicroTimestamp"),
        field("tags", "array", items={"type": "bytes"}),
        field("more", "map", values={"type": "int32", "name": f"{connect}Date"}),
    ]
    payload = {
        "title": "Cook",
        "description": base64.b64encode("Brät & SQL".encode()).decode(),
        "logo": base64.b64encode(b"\x89PNG\xff").decode(),
        "pay": base64.b64encode((5_500_050).to_bytes(4, "big")).decode(),
        "day": 20_000,
        "at": 1_700_000_000_000,
        "micro": 1_700_000_000_123_456,
        "tags": [base64.b64encode(b"SQL").decode()],
        "more": {"a": 1, "b": None},
        "unnamed": 5,
    }
    envelope = {"schema": {"type": "struct", "fields": fields}, "payload": payload}
    assert value(JSON, json.dumps(envelope).encode()) == {
        "title": "Cook",
        "description": "Brät & SQL",
        "logo": None,
        "pay": "55000.50",
        "day": "2024-10-04",
        "at": "2023-11-14T22:13:20Z",
        "micro": "2023-11-14T22:13:20.123456Z",
        "tags": ["SQL"],
        "more": {"a": "1970-01-02", "b": None},
        "unnamed": 5,
    }


def test_values_that_are_not_what_connects_schema_says_come_as_they_are():
    fields = [
        {"field": "a", "type": "bytes"},
        {"field": "b", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"},
        {"field": "c", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal"},
        {"field": "d", "type": "struct", "fields": "none"},
        7,
    ]
    payload = {"a": "no base64!", "b": 10**18, "c": "AA==", "d": 1}
    envelope = {"schema": {"type": "struct", "fields": fields}, "payload": payload}
    assert value(JSON, json.dumps(envelope).encode()) == payload


def test_connect_without_a_schema_and_without_a_payload():
    assert value(JSON, json.dumps({"schema": None, "payload": POSTING}).encode()) == POSTING
    assert rejection(JSON, b'{"schema": null, "payload": null}').code == RejectionCode.TOMBSTONE


def test_a_posting_with_fields_of_these_names_is_no_envelope():
    posting = {**POSTING, "schema": "x", "payload": {"a": 1}, "op": "c", "after": {"b": 1}}
    assert JSON(Record(0, json.dumps(posting).encode())).value is None


def event(op: str, before: object, after: object) -> dict[str, object]:
    source = {"connector": "postgresql", "table": "postings", "ts_ms": 1}
    return {"before": before, "after": after, "source": source, "op": op, "ts_ms": 2, "transaction": None}


@pytest.mark.parametrize("op", ["c", "u", "r"])
@pytest.mark.parametrize("connect", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_debezium_the_row_as_it_is_now(op, connect, packed):
    found: object = event(op, {"id": "old"}, POSTING)
    found = {"schema": {"type": "struct", "fields": []}, "payload": found} if connect else found
    payload = json.dumps(found).encode()
    assert value(JSON, gzip.compress(payload) if packed else payload) == POSTING


def test_debezium_deletes_have_a_code_of_their_own():
    for found in (
        event("d", POSTING, None),
        event("t", None, None),
        {**POSTING, "__deleted": "true"},
        {"schema": None, "payload": event("d", POSTING, None)},
    ):
        assert rejection(JSON, json.dumps(found).encode()).code == RejectionCode.DELETED
    assert rejection(JSON, None).code == RejectionCode.TOMBSTONE
    assert value(JSON, json.dumps({**POSTING, "__deleted": "false"}).encode())["id"] == "p1"


def test_debezium_events_without_a_row():
    for found in (event("u", None, None), {**event("m", None, None), "message": {"prefix": "x"}}):
        assert rejection(JSON, json.dumps(found).encode()).code == RejectionCode.NOT_AN_OBJECT


def test_debezium_for_mongodb_rows_are_texts():
    assert value(JSON, json.dumps(event("c", None, json.dumps(POSTING))).encode()) == POSTING


def test_debezium_large_texts_that_an_update_did_not_touch():
    after = {**POSTING, "description": "__debezium_unavailable_value"}
    assert value(JSON, json.dumps(event("u", POSTING, after)).encode()) == POSTING
    without = {**POSTING, "description": None}
    assert value(JSON, json.dumps(event("u", None, after)).encode()) == without


@pytest.mark.parametrize(
    "payload",
    [
        b'{"op": "c", "after": ',
        b'{"op": nan, "after": 1}',
        b'"op" "after"',
        b'\xff"op""after"',
        b'["op", "after"]',
    ],
)
def test_what_is_no_json_is_rejected_as_ever(payload):
    codes = {RejectionCode.INVALID_JSON, RejectionCode.INVALID_UTF8, RejectionCode.NOT_AN_OBJECT}
    assert rejection(JSON, payload).code in codes


def test_a_deep_event_is_rejected():
    deep = "[" * 900 + "]" * 900
    payload = json.dumps(event("c", None, POSTING)).replace('"p1"', deep).encode()
    assert isinstance(parse_record(JSON(Record(0, payload))), Rejection | JobPosting)
    deeper = payload.replace(deep.encode(), b"[" * 100_000 + b"]" * 100_000)
    assert rejection(JSON, deeper).code == RejectionCode.TOO_DEEP


# --- the wire format -------------------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b'{"id": 1}', b"\0\0\0", b"\1\0\0\0\7x", b"Cook"])
@pytest.mark.parametrize("value_format", ["avro", "protobuf", "json-schema"])
def test_a_record_without_the_frame_is_rejected(value_format, payload):
    found = rejection(ValueDecoder(value_format, Schemas()), payload)
    assert found.code == RejectionCode.UNSUPPORTED_FRAMING
    assert payload[:5].hex(" ") in found.detail


def test_empty_and_null_values_are_what_they_are_in_every_format():
    decode = avro("string")
    assert rejection(decode, b"").code == RejectionCode.EMPTY
    assert rejection(decode, None).code == RejectionCode.TOMBSTONE


def test_an_unknown_schema_rejects_and_may_be_known_later():
    schemas = Schemas()
    decode = ValueDecoder("avro", schemas)
    assert rejection(decode, framed(9, b"x")).code == RejectionCode.UNKNOWN_SCHEMA
    schemas._schemas[9] = Schema(9, "AVRO", '"string"', [])
    payload = framed(9, avro_bytes("string", json.dumps(POSTING)))
    assert value(decode, payload) == POSTING
    assert value(decode, payload) == POSTING
    assert schemas.asked == [9, 9]  # once it is known it is not asked for again


def test_a_schema_of_another_kind_is_rejected():
    decode = ValueDecoder("avro", Schemas(one=Schema(7, "PROTOBUF", "", [])))
    found = rejection(decode, framed(7, b"\0"))
    assert found.code == RejectionCode.UNSUPPORTED_SCHEMA
    assert "PROTOBUF" in found.detail


def test_json_schema():
    decode = ValueDecoder("json-schema", Schemas(one=Schema(7, "JSON", '{"type": "object"}', [])))
    assert value(decode, framed(7, json.dumps(POSTING).encode())) == POSTING
    assert value(decode, gzip.compress(framed(7, json.dumps(event("c", None, POSTING)).encode()))) == POSTING
    assert rejection(decode, framed(7, b"{broken")).code == RejectionCode.INVALID_JSON
    assert rejection(decode, framed(8, b"{}")).code == RejectionCode.UNKNOWN_SCHEMA


# --- Avro ------------------------------------------------------------------------------------------------


def test_avro_unions_and_logical_types():
    schema = record_of(
        ("title", ["null", "string"]),
        ("description", [{"type": "array", "items": "string"}, "string", "null"]),
        ("at", {"type": "long", "logicalType": "timestamp-millis"}),
        ("day", ["null", {"type": "int", "logicalType": "date"}]),
        ("clock", {"type": "long", "logicalType": "time-micros"}),
        ("pay", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        ("id", {"type": "string", "logicalType": "uuid"}),
        ("kind", {"type": "enum", "name": "Kind", "symbols": ["FULL", "PART"]}),
        ("score", "double"),
        ("logo", "bytes"),
        ("more", {"type": "map", "values": ["int", "string"]}),
        ("employer", ["null", record_of(("name", "string")) | {"name": "Employer"}]),
    )
    given = {
        "title": "Cook",
        "description": "Brät",
        "at": dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC),
        "day": dt.date(2026, 1, 31),
        "clock": dt.time(1, 2, 3),
        "pay": Decimal("55000.50"),
        "id": "0d9e2f9e-6f0c-4a60-b3f6-6d6b7b0f9d6a",
        "kind": "PART",
        "score": float("nan"),
        "logo": b"\xff\x00",
        "more": {"a": 1, "b": "x"},
        "employer": {"name": "Inn"},
    }
    assert value(avro(schema), framed(7, avro_bytes(schema, given))) == {
        **given,
        "at": "2026-01-31T12:00:00Z",
        "day": "2026-01-31",
        "clock": "01:02:03",
        "pay": "55000.50",
        "score": None,
        "logo": None,
    }


def test_avro_dates_beyond_pythons_years_lose_no_record():
    plain = record_of(("title", "string"), ("at", "long"), ("day", "int"))
    schema = record_of(
        ("title", "string"),
        ("at", {"type": "long", "logicalType": "timestamp-micros"}),
        ("day", {"type": "int", "logicalType": "date"}),
    )
    given = {"title": "Cook", "at": 2**62, "day": -(2**31)}
    assert value(avro(schema), framed(7, avro_bytes(plain, given))) == given


def test_avro_references_in_any_depth_and_in_a_union():
    city = record_of(("name", "string")) | {"name": "City"}
    place = record_of(("city", "jobs.City")) | {"name": "Place"}
    posting = record_of(("title", "string"), ("places", {"type": "array", "items": "Place"}))
    references = [("jobs.City", json.dumps(city)), ("jobs.Place", json.dumps(place))]
    given = {"title": "Cook", "places": [{"city": {"name": "Ulm"}}]}
    body = avro_bytes(posting, given, [city, place])
    assert value(avro(posting, references), framed(7, body)) == given
    # several kinds of records in one topic: a union of nothing but references
    union = ["jobs.Place", "jobs.Posting"]
    both = [*references, ("jobs.Posting", json.dumps(posting))]
    body = avro_bytes(union, ("jobs.Posting", given), [city, place, posting])
    assert value(avro(union, both), framed(7, body)) == given


def test_avro_debezium():
    row = record_of(("title", "string"), ("description", "string")) | {"name": "Value"}
    schema = {
        "type": "record",
        "name": "Envelope",
        "fields": [
            {"name": "before", "type": ["null", row]},
            {"name": "after", "type": ["null", "jobs.Value"]},
            {"name": "op", "type": "string"},
            {"name": "ts_ms", "type": ["null", "long"]},
        ],
    }
    posting = {"title": "Cook", "description": "SQL"}
    event = {"before": None, "after": posting, "op": "c", "ts_ms": 1}
    assert value(avro(schema), framed(7, avro_bytes(schema, event))) == posting
    event = {"before": posting, "after": None, "op": "d", "ts_ms": 1}
    assert rejection(avro(schema), framed(7, avro_bytes(schema, event))).code == RejectionCode.DELETED


def test_avro_documents_in_strings_and_raw_bytes():
    document = json.dumps(POSTING)
    assert value(avro("string"), framed(7, avro_bytes("string", document))) == POSTING
    assert value(avro({"type": "bytes"}), framed(7, document.encode())) == POSTING


def test_avro_bytes_that_should_be_text_and_are_not_are_rejected():
    schema = record_of(("title", "string"), ("description", "bytes"))
    body = avro_bytes(schema, {"title": "Koch", "description": "Brät".encode("latin-1")})
    assert rejection(avro(schema), framed(7, body)).code == RejectionCode.INVALID_UTF8
    schema = record_of(("title", "string"))
    assert rejection(avro(schema), framed(7, b"\x02\xff")).code == RejectionCode.INVALID_UTF8


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x10Cook",
        b"\x08Cook\x00",
        b"\x01Cook",
        b"\xff" * 12,
        b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01x",
    ],
)
def test_avro_bytes_that_are_no_such_value(body):
    assert rejection(avro(record_of(("title", "string"))), framed(7, body)).code == RejectionCode.INVALID_AVRO


def test_avro_a_recursive_value_without_an_end_is_a_rejected_row_and_no_crash():
    schema = record_of(("title", "string"), ("next", ["null", "jobs.Posting"]))
    given = {"title": "a", "next": {"title": "b", "next": None}}
    assert value(avro(schema), framed(7, avro_bytes(schema, given))) == given
    assert rejection(avro(schema), framed(7, b"\x02a\x02" * 500_000)).code == RejectionCode.TOO_DEEP


@pytest.mark.parametrize(
    "schema",
    [
        record_of(("title", "string"), ("none", {"type": "array", "items": "null"})),
        {"type": "array", "items": record_of()},
        {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}},
        record_of(("a", "jobs.Nowhere")),
        {"type": "record"},
        5,
    ],
)
def test_avro_schemas_that_nothing_can_be_read_by(schema):
    assert rejection(avro(schema), framed(7, b"\xfe" * 20)).code == RejectionCode.UNSUPPORTED_SCHEMA


# --- protobuf --------------------------------------------------------------------------------------------

COMMON = """syntax = "proto3";
package jobs;
message Place { string city = 1; }
"""
PROTO = """syntax = "proto3";
package jobs;
import "google/protobuf/any.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "jobs/common.proto";
message Other { string x = 1; message Inner { string title = 1; } message Second { string title = 1; } }
enum Kind { NONE = 0; FULL = 1; }
message Posting {
  string title = 1;
  string job_text = 2;
  google.protobuf.Timestamp at = 3;
  google.protobuf.StringValue note = 4;
  google.protobuf.Struct more = 5;
  google.protobuf.Any any = 6;
  repeated Place places = 7;
  map<string, int64> counts = 8;
  Kind kind = 9;
  bytes logo = 10;
  oneof pay { int64 salary = 11; string range = 12; }
  repeated string tags = 13;
  google.protobuf.BytesValue raw = 14;
}
"""


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    texts = {"jobs/common.proto": COMMON, "jobs/posting.proto": PROTO}
    return Messages(tmp_path_factory.mktemp("proto"), texts)


@pytest.fixture(scope="module")
def decode_protobuf():
    return protobuf(PROTO, [("jobs/common.proto", COMMON)])


def full_posting(messages: Messages):
    posting = messages["jobs.Posting"](
        title="Cook", job_text="SQL", kind=1, logo=b"\xff", salary=5, tags=["a"]
    )
    posting.at.FromJsonString("2026-01-31T12:00:00Z")
    posting.note.value = "n"
    posting.raw.value = b"text"
    posting.more.update({"a": [1, None, "x"]})
    posting.any.Pack(messages["jobs.Place"](city="Ulm"))
    posting.places.add(city="Bonn")
    posting.counts["x"] = 2**60
    return posting


def test_protobuf_with_well_known_types_and_references(messages, decode_protobuf):
    body = full_posting(messages).SerializeToString()
    assert value(decode_protobuf, framed(7, body, [2 - 1])) == {
        "title": "Cook",
        "job_text": "SQL",
        "at": "2026-01-31T12:00:00Z",
        "note": "n",
        "more": {"a": [1.0, None, "x"]},
        "any": {"@type": "type.googleapis.com/jobs.Place", "city": "Ulm"},
        "places": [{"city": "Bonn"}],
        "counts": {"x": 2**60},
        "kind": "FULL",
        "logo": None,
        "salary": 5,
        "tags": ["a"],
        "raw": "text",
    }


def test_protobuf_indexes_name_the_message(messages, decode_protobuf):
    body = messages["jobs.Place"](city="Cook").SerializeToString()  # field 1, a string, as in all of them
    assert value(decode_protobuf, framed(7, body, [0])) == {"x": "Cook"}
    assert value(decode_protobuf, framed(7, body, [1])) == {"title": "Cook"}
    assert value(decode_protobuf, framed(7, body, [0, 1])) == {"title": "Cook"}
    for indexes in ([2], [0, 2], [-1], [0, 0, 0]):
        found = rejection(decode_protobuf, framed(7, body, indexes))
        assert found.code == RejectionCode.INVALID_PROTOBUF


@pytest.mark.parametrize(
    "body", [b"", b"\x02", b"\xff" * 20, b"\x01", b"\x00\xff", b"\x00\x0a\x05Coo", b"\x00\x0a\x01\xff"]
)
def test_protobuf_bytes_that_are_no_such_message(decode_protobuf, body):
    assert rejection(decode_protobuf, framed(7, body)).code == RejectionCode.INVALID_PROTOBUF


def test_protobuf_times_that_no_calendar_has_lose_no_record(messages, decode_protobuf):
    posting = messages["jobs.Posting"](title="Cook")
    posting.at.seconds = 2**60
    body = posting.SerializeToString()
    assert value(decode_protobuf, framed(7, body, [1])) == {"title": "Cook", "at": None}


def test_protobuf_knows_what_registries_know():
    text = """syntax = "proto2";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
message Posting {
  required string title = 1 [(confluent.field_meta).doc = "x"];
  optional confluent.type.Decimal pay = 2;
}
"""
    assert value(protobuf(text), framed(7, b"\x0a\x04Cook", [0])) == {"title": "Cook"}


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("message {", []),
        ('syntax = "proto3"; import "missing.proto"; message A { B b = 1; }', []),
        ('syntax = "proto3"; message A { string a = 1; }', [("../../outside.proto", COMMON)]),
        ('syntax = "proto3"; message A { string a = 1; }', [("/outside.proto", COMMON)]),
    ],
)
def test_protobuf_schemas_that_cannot_be_compiled(text, references):
    found = rejection(protobuf(text, references), framed(7, b"", [0]))
    assert found.code == RejectionCode.UNSUPPORTED_SCHEMA


# --- whatever comes --------------------------------------------------------------------------------------


def test_mutated_values_are_one_record_each_and_never_an_exception(messages, decode_protobuf):
    draw = random.Random(16)
    schema = record_of(
        ("title", ["null", "string"]),
        ("at", {"type": "long", "logicalType": "timestamp-millis"}),
        ("pay", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}),
        ("tags", {"type": "array", "items": ["string", "long"]}),
        ("more", {"type": "map", "values": "string"}),
    )
    given = {
        "title": "Cook",
        "at": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        "pay": Decimal("1.50"),
        "tags": ["a", 5, "b" * 70],
        "more": {"k": "v"},
    }
    forms = [
        (avro(schema), framed(7, avro_bytes(schema, given))),
        (decode_protobuf, framed(7, full_posting(messages).SerializeToString(), [1])),
        (JSON, json.dumps({"schema": None, "payload": event("u", POSTING, POSTING)}).encode()),
        (JSON, gzip.compress(json.dumps(POSTING).encode())),
    ]
    for decode, whole in forms:
        for _ in range(1500):
            data = bytearray(whole)
            for _ in range(draw.randrange(1, 4)):
                at = draw.randrange(len(data))
                data[at : at + draw.randrange(3)] = draw.randbytes(draw.randrange(4))
            record = decode(Record(1, bytes(data)))
            assert record.payload == bytes(data)
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(record), type=Record) == record
