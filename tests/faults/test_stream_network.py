"""Streams on a bad network and with a broker that dies: they wait and go on by themselves, nothing is lost.

`SKILLSTREAM_RESTARTS` (default 1) and `SKILLSTREAM_NETWORK_FAULTS` (default 5) set how many.
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults.stream_jobs import Load, await_rows
from tests.servers.kafka import create_topic

RESTARTS = int(os.environ.get("SKILLSTREAM_RESTARTS", "1"))
FAULTS = int(os.environ.get("SKILLSTREAM_NETWORK_FAULTS", "5"))

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(7200)]

TOXICS = [
    ("latency", "downstream", {"latency": 800, "jitter": 400}),
    ("latency", "upstream", {"latency": 800, "jitter": 400}),
    ("reset_peer", "downstream", {"timeout": 0}),
    ("reset_peer", "upstream", {"timeout": 200}),
    ("timeout", "downstream", {"timeout": 0}),  # half-open: accepted, and nothing comes any more
    ("timeout", "upstream", {"timeout": 1000}),
    ("slow_close", "downstream", {"delay": 1500}),
    ("bandwidth", "downstream", {"rate": 3}),
    ("limit_data", "downstream", {"bytes": 3000}),
]


def test_a_broker_killed_again_and_again(own_kafka, make_jobs):
    create_topic(own_kafka.bootstrap, "t", 4)
    jobs = make_jobs(own_kafka.bootstrap, "t")
    moments = random.Random(7)
    process = jobs.start()
    with Load(own_kafka.bootstrap, "t", 4, rate=100) as load:
        for _ in range(RESTARTS):
            time.sleep(moments.uniform(2, 5))
            own_kafka.kill()
            time.sleep(moments.uniform(0, 3))
            own_kafka.start()
        time.sleep(3)
    started = time.monotonic()
    await_rows(jobs.output, load.records, limit_s=180)
    waited = time.monotonic() - started
    print(f"{RESTARTS} restarts, {load.records} records; caught up {waited:.1f} s after the last")
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    jobs.finish(load.records)


def test_a_bad_network(kafka, toxiproxy, new_topic, make_jobs):
    topic = new_topic(partitions=4)
    jobs = make_jobs(f"127.0.0.1:{kafka.advertised_port}", topic)
    moments = random.Random(11)
    process = jobs.start()
    with Load(kafka.bootstrap, topic, 4, rate=100) as load:
        time.sleep(3)
        for number in range(FAULTS):
            kind, stream, attributes = TOXICS[number % len(TOXICS)]
            if number % 7 == 6:
                toxiproxy.enable(False)
                time.sleep(moments.uniform(0.2, 3))
                toxiproxy.enable(True)
            else:
                toxiproxy.add(kind, stream, **attributes)
                time.sleep(moments.uniform(0.5, 4))
                toxiproxy.remove(kind)
            time.sleep(moments.uniform(0.2, 2))
    started = time.monotonic()
    await_rows(jobs.output, load.records, limit_s=180)
    waited = time.monotonic() - started
    print(f"{FAULTS} network faults, {load.records} records; caught up {waited:.1f} s after the last")
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    jobs.finish(load.records)
