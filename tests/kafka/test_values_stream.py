"""Avro, protobuf and JSON Schema from a real Kafka and a real schema registry to Parquet."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from skillstream.errors import SourceError
from skillstream.pipelines import tag_stream
from skillstream.tagging.replay import ReplayConfig, replay
from skillstream.tagging.stream_config import StreamConfig
from tests.data import make_posting
from tests.faults.ledger import assert_exactly_once
from tests.wire_format import Messages, avro_bytes, framed

pytestmark = pytest.mark.kafka

CITY = {"type": "record", "name": "City", "namespace": "jobs", "fields": [{"name": "name", "type": "string"}]}
POSTING = {
    "type": "record",
    "name": "Posting",
    "namespace": "jobs",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "title", "type": ["null", "string"]},
        {"name": "description", "type": ["null", "string"]},
        {"name": "posted", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "city", "type": ["null", "jobs.City"]},
    ],
}
PLACE_PROTO = 'syntax = "proto3";\npackage jobs;\nmessage Place { string city = 1; }\n'
POSTING_PROTO = """syntax = "proto3";
package jobs;
import "place.proto";
import "google/protobuf/timestamp.proto";
message Unused { string x = 1; }
message Posting {
  string id = 1;
  string title = 2;
  string description = 3;
  google.protobuf.Timestamp posted = 4;
  Place place = 5;
}
"""
JSON_SCHEMA = {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}


def posting(number: int) -> dict[str, str]:
    made = make_posting(number)
    return {name: str(made[name]) for name in ("id", "title", "description")}


@pytest.fixture(scope="module")
def schemas(registry) -> dict[str, int]:
    """Schemas by format, registered once."""
    registry.register("city", CITY)
    registry.register("place", PLACE_PROTO, "PROTOBUF")
    return {
        "avro": registry.register("posting-value", POSTING, references={"jobs.City": "city"}),
        "protobuf": registry.register("p-value", POSTING_PROTO, "PROTOBUF", {"place.proto": "place"}),
        "json-schema": registry.register("j-value", JSON_SCHEMA, "JSON"),
    }


@pytest.fixture(scope="module")
def messages(tmp_path_factory) -> Messages:
    texts = {"place.proto": PLACE_PROTO, "posting.proto": POSTING_PROTO}
    return Messages(tmp_path_factory.mktemp("proto"), texts)


@pytest.fixture
def values(schemas, messages):
    """Makes the value of a posting in a format, as its producer would."""

    def make(value_format: str, number: int) -> bytes:
        given = posting(number)
        if value_format == "avro":
            body = avro_bytes(POSTING, {**given, "posted": 0, "city": {"name": "Ulm"}}, [CITY])
            return framed(schemas["avro"], body)
        if value_format == "protobuf":
            message = messages["jobs.Posting"](**given)
            message.place.city = "Ulm"
            return framed(schemas["protobuf"], message.SerializeToString(), [1])
        return framed(schemas["json-schema"], json.dumps(given).encode())

    return make


@pytest.fixture
def stream(kafka, registry, hash_model, index_folder, tmp_path):
    def run(topic: str, **options) -> tag_stream.StreamSummary:
        defaults = {
            "bootstrap_servers": kafka.bootstrap,
            "schema_registry": registry.url,
            "output": str(tmp_path / "out"),
            "index": str(index_folder),
            "stop_at_end": True,
            "linger": 0.1,
        }
        return tag_stream.run(StreamConfig(topic=topic, **(defaults | options)))

    return run


def rows(output: Path) -> list[dict]:
    found = [row for file in output.glob("tags/**/*.parquet") for row in pq.read_table(file).to_pylist()]
    return sorted(found, key=lambda row: row["offset"])


@pytest.mark.parametrize("value_format", ["avro", "protobuf", "json-schema"])
def test_values_with_schemas_become_the_rows_that_plain_json_becomes(
    stream, new_topic, produce, values, tmp_path, value_format
):
    topic, plain = new_topic(), new_topic()
    unknown, unframed = framed(4_000_000_000, b"\0Cook"), json.dumps(posting(1)).encode()
    damaged = values(value_format, 2)[:-3]
    sent = [*(values(value_format, number) for number in range(20)), unknown, unframed, damaged, None]
    produce(topic, sent, keys=[b"k"] * len(sent))
    summary = stream(topic, value_format=value_format)
    damage = {"avro": "invalid_avro", "protobuf": "invalid_protobuf", "json-schema": "invalid_json"}
    assert summary.rejected == {
        "unknown_schema": 1,
        "unsupported_framing": 1,
        damage[value_format]: 1,
        "tombstone": 1,
    }
    assert_exactly_once(tmp_path / "out", 24)
    found = rows(tmp_path / "out")
    assert [row["error"]["payload"] for row in found[20:]] == [unknown, unframed, damaged, None]
    assert "4000000000" in found[20]["error"]["detail"]

    produce(plain, [json.dumps(posting(number)).encode() for number in range(20)])
    stream(plain, output=str(tmp_path / "plain"))
    expected = rows(tmp_path / "plain")
    assert any(row["skills"] for row in expected)
    for row, other in zip(found[:20], expected, strict=True):
        for column in ("posting_id", "title", "skills", "error"):
            assert row[column] == other[column]


def test_debezium_in_avro_with_deletes(stream, new_topic, produce, registry, tmp_path):
    row = {**CITY, "name": "Row", "fields": [{"name": "title", "type": "string"}]}
    envelope = {
        "type": "record",
        "name": "Envelope",
        "fields": [
            {"name": "before", "type": ["null", row]},
            {"name": "after", "type": ["null", "jobs.Row"]},
            {"name": "op", "type": "string"},
        ],
    }
    number = registry.register("debezium-value", envelope)

    def event(op: str, before: object, after: object) -> bytes:
        return framed(number, avro_bytes(envelope, {"before": before, "after": after, "op": op}))

    cook = {"title": "Cook with Python"}
    topic = new_topic()
    produce(
        topic, [event("c", None, cook), event("u", cook, cook), event("d", cook, None), None], keys=[b"k"] * 4
    )
    assert stream(topic, value_format="avro").rejected == {"deleted": 1, "tombstone": 1}
    assert [found["title"] for found in rows(tmp_path / "out")] == [cook["title"]] * 2 + [None] * 2


def test_a_registry_that_is_away_is_waited_for(
    stream, new_topic, produce, values, registry, tmp_path, monkeypatch
):
    monkeypatch.setattr("skillstream.sources.kafka.values.registry.TIMEOUT_S", 0.5)
    topic = new_topic()
    produce(topic, [values("avro", number) for number in range(10)])
    registry.pause()
    problems: list[str] = []

    def resume_when_it_is_told() -> None:
        from skillstream.monitoring import LIVE

        while not problems:
            problem = LIVE.snapshot().problem
            if problem and "schema registry" in problem:
                problems.append(problem)
        assert rows(tmp_path / "out") == []
        registry.resume()

    thread = threading.Thread(target=resume_when_it_is_told, daemon=True)
    thread.start()
    try:
        summary = stream(topic, value_format="avro")
    finally:
        registry.resume()
    thread.join(60)
    assert "is away" in problems[0]
    assert summary.rejected == {}
    assert_exactly_once(tmp_path / "out", 10)


def test_replay_decodes_as_the_stream_did(stream, new_topic, produce, registry, tmp_path, index_folder):
    topic = new_topic()
    schema = {**CITY, "name": "Late", "fields": [{"name": "title", "type": "string"}]}
    body = avro_bytes(schema, {"title": "Cook with Python"})
    known = registry.register("known-value", schema)
    late = known + 1
    produce(topic, [framed(known, body), framed(late, body)])
    assert stream(topic, value_format="avro").rejected == {"unknown_schema": 1}
    while registry.register("late-value", {**schema, "name": f"Late{late}"}) < late:
        late -= 1
    config = ReplayConfig(output=str(tmp_path / "new"), index=str(index_folder), select="all")
    summary = replay(str(tmp_path / "out"), config)
    assert (summary.records, summary.rejected) == (2, {})


def test_the_start_refuses_what_cannot_work(stream, new_topic, registry, tmp_path):
    elsewhere = registry.url.replace("/apis/ccompat/v7", "")
    with pytest.raises(SourceError, match="is that a schema registry"):
        stream(new_topic(), value_format="avro", schema_registry=elsewhere)
    assert not (tmp_path / "out").exists()


def test_the_secrets_of_the_registry_are_nowhere(
    stream, new_topic, produce, values, tmp_path, caplog, monkeypatch
):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO", "me:look-for-this")
    topic = new_topic()
    produce(topic, [values("avro", 1), framed(4_000_000_001, b"")])
    stream(topic, value_format="avro")
    assert "look-for-this" not in (tmp_path / "out" / "run.json").read_text()
    assert "look-for-this" not in caplog.text
    assert not any(b"look-for-this" in file.read_bytes() for file in tmp_path.rglob("*.parquet"))
