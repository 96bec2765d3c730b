"""Kafka to Parquet on a real Flink cluster: kills, savepoints, a job that hangs.

`SKILLSTREAM_FLINK_KILLS` makes a soak of the kill test: so many kills, over all parts, with a ZooKeeper.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import time

import pytest

from skillstream.errors import RunError
from skillstream.flink_rest import FlinkRest
from tests.faults.stream_jobs import Load
from tests.flink.conftest import HIGH_AVAILABILITY, PARTITIONS, FlinkStream, wait_until

KILLS = int(os.environ.get("SKILLSTREAM_FLINK_KILLS", "2"))
SHORT = ("worker", "taskmanager-1")
ALL = (*SHORT, "worker-pool", "job-server", "jobmanager")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900 + 120 * KILLS)]


def kill(flink, part):
    """SIGKILL, and what an orchestrator does then: starts the part again."""
    if part == "worker":
        running = flink.workers()
        for worker in running:
            worker.kill()
        return bool(running)
    flink.kill(part)
    time.sleep(0.5)
    flink.start_part(part)
    return True


def answers_and_runs(flink, name):
    try:
        return [job.state for job in FlinkRest(flink.rest_url).alive(name)] == ["RUNNING"]
    except RunError:
        return False


def test_killed_parts_under_load_every_record_is_one_row(flink, kafka, stream):
    moments = random.Random(2026)
    recoveries: dict[str, list[float]] = {}
    stream.submit()
    with Load(kafka.bootstrap, stream.topic, PARTITIONS, rate=50) as load:
        wait_until(lambda: stream.rows() > 0, "the first row")
        for number in range(KILLS):
            part = (ALL if HIGH_AVAILABILITY else SHORT)[number % (5 if HIGH_AVAILABILITY else 2)]
            time.sleep(moments.uniform(0.0, 2.0))
            assert kill(flink, part), "no worker ran: there was nothing to kill"
            # Recovered: the job runs, and what was sent by now is published.
            killed_at = time.monotonic()
            if part == "jobmanager":
                wait_until(lambda: answers_and_runs(flink, stream.name), "the job to run again", 240)
            stream.await_rows(load.records)
            recoveries.setdefault(part, []).append(time.monotonic() - killed_at)
    stream.await_rows(load.records)
    for part, seconds in recoveries.items():
        print(
            f"{part}: {len(seconds)} kills, recovered in {min(seconds):.1f} to {max(seconds):.1f} s, "
            f"median {statistics.median(seconds):.1f} s"
        )
    stream.stop()
    stream.assert_exactly_once(load.records)


def test_stop_restore_stop_and_start_afresh(kafka, stream):
    load = Load(kafka.bootstrap, stream.topic, PARTITIONS, rate=1)
    load.send(100)
    stream.submit()
    stream.await_rows(100)
    load.send(60)
    savepoint = stream.stop()
    assert savepoint is not None
    in_hand = stream.rows()
    load.send(40)  # while nothing runs
    stream.submit(f"--savepoint-path={savepoint}")
    stream.await_rows(200)
    assert in_hand >= 100
    stream.stop()
    load.send(50)
    stream.submit()  # afresh: from the chain alone
    stream.await_rows(250)
    stream.stop()
    stream.assert_exactly_once(250)


def test_a_job_that_hangs_is_seen_and_started_afresh(flink, kafka, stream: FlinkStream):
    load = Load(kafka.bootstrap, stream.topic, PARTITIONS, rate=1)
    load.send(40)
    stream.submit()
    stream.await_rows(40)
    for worker in flink.workers():
        worker.send_signal(signal.SIGSTOP)
    load.send(40)
    rest = FlinkRest(flink.rest_url)
    seen = stream.watch("--stall-after=8", "--every=1")
    assert seen.returncode == 1
    assert "records wait, and the output has ended at" in seen.stderr
    assert rest.find(stream.name).state == "RUNNING"  # the cluster itself sees nothing
    # What --mend does, but for Flink taking the TaskManager down, which somebody has to start again.
    for worker in flink.workers():
        worker.kill()
    rest.cancel(rest.find(stream.name).id)
    stream.submit()
    stream.await_rows(80)
    stream.assert_exactly_once(80)
