"""Kafka to Parquet on a real Flink cluster: savepoints, a job that hangs and is started afresh."""

from __future__ import annotations

import signal

import psutil
import pytest

from skillstream.flink.rest import FlinkRest
from tests.faults.stream_jobs import Load
from tests.flink.conftest import PARTITIONS, FlinkStream, supervised, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def test_stop_and_restore(kafka, stream):
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
    stream.assert_exactly_once(200)


def test_a_job_that_hangs_is_seen_and_mended_by_one_of_two_watchdogs(
    flink, kafka, stream: FlinkStream, tmp_path
):
    load = Load(kafka.bootstrap, stream.topic, PARTITIONS, rate=1)
    load.send(40)
    first = stream.submit()
    stream.await_rows(40)
    for worker in flink.workers():
        worker.send_signal(signal.SIGSTOP)
    load.send(40)
    rest = FlinkRest(flink.rest_url)
    seen = stream.run("watch", "--stall-after=3", "--every=1")
    assert seen.returncode == 1
    assert "records wait, and the output has ended at" in seen.stderr
    assert rest.find(stream.name).state == "RUNNING"  # the cluster itself sees nothing
    # Flink cancels, and takes down the TaskManager of a task that does not end: somebody starts it again.
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    with supervised(flink):
        dogs = [stream.begin("watch", "--mend", "--stall-after=25", "--every=1", log=log) for log in logs]
        try:
            stream.await_rows(80, 200)
            wait_until(lambda: stream.lag() == 0, "no lag")
            load.send(20)
            stream.await_rows(100)
            assert [dog.poll() for dog in dogs] == [None, None]  # they go on watching
        finally:
            for dog in dogs:
                dog.kill()
                dog.wait()
    told = "".join(log.read_text() for log in logs)
    assert "stands still" in told
    assert "it was started afresh" in told
    jobs = [job for job in rest.jobs() if job.name == stream.name]
    # On a busy machine the fresh start itself may stand still for 25 s, and is started afresh in its turn.
    assert [job.state for job in jobs] == ["RUNNING"] + ["CANCELED"] * (len(jobs) - 1)
    assert first == jobs[-1].id != jobs[0].id
    assert told.count("it was started afresh") == len(jobs) - 1  # by one of the two, each time
    for worker in flink.workers():
        if worker.status() == psutil.STATUS_STOPPED:
            worker.kill()
    stream.assert_exactly_once(100)
