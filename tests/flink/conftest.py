"""One Flink cluster, one Kafka and a small model on disk for the session, and a stream on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripts.dev_flink import FlinkCluster
from scripts.dev_kafka import ServerUnavailableError

from skillstream.encoder import load_encoder
from skillstream.index import build_index, save_index
from skillstream.taxonomy import Taxonomy
from tests.faults.ledger import assert_exactly_once, published
from tests.kafka.conftest import kafka, new_topic
from tests.unit.encoder_models import make_model

__all__ = ["FlinkStream", "kafka", "new_topic", "wait_until"]

PARTITIONS = 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flink)


@pytest.fixture(scope="session")
def flink(cache_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A cluster for all tests of the session; the logs of its parts are in pytest's folder."""
    cluster = FlinkCluster(tmp_path_factory.mktemp("flink"), slots=2, high_availability=HIGH_AVAILABILITY)
    try:
        cluster.start()
    except ServerUnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    yield cluster
    cluster.stop()


# A soak also kills the JobManager, which only gets its jobs back with a ZooKeeper.
HIGH_AVAILABILITY = bool(os.environ.get("SKILLSTREAM_FLINK_KILLS"))


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that workers, in processes of their own, load from disk at once."""
    return make_model(tmp_path_factory.mktemp("flink-model") / "tiny", max_length=64)


@pytest.fixture(scope="session")
def model_index(model: Path, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flink-index")
    save_index(build_index(taxonomy, load_encoder(str(model))), folder)
    return folder


class FlinkStream:
    """One topic into one output on the cluster, by the commands that people use."""

    def __init__(
        self, cluster: FlinkCluster, bootstrap: str, topic: str, output: Path, **options: object
    ) -> None:
        self.cluster, self.topic, self.output = cluster, topic, output
        self.name = f"skillstream-{topic}"
        common = {"bootstrap-servers": bootstrap, "topic": topic, "output": output, "linger": 0.2}
        cluster_options = {
            "rest": cluster.rest_url,
            "job-endpoint": cluster.job_endpoint,
            "worker-pool": cluster.worker_pool,
            "parallelism": 2,
            # Short, so that some checkpoint falls into whatever there is to fall into.
            "checkpoint-interval": 0.5,
            "bundle-seconds": 1,
        }
        self._options = [f"--{key}={value}" for key, value in (common | cluster_options | options).items()]

    def submit(self, *more: str) -> str:
        """Starts the job; its id."""
        return str(json.loads(self.command("submit", *self._options, "--json", *more))["jid"])

    def stop(self, *more: str) -> str | None:
        """Stops the job; its savepoint."""
        rest = f"--rest={self.cluster.rest_url}"
        answer = json.loads(self.command("stop", self.name, rest, "--json", *more))
        return None if answer["savepoint"] is None else str(answer["savepoint"])

    def watch(self, *more: str) -> subprocess.CompletedProcess[str]:
        """The watchdog, until it ends by itself."""
        return self._run("watch", *self._options, *more)

    def command(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "skillstream", "flink", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)

    def rows(self) -> int:
        """Rows that are published by now, each offset once or not at all."""
        found = published(self.output) if (self.output / "tags").exists() else {}
        assert all(count == 1 for count in found.values())
        return len(found)

    def await_rows(self, rows: int, timeout_s: float = 120.0) -> float:
        """Waits until there are so many; the seconds it took."""
        started = time.monotonic()
        wait_until(lambda: self.rows() >= rows, f"{rows} rows", timeout_s, lambda: f"{self.rows()} rows")
        return time.monotonic() - started

    def assert_exactly_once(self, records: int) -> None:
        assert_exactly_once(self.output, records)


def wait_until(condition, what: str, timeout_s: float = 60.0, state=lambda: "not yet") -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}: {state()}"
        time.sleep(0.3)


@pytest.fixture
def stream(flink, kafka, new_topic, model, model_index, tmp_path) -> Iterator[FlinkStream]:
    """A stream of a fresh topic with four partitions; its jobs are cancelled at the end."""
    topic = new_topic(PARTITIONS)
    stream = FlinkStream(flink, kafka.bootstrap, topic, tmp_path / "out", model=model, index=model_index)
    yield stream
    from skillstream.flink_rest import FlinkRest

    rest = FlinkRest(flink.rest_url)
    for job in rest.alive(stream.name):
        rest.cancel(job.id)
