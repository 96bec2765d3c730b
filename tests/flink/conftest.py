"""A small model on disk for the session, and a stream on a Flink cluster."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from skillstream.encoder import load_encoder
from skillstream.errors import RunError
from skillstream.flink.rest import FlinkRest
from skillstream.index.skills_index import build_index, save_index
from skillstream.monitoring.look import Look, StreamEyes
from skillstream.output.chain import Chain
from skillstream.tagging.stream_config import StreamConfig
from skillstream.taxonomy.skills import Taxonomy
from tests.faults.ledger import assert_exactly_once, published
from tests.servers.flink import FlinkCluster

__all__ = ["FlinkStream", "NewStream", "supervised", "wait_until"]

PARTITIONS = 4


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flink)


@contextmanager
def supervised(cluster: FlinkCluster) -> Iterator[None]:
    """Parts that end by themselves are started again, as whatever runs a cluster does."""
    over = threading.Event()

    def supervise() -> None:
        while not over.wait(0.5):
            for part, process in list(cluster.processes.items()):
                if process.poll() is not None:
                    cluster.start_part(part)

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="session")
def model_index(exported_model: Path, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flink-index")
    save_index(build_index(taxonomy, load_encoder(str(exported_model))), folder)
    return folder


COMMAND = [sys.executable, "-m", "skillstream", "flink"]


class FlinkStream:
    """One topic into one output on the cluster, by the commands that people use."""

    def __init__(
        self, cluster: FlinkCluster, bootstrap: str, topic: str, output: Path | str, **options: object
    ) -> None:
        self.cluster, self.bootstrap, self.topic, self.output = cluster, bootstrap, topic, output
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

    def begin(self, command: str, *more: str, log: Path) -> subprocess.Popen[bytes]:
        """`submit` or `watch` as a process of its own, which writes to `log`."""
        with log.open("wb") as file:
            return subprocess.Popen([*COMMAND, command, *self._options, *more], stdout=file, stderr=file)

    def run(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        """A command with the stream's options, until it ends by itself."""
        return self._run(command, *self._options, *more)

    def command(self, *arguments: str) -> str:
        done = self._run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments], capture_output=True, text=True, timeout=280, check=False
        )

    def jobs(self) -> list[str]:
        """Ids of its jobs that have not ended."""
        return [job.id for job in FlinkRest(self.cluster.rest_url).alive(self.name)]

    def lag(self) -> int:
        """Offsets between the topic's ends and the output's."""
        return sum(self._look().lag.values())

    def ends(self) -> dict[int, int]:
        """Where the topic ends, by partition."""
        return dict(self._look().ends)

    def await_new_rows(self, timeout_s: float = 120.0) -> None:
        """Waits, under load, until every partition shows records that were sent after this call."""
        before = self.ends()
        wait_until(
            lambda: all(head > before[p] for p, head in self._heads().items()),
            "new rows in all partitions",
            timeout_s,
            lambda: f"ended at {before}, now shown up to {self._heads()}",
        )

    def _heads(self) -> dict[int, int]:
        return {p: Chain(self.output, self.topic, p).head() or 0 for p in range(PARTITIONS)}

    def _look(self) -> Look:
        config = StreamConfig(bootstrap_servers=self.bootstrap, topic=self.topic, output=str(self.output))
        return StreamEyes(config).look()

    def rows(self) -> int:
        """Rows that are published by now, each offset once or not at all."""
        found = published(self.output)
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


NewStream = Callable[..., FlinkStream]


@pytest.fixture
def new_stream(kafka, new_topic, exported_model, model_index, tmp_path) -> Iterator[NewStream]:
    """Makes a stream of a fresh topic with four partitions; its jobs are cancelled at the end."""
    made = []

    def make(cluster: FlinkCluster, output: Path | str = tmp_path / "out") -> FlinkStream:
        options = {"model": exported_model, "index": model_index}
        made.append(FlinkStream(cluster, kafka.bootstrap, new_topic(PARTITIONS), output, **options))
        return made[-1]

    yield make
    for stream in made:
        with suppress(RunError):  # a cluster of the test's own has gone already
            for job in stream.jobs():
                FlinkRest(stream.cluster.rest_url).cancel(job)


@pytest.fixture
def stream(flink: FlinkCluster, new_stream: NewStream) -> FlinkStream:
    return new_stream(flink)
