"""Streams of Avro and protobuf, killed under load while the registry comes and goes: each record one row.

`SKILLSTREAM_KILLS` sets the number of kills (default 2; `make soak` runs more).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.faults.stream_jobs import Load
from tests.wire_format import Messages, avro_bytes, framed

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "2"))

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(7200)]

FIELDS = ("id", "title", "description")
AVRO = {"type": "record", "name": "Kill", "fields": [{"name": name, "type": "string"} for name in FIELDS]}
PROTO = "\n".join(
    ['syntax = "proto3";', "message Kill {"]
    + [f"  string {name} = {number};" for number, name in enumerate(FIELDS, 1)]
    + ["}"]
)
NOBODYS = 4_000_000_000  # an id that the registry does not have


class ValueLoad(Load):
    """Records in one format; one in ten is bad, and `bad` says which code each of them must get."""

    def __init__(self, *args, value_format: str, schema_id: int, message=None, **options) -> None:
        super().__init__(*args, **options)
        self.bad: Counter[str] = Counter()
        self._format = value_format
        self._schema_id = schema_id
        self._message = message

    def payload(self) -> bytes | None:
        given = self.posting(self._random.randrange(1_000_000))
        if self._format == "avro":
            value = framed(self._schema_id, avro_bytes(AVRO, given))
        else:
            value = framed(self._schema_id, self._message(**given).SerializeToString(), [0])
        bad = {
            "tombstone": None,
            "empty": b"",
            "unsupported_framing": b'{"description": "plain"}',
            "unknown_schema": framed(NOBODYS, value[5:]),
            f"invalid_{self._format}": value[:-3],
        }
        code = self._random.choice([*bad, *[""] * 45])
        if not code:
            return value
        self.bad[code] += 1
        return bad[code]


@pytest.mark.parametrize("value_format", ["avro", "protobuf"])
def test_killed_while_the_registry_comes_and_goes(
    kafka, registry, new_topic, make_jobs, tmp_path, value_format
):
    message = None
    if value_format == "avro":
        schema_id = registry.register("kill-avro", AVRO)
    else:
        schema_id = registry.register("kill-protobuf", PROTO, "PROTOBUF")
        protos = tmp_path / "protos"
        protos.mkdir()
        message = Messages(protos, {"kill.proto": PROTO})["Kill"]
    topic = new_topic(partitions=4)
    flags = {"value_format": value_format, "schema_registry": registry.url}
    jobs = make_jobs(kafka.bootstrap, topic, **flags)
    moments = random.Random(2026)
    with ValueLoad(
        kafka.bootstrap,
        topic,
        4,
        rate=100,
        value_format=value_format,
        schema_id=schema_id,
        message=message,
    ) as load:
        process = jobs.start()
        for number in range(KILLS):
            time.sleep(moments.uniform(0.1, 4.0))
            assert jobs.end(process, signal.SIGKILL) == -signal.SIGKILL, jobs.log.read_text()[-3000:]
            if number % 2:
                process = jobs.start()
                continue
            registry.pause()  # a new process has no schemas yet, so all of its records wait
            try:
                process = jobs.start()
                time.sleep(moments.uniform(1.0, 3.0))
            finally:
                registry.resume()
        time.sleep(2)  # some more records, for the process that ends in the middle of them
    jobs.end(process, signal.SIGKILL)
    jobs.finish(load.records)
    codes: Counter[str] = Counter()
    for file in Path(jobs.output).glob("tags/**/*.parquet"):
        errors = pq.read_table(file, columns=["error"])["error"].to_pylist()
        codes.update(error["code"] for error in errors if error is not None)
    assert codes == load.bad
    print(
        f"{value_format}: {KILLS} kills, {load.records} records, {codes.total()} rejected: each exactly once"
    )
