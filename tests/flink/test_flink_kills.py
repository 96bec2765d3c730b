"""Parts of a real Flink cluster are killed under load; every record is still one row.

A worker and a TaskManager by default. `SKILLSTREAM_FLINK_KILLS=50` kills so many parts, of every kind, on two
clusters with a ZooKeeper: one TaskManager with two slots, and two TaskManagers with one each; and a fifth as
many with the output in an object store.
"""

from __future__ import annotations

import contextlib
import os
import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from skillstream.errors import RunError
from skillstream.flink.rest import FlinkRest
from skillstream.output.chain import sweep
from tests.faults.stream_jobs import Load
from tests.flink.conftest import PARTITIONS, FlinkStream, NewStream, wait_until
from tests.servers.fixtures import running
from tests.servers.flink import FlinkCluster

KILLS = int(os.environ.get("SKILLSTREAM_FLINK_KILLS", "0"))
SHORT = ("worker", "taskmanager")
# The driver is the process that submits: it dies at any moment of that.
LONG = (
    *("worker", "taskmanager", "worker", "jobmanager", "worker-pool", "taskmanager"),
    *("worker", "job-server", "taskmanager", "driver", "worker", "jobmanager"),
)
# After a JobManager's end ZooKeeper needs some time to notice, and a loaded machine to start it all.
PATIENCE_S = 300

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900 + 120 * KILLS)]


@pytest.fixture(
    params=[(1, 2), (2, 1)] if KILLS else [(1, 2)],
    ids=lambda shape: f"{shape[0]} TaskManagers with {shape[1]} slots",
)
def victim(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FlinkCluster]:
    """The cluster whose parts are killed: the shared one in the short form."""
    if not KILLS:
        yield request.getfixturevalue("flink")
        return
    managers, slots = request.param
    cluster = FlinkCluster(tmp_path / "flink", slots=slots, task_managers=managers, high_availability=True)
    with running(cluster):
        yield cluster


def kill(stream: FlinkStream, part: str, moments: random.Random) -> None:
    """SIGKILL, and what an orchestrator does then: starts the part again."""
    cluster = stream.cluster
    if part == "worker":
        with contextlib.suppress(psutil.NoSuchProcess):
            moments.choice(cluster.workers()).kill()
    elif part == "driver":
        kill_driver(stream, moments)
    else:
        name = f"taskmanager-{moments.randint(1, cluster.task_managers)}" if part == "taskmanager" else part
        cluster.kill(name)
        time.sleep(0.5)
        cluster.start_part(name)


def kill_driver(stream: FlinkStream, moments: random.Random) -> None:
    """The job is submitted anew and the submitting process killed; unless the job comes, once more."""
    rest = FlinkRest(stream.cluster.rest_url)
    rest.cancel(rest.find(stream.name).id)
    driver = stream.begin("submit", log=stream.cluster.folder / "driver.log")
    time.sleep(moments.uniform(0, 30))
    driver.kill()
    driver.wait()
    with contextlib.suppress(RunError):
        rest.await_running(stream.name, 60)
        return
    stream.submit()


def runs(stream: FlinkStream) -> bool:
    """Whether there is one job and all its tasks run."""
    with contextlib.suppress(RunError):
        FlinkRest(stream.cluster.rest_url).await_running(stream.name, 0.5)
        return len(stream.jobs()) == 1
    return False


def kill_under_load(stream: FlinkStream, bootstrap: str, kills: int) -> None:
    """Kills parts while records come; prints times to recover; every record must be one row at the end."""
    moments = random.Random(2026)
    recoveries: dict[str, list[float]] = {}
    stream.submit()
    with Load(bootstrap, stream.topic, PARTITIONS, rate=50) as load:
        wait_until(lambda: stream.rows() > 0, "the first row")
        for number in range(kills):
            parts = LONG if KILLS else SHORT
            part = parts[number % len(parts)]
            wait_until(stream.cluster.workers, "a worker to kill")
            time.sleep(moments.uniform(0, 2))
            killed_at = time.monotonic()
            kill(stream, part, moments)
            # Recovered: the job runs, and records that were sent since then are there, in all partitions.
            wait_until(lambda: runs(stream), f"the job to run again after the {part}'s end", PATIENCE_S)
            stream.await_new_rows(PATIENCE_S)
            recoveries.setdefault(part, []).append(time.monotonic() - killed_at)
            print(f"{part}: {recoveries[part][-1]:.1f} s, {load.records} records so far", flush=True)
    stream.await_rows(load.records, PATIENCE_S)
    for part, seconds in recoveries.items():
        figures = f"{min(seconds):.1f}/{statistics.median(seconds):.1f}/{max(seconds):.1f} s"
        print(f"{part}: {len(seconds)} kills, min/median/max {figures}")
    wait_until(lambda: stream.lag() == 0, "no lag, by a listing of files that may be seconds old")
    stream.stop()
    sweep(
        stream.output
    )  # as the next start does: a worker killed while it published leaves its temporary file
    stream.assert_exactly_once(load.records)
    print(f"{load.records} records, each one row")


def test_every_record_is_one_row(victim, kafka, new_stream: NewStream):
    kill_under_load(new_stream(victim), kafka.bootstrap, KILLS // 2 or len(SHORT))


@pytest.mark.skipif(not KILLS, reason="takes minutes: set SKILLSTREAM_FLINK_KILLS")
def test_every_record_is_one_row_in_an_object_store(own_minio, kafka, new_stream: NewStream, tmp_path):
    # The environment that leads to the store is the worker pool's, so this needs a cluster of its own.
    with running(FlinkCluster(tmp_path / "flink", high_availability=True)) as cluster:
        stream = new_stream(cluster, f"{own_minio.make_bucket('tags')}/stream")
        kill_under_load(stream, kafka.bootstrap, KILLS // 5)
        secrets = [path for path in cluster.folder.rglob("*.log") if own_minio.password in path.read_text()]
        assert secrets == []
