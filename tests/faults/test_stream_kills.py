"""`skillstream stream` killed at random moments under load: every record exactly once.

`SKILLSTREAM_KILLS` sets the number of kills (default 4; `make soak` runs more).
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from skillstream.output.layout import chain_name, root_path
from tests.faults.ledger import published
from tests.faults.stream_jobs import Load, await_file, await_rows

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "4"))

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(7200)]


@pytest.mark.parametrize("writers", [1, 3])
def test_killed_under_load_every_record_is_one_row(kafka, new_topic, make_jobs, writers):
    topic = new_topic(partitions=4)
    jobs = make_jobs(kafka.bootstrap, topic)
    moments = random.Random(2026 + writers)
    kills = 0
    with Load(kafka.bootstrap, topic, 4, rate=100) as load:
        running = [jobs.start() for _ in range(writers)]
        while kills < KILLS:
            time.sleep(moments.uniform(0.1, 4.0) / writers)
            victim = running.pop(moments.randrange(len(running)))
            assert jobs.end(victim, signal.SIGKILL) == -signal.SIGKILL, jobs.log.read_text()[-3000:]
            kills += 1
            running.append(jobs.start())
            if kills % 10 == 1:
                assert all(count == 1 for count in published(jobs.output).values())
        time.sleep(2)
    for process in running:
        jobs.end(process, signal.SIGKILL)
    jobs.finish(load.records)
    print(f"{kills} kills, {writers} at once, {load.records} records: each exactly once")


def test_a_drain_ends_in_order_and_at_once_a_second_signal_sooner(kafka, new_topic, make_jobs):
    topic = new_topic(partitions=2)
    jobs = make_jobs(kafka.bootstrap, topic, linger=3600)
    with Load(kafka.bootstrap, topic, 2, rate=50) as load:
        process = jobs.start()
        time.sleep(5)
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    assert sum(published(jobs.output).values()) > 0
    with Load(kafka.bootstrap, topic, 2, rate=50, seed=2) as more:
        process = jobs.start(seconds_a_chunk=2.0)
        time.sleep(4)
        os.kill(process, signal.SIGINT)
        time.sleep(0.2)
        assert jobs.end(process, signal.SIGINT) == 128 + signal.SIGINT
    jobs.finish(load.records + more.records)


def test_partitions_are_added_while_it_runs(kafka, new_topic, make_jobs):
    from kafka import KafkaAdminClient

    topic = new_topic(partitions=1)
    jobs = make_jobs(kafka.bootstrap, topic, start="latest")  # what is added later is read from its beginning
    process = jobs.start()
    await_file(jobs.output / root_path(topic, 0))
    with Load(kafka.bootstrap, topic, 1, rate=50) as load:
        time.sleep(3)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_partitions({topic: 3})
    admin.close()
    with Load(kafka.bootstrap, topic, 3, rate=50, seed=2) as more:
        time.sleep(3)
    await_rows(jobs.output, load.records + more.records)
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    jobs.finish(load.records + more.records)


def test_one_stream_after_another_on_a_hole_in_the_chain_stops_with_a_clear_line(kafka, new_topic, make_jobs):
    topic = new_topic(partitions=1)
    jobs = make_jobs(kafka.bootstrap, topic)
    with Load(kafka.bootstrap, topic, 1, rate=100) as load:
        load.send(100)
        process = jobs.start()
        await_rows(jobs.output, 100)
    jobs.end(process, signal.SIGTERM)
    files = jobs.output.glob(f"tags/{chain_name(topic, 0)}.*")
    newest = sorted(files)[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    assert jobs.wait(jobs.start("--stop_at_end")) in (1, 2)
    assert newest.name in jobs.log.read_text().splitlines()[-1]
    newest.unlink()  # what a person would do: it is read again
    jobs.finish(load.records)
