"""`skillstream stream --workers`: workers and parent killed under load, a drain, probes; a real Kafka.

`SKILLSTREAM_KILLS` sets the number of kills (default 3; `make soak` runs more).
"""

from __future__ import annotations

import os
import random
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.ledger import assert_exactly_once, published
from tests.faults.shared_job import SharedJob
from tests.faults.stream_jobs import Load, await_rows
from tests.servers.common import free_port

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "3"))

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(7200)]


@pytest.fixture
def stream(kafka, index_folder: Path, tmp_path: Path) -> Iterator[Callable[..., SharedJob]]:
    """Starts a stream with two workers into the same output; what a failed test leaves is killed."""
    started: list[SharedJob] = []

    def start(topic: str, *more: object, **environment: str) -> SharedJob:
        options = ("--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--index", index_folder)
        where = ("--output", tmp_path / "out", "--workers", 2, "--linger", 0.1, "--max-chunk-rows", 20)
        started.append(SharedJob("stream", *options, *where, *more, log=tmp_path / "log", **environment))
        return started[-1]

    yield start
    for job in started:
        job.process.kill()


def get(port: int, path: str) -> tuple[int, str]:
    """Status and body; 0 while nothing answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return 0, str(error)


def await_answer(job: SharedJob, port: int, path: str, status: int, limit_s: float = 300) -> str:
    """Waits for this status; the body."""
    deadline = time.monotonic() + limit_s
    while (answer := get(port, path))[0] != status:
        assert job.process.poll() is None, job.log.read_text()
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer[1]


def test_killed_under_load_every_record_is_one_row(stream, kafka, new_topic, tmp_path):
    topic = new_topic(partitions=4)
    moments = random.Random(2026)
    parents = 0
    port = free_port()
    with Load(kafka.bootstrap, topic, 4, rate=50) as load:
        job = stream(topic, "--metrics-port", port, SKILLSTREAM_TEST_PAUSE="0.02")
        for kill in range(KILLS):
            await_answer(job, port, "/readyz", 200)
            time.sleep(moments.uniform(0.5, 2))
            workers = job.workers()
            if kill % 3 == 1:
                job.end(signal.SIGKILL)
                assert not psutil.wait_procs(workers, 30)[1]
                parents += 1
                job = stream(topic, "--metrics-port", port, SKILLSTREAM_TEST_PAUSE="0.02")
            else:
                min(workers, key=psutil.Process.create_time).kill()
                await_answer(job, port, "/readyz", 503)
                assert get(port, "/healthz")[0] == 200
    await_rows(tmp_path / "out", load.records, limit_s=300)
    code, _ = job.end(signal.SIGTERM)
    assert code == 0, job.log.read_text()
    code, summary = stream(topic, "--stop-at-end").end()
    assert (code, sum(summary["lag"].values())) == (0, 0)
    assert_exactly_once(tmp_path / "out", load.records)
    print(f"{KILLS} kills, {parents} of them of the parent, {load.records} records: each exactly once")


def test_figures_probes_and_drain_are_the_whole_jobs(stream, kafka, new_topic, tmp_path):
    topic = new_topic(partitions=4)
    port = free_port()
    job = stream(topic, "--metrics-port", port, "--linger", 3600, SKILLSTREAM_TEST_PAUSE="0.02")
    assert await_answer(job, port, "/readyz", 200) == "ok\n"
    workers = job.workers()
    assert len(workers) == 2
    with Load(kafka.bootstrap, topic, 4, rate=50) as load:
        load.send(100)
    deadline = time.monotonic() + 120
    while (metrics := get(port, "/metrics")[1]).count("skillstream_worker_resident_bytes{") < 2:
        assert time.monotonic() < deadline, metrics
        time.sleep(0.05)
    assert {f'partition="{number}"' in metrics for number in range(4)} == {True}
    assert metrics.count("skillstream_worker_resident_bytes{") == 2
    code, summary = job.end(signal.SIGTERM)  # what lingers is published
    assert code == 0, job.log.read_text()
    assert summary["records"] == sum(published(tmp_path / "out").values())
    assert not psutil.wait_procs(workers, 30)[1]
    said = job.log.read_text()
    phases = ("asking Kafka", "loading the model", "starting to read: 4 partitions, 2 workers", "draining")
    assert [said.count(phase) for phase in phases] == [1, 1, 1, 1]
    stream(topic, "--stop-at-end").end()
    assert_exactly_once(tmp_path / "out", load.records)


def test_wrong_usage_is_refused_before_anything_is_touched(stream, new_topic, tmp_path):
    job = stream(new_topic(), "--readers", 2)
    assert job.end()[0] == 2
    assert "--workers says how many processes" in job.log.read_text()
    job = stream(new_topic(), "--index", tmp_path / "nowhere")
    assert job.end()[0] == 2
    assert job.log.read_text().splitlines()[-1].startswith("skillstream: ")
    assert not (tmp_path / "out").exists()
