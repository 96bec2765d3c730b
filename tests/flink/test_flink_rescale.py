"""A savepoint goes on with another parallelism, and readers are spread evenly: on a real cluster."""

from __future__ import annotations

import pytest

from skillstream.flink.rest import FlinkRest
from tests.faults.stream_jobs import Load
from tests.flink.conftest import PARTITIONS, FlinkStream, wait_until

pytestmark = pytest.mark.timeout(600)


def test_a_savepoint_goes_on_with_more_and_with_fewer_subtasks(kafka, stream: FlinkStream):
    """2 → 4 → 3 → 1: every partition is read on, whatever parallelism the savepoint is of."""
    load = Load(kafka.bootstrap, stream.topic, PARTITIONS, rate=1)
    savepoint: list[str] = []
    for parallelism in (2, 4, 3, 1):
        stream.submit(f"--parallelism={parallelism}", *savepoint)
        load.send(40)
        stream.await_rows(load.records)
        assert min(load.sent[p] for p in range(PARTITIONS)) > 0
        savepoint = [f"--savepoint-path={stream.stop()}"]
        print(f"parallelism {parallelism}: {dict(load.sent)} sent, {stream.rows()} rows", flush=True)
    wait_until(lambda: stream.lag() == 0, "no lag, by a listing of files that may be seconds old")
    stream.assert_exactly_once(load.records)


def test_each_subtask_has_one_reader(flink, stream: FlinkStream):
    """With the readers' bare numbers one of four subtasks had two, and one had none."""
    job = stream.submit(f"--parallelism={PARTITIONS}")

    def readers() -> list[int]:
        """By subtask, the elements that came to the vertex that reads: the last one."""
        vertex = flink.rest(f"jobs/{job}")["vertices"][-1]["id"]
        subtasks = flink.rest(f"jobs/{job}/vertices/{vertex}")["subtasks"]
        return [subtask["metrics"]["read-records"] for subtask in subtasks]

    wait_until(lambda: sum(readers()) >= PARTITIONS, "all readers to begin", state=readers)
    assert readers() == [1] * PARTITIONS
    FlinkRest(flink.rest_url).cancel(job)
