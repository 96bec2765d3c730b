"""An hour of a stream that is disturbed: does anything grow, how old do records become, is each one row?

    python -m benchmarks.soak local --minutes 60 --work DIR    # one process, `skillstream stream`
    python -m benchmarks.soak flink --minutes 60 --work DIR    # a cluster with two readers
    python -m benchmarks.soak_report DIR --svg FILE            # again from what a run has left in DIR

All on this machine: a real Kafka, a real MinIO that takes the output, invented postings at a rate that goes
up and down between 0.5 and 3 a second, one in twenty of them broken. On the way the broker is killed twice
and stopped once, and the store is away twice, a minute each. Every few seconds the resident memory and open
files of every process are written to DIR/samples.jsonl; sent and published records, to DIR/ledger.json. At
the end every record sent must be exactly one row.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from benchmarks.soak_report import report

from skillstream.flink.rest import FlinkRest
from skillstream.output.chain import sweep
from tests.faults.ledger import assert_exactly_once
from tests.faults.stream_jobs import Load
from tests.flink.conftest import FlinkStream
from tests.servers.flink import FlinkCluster
from tests.servers.kafka import KafkaServer, create_topic
from tests.servers.minio import MinioServer

TOPIC = "postings"
PARTITIONS = 4
BUCKET = "soak"
LABELS = Path(__file__).resolve().parents[1] / "src" / "skillstream" / "data" / "esco.parquet"

# So few that the cache is full long before the slopes are taken; it would grow for hours by default.
CACHED_SENTENCES = 5_000

OUTAGE_S = 60.0  # of the store
BROKER_AWAY_S = 15.0

WORDINGS = (
    "You have experience with {} and {}.",
    "Your tasks: {}, {}.",
    "In a team of {number} you {} and report to the head of {}.",
    "{}: {number} years or more.",
    "We expect that you {} and that you {}.",
    "Nice to have: {}.",
    "Our company was founded {number} years ago.",
    "We offer {number} days of leave and free coffee.",
)


class Varied(Load):
    """Postings whose sentences are new, at a rate that goes up and down; notes when how many were sent."""

    def __init__(self, bootstrap: str, low: float, high: float, period_s: float = 900.0) -> None:
        super().__init__(bootstrap, TOPIC, PARTITIONS, rate=low)
        self._labels = pq.read_table(LABELS, columns=["label"]).column("label").to_pylist()
        self._low, self._high, self._period_s = low, high, period_s
        self.times: list[tuple[float, int]] = []  # seconds since the epoch, records acknowledged by then

    def payload(self) -> bytes | None:
        if self._random.random() < 0.05:
            return super().payload()
        chosen = [self._random.choice(WORDINGS) for _ in range(self._random.randint(6, 14))]
        lines = [
            wording.format(*self._random.sample(self._labels, 2), number=self._random.randrange(2, 500))
            for wording in chosen
        ]
        number = self._random.randrange(1_000_000)
        posting = {"id": f"p{number}", "title": self._random.choice(self._labels)}
        return json.dumps(posting | {"description": "\n".join(lines)}).encode()

    def _run(self) -> None:
        started = time.monotonic()
        try:
            while not self._stop.is_set():
                phase = 2 * math.pi * (time.monotonic() - started) / self._period_s
                rate = self._low + (self._high - self._low) * (1 - math.cos(phase)) / 2
                self.send(1)
                self.times.append((time.time(), self.records))
                self._stop.wait(self._random.expovariate(rate))
        except Exception as error:  # noqa: BLE001 - told when the load ends
            self._error = error


class Job(Protocol):
    """What is soaked."""

    def processes(self) -> dict[str, psutil.Process]:
        """Its processes by name."""

    def figures(self) -> dict[str, object]:
        """What else there is to note of it."""

    def end(self, records: int) -> None:
        """Ends it in order, once all of these records are published."""


class LocalJob:
    """`skillstream stream` as a process of its own."""

    def __init__(self, bootstrap: str, output: str, work: Path) -> None:
        self._command = [sys.executable, "-m", "skillstream", "stream", "--json", "--workers=1"]
        self._command += [f"--bootstrap-servers={bootstrap}", f"--topic={TOPIC}", f"--output={output}"]
        self._command += [f"--cache-sentences={CACHED_SENTENCES}"]
        self._log = (work / "stream.log").open("ab")
        self._process = subprocess.Popen(self._command, stdout=self._log, stderr=self._log)

    def processes(self) -> dict[str, psutil.Process]:
        return {"stream": psutil.Process(self._process.pid)}

    def figures(self) -> dict[str, object]:
        return {}

    def end(self, records: int) -> None:  # noqa: ARG002 - the last run goes up to the topic's end
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(300) == 0
        subprocess.run([*self._command, "--stop-at-end"], stdout=self._log, stderr=self._log, check=True)
        self._log.close()


class FlinkJob:
    """A job with two readers on a cluster with one TaskManager of two slots and one Python worker."""

    def __init__(self, cluster: FlinkCluster, bootstrap: str, output: str) -> None:
        self._cluster = cluster
        options = {"linger": 1.0, "bundle-seconds": 2, "checkpoint-interval": 10}
        options |= {"cache-sentences": CACHED_SENTENCES}
        self._stream = FlinkStream(cluster, bootstrap, TOPIC, output, **options)
        self._stream.submit()
        self._rest = FlinkRest(cluster.rest_url)
        self._id = self._rest.find(self._stream.name).id

    def processes(self) -> dict[str, psutil.Process]:
        parts = {name: psutil.Process(process.pid) for name, process in self._cluster.processes.items()}
        workers = sorted(self._cluster.workers(), key=lambda worker: worker.create_time())
        return parts | {f"worker {number}": worker for number, worker in enumerate(workers, 1)}

    def figures(self) -> dict[str, object]:
        last = self._rest.checkpoints(self._id)
        sizes = {"checkpoint_bytes": last.latest_bytes, "checkpoint_ms": last.latest_ms}
        return sizes | {"checkpoints": last.completed, "failed": last.failed, "restored": last.restored}

    def end(self, records: int) -> None:
        self._stream.await_rows(records, 900)
        assert self._stream.lag() == 0
        self._stream.stop()
        sweep(self._stream.output)


def sample(job: Job, servers: dict[str, psutil.Process]) -> dict[str, object]:
    """Memory in MB and open files of every process, and the job's own figures."""
    noted: dict[str, object] = {"at": round(time.time(), 1), "load": round(os.getloadavg()[0], 1)}
    processes = job.processes() | servers
    for name, process in processes.items():
        with contextlib.suppress(psutil.Error):  # it has just ended
            noted[f"rss {name}"] = round(process.memory_info().rss / 1e6, 1)
            noted[f"files {name}"] = process.num_fds()
            noted[f"pid {name}"] = process.pid
    with contextlib.suppress(Exception):  # the cluster is busy: the next sample has it
        noted |= job.figures()
    return noted


def disturbances(kafka: KafkaServer, minio: MinioServer) -> list[tuple[float, str, Callable[[], None]]]:
    """What happens when, as a share of the run's time."""

    def broker(end: Callable[[], None]) -> None:
        end()
        time.sleep(BROKER_AWAY_S)
        kafka.start()

    def store() -> None:
        minio.kill()
        time.sleep(OUTAGE_S)
        minio.start()

    return [
        (0.25, "broker killed", lambda: broker(kafka.kill)),
        (0.37, "store away for a minute", store),
        (0.50, "broker stopped", lambda: broker(kafka.stop)),
        (0.65, "store away for a minute", store),
        (0.82, "broker killed", lambda: broker(kafka.kill)),
    ]


def disturb(
    started: float, seconds: float, kafka: KafkaServer, minio: MinioServer, over: threading.Event, note: Path
) -> None:
    """Does what is to be done at its time, and notes it."""
    for share, what, act in disturbances(kafka, minio):
        if over.wait(max(0.0, started + share * seconds - time.time())):
            return
        began = time.time()
        act()
        with note.open("a") as file:
            file.write(json.dumps({"what": what, "from": began, "until": time.time()}) + "\n")


def published(minio: MinioServer) -> list[tuple[float, list[int]]]:
    """When each file appeared (seconds since the epoch) and when its records were made (milliseconds)."""
    store, found = minio.store(BUCKET), []
    for page in store.list("out/tags"):
        for item in page:
            file = pa.BufferReader(bytes(store.get(item["path"]).bytes()))
            times = pq.read_table(file, columns=["event_time"]).column("event_time").cast("int64")
            found.append((item["last_modified"].timestamp(), times.to_pylist()))
    return sorted(found)


def soak(job: Job, kafka: KafkaServer, minio: MinioServer, arguments: argparse.Namespace) -> None:
    """The run itself; leaves samples, events and the ledger in `arguments.work`."""
    work, output, seconds = arguments.work, f"s3://{BUCKET}/out", arguments.minutes * 60
    started, over = time.time(), threading.Event()
    trouble = threading.Thread(
        target=disturb, args=(started, seconds, kafka, minio, over, work / "events.jsonl")
    )
    with Varied(kafka.bootstrap, *arguments.rates) as load:
        trouble.start()
        try:
            with (work / "samples.jsonl").open("a") as file:
                while time.time() < started + seconds:
                    servers = {
                        name: psutil.Process(server.process.pid)
                        for name, server in (("kafka", kafka), ("minio", minio))
                        if server.process is not None
                    }
                    file.write(json.dumps(sample(job, servers)) + "\n")
                    file.flush()
                    time.sleep(arguments.every)
        finally:
            over.set()
            trouble.join()
    job.end(load.records)
    assert_exactly_once(output, load.records)
    ledger = {"where": arguments.where, "started": started, "records": load.records}
    ledger |= {"sent": load.times, "published": published(minio)}
    (work / "ledger.json").write_text(json.dumps(ledger))


@contextlib.contextmanager
def running(arguments: argparse.Namespace, kafka: KafkaServer) -> Iterator[Job]:
    """The job that is soaked."""
    output = f"s3://{BUCKET}/out"
    if arguments.where == "local":
        yield LocalJob(kafka.bootstrap, output, arguments.work)
        return
    with FlinkCluster(arguments.work / "flink") as cluster:
        yield FlinkJob(cluster, kafka.bootstrap, output)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("where", choices=["local", "flink"])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rates", type=float, nargs=2, default=(0.5, 3.0), help="least and most per second")
    parser.add_argument("--every", type=float, default=5, help="seconds between samples")
    parser.add_argument("--work", type=Path, default=None, help="where logs and samples go")
    parser.add_argument("--svg", type=Path, default=None, help="plot to write")
    arguments = parser.parse_args()
    arguments.work = arguments.work or Path(tempfile.mkdtemp(prefix="skillstream-soak-"))
    arguments.work.mkdir(parents=True, exist_ok=True)
    random.seed(2026)
    work = arguments.work
    with MinioServer(work / "minio") as minio, KafkaServer(work / "kafka") as kafka:
        os.environ.update(minio.environment)
        minio.make_bucket(BUCKET)
        create_topic(kafka.bootstrap, TOPIC, PARTITIONS)
        with running(arguments, kafka) as job:
            soak(job, kafka, minio, arguments)
    print(json.dumps(report(work, arguments.svg), indent=1))


if __name__ == "__main__":
    main()
