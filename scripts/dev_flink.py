"""A real Flink cluster with Beam's job server and a Python worker pool, for tests and demos, on loopback.

As a program it runs until Ctrl-C:  python scripts/dev_flink.py --slots 2 [--high-availability]

Needs Java 17+ and, the first time, Maven and pip: 160 MB of jars for Beam's runner from Maven Central and
235 MB for Flink itself from PyPI are kept in `.servers/` of the repository. What is assembled and why just
so: docs/how-to/run-on-flink.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # also as `python scripts/dev_flink.py`

from scripts.dev_server import SERVERS, ServerUnavailableError, fetch_by_maven, installed

__all__ = ["FlinkCluster", "fetch_flink"]

BEAM_VERSION = "2.70.0"
JOB_SERVICE_VERSION = "2.65.0"
FLINK_VERSION = "1.19.3"
START_TIMEOUT_S = 120  # a loaded two-core machine needs up to 40 s for all JVMs
SLF4J_SIMPLE = "2.0.16"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>skillstream</groupId><artifactId>dev-flink</artifactId><version>1</version>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-java-job-service</artifactId>
      <version>{JOB_SERVICE_VERSION}</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-flink-1.19</artifactId>
      <version>{BEAM_VERSION}</version></dependency>
    <!-- without a logger the job server is silent, whatever happens -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
      <version>{SLF4J_SIMPLE}</version></dependency>
  </dependencies>
</project>
"""
# Bundles old classes that win over the runner's: the job says RUNNING and nothing ever happens.
POISON = f"beam-sdks-java-harness-{JOB_SERVICE_VERSION}.jar"

LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.out.ref = Console
appender.out.name = Console
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""

OPENED = ("java.lang", "java.util", "java.nio", "java.time", "java.util.concurrent", "sun.nio.ch")


def fetch_flink() -> tuple[Path, Path]:
    """The folders of Beam's runner (with its job server) and of Flink, fetched if they are not there yet."""
    with ThreadPoolExecutor(2) as threads:
        beam, flink = threads.submit(_fetch_beam), threads.submit(_fetch_distribution)
        return beam.result(), flink.result()


def _fetch_beam() -> Path:
    return fetch_by_maven(SERVERS / f"beam-flink-{BEAM_VERSION}", POM, "Beam's Flink runner", without=POISON)


def _fetch_distribution() -> Path:
    """PyPI's `apache-flink-libraries` holds the whole distribution; it stays out of our environment."""
    folder = SERVERS / f"flink-{FLINK_VERSION}"
    if not folder.is_dir():
        SERVERS.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SERVERS) as work:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
            command += ["--target", f"{work}/flink", f"apache-flink-libraries=={FLINK_VERSION}"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if run.returncode:
                raise ServerUnavailableError(f"pip could not fetch Flink: {run.stderr[-500:]}")
            with contextlib.suppress(OSError):
                Path(work, "flink").rename(folder)
    return folder / "pyflink" / "lib"


def _quiet_port() -> int:
    """A free port below the range that the system hands out by itself.

    Parts start seconds after their ports are chosen, and the worker pool shares its port with whoever else
    asks for sharing (gRPC's default), so a port that the system may give to somebody else is no good.
    """
    while True:
        port = random.randint(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("", port))
            except OSError:
                continue
        return port


@dataclass
class FlinkCluster:
    """JobManager, TaskManagers, job server and worker pool; settings, state and logs live in `folder`.

    Parts have names: `jobmanager`, `taskmanager-1` ..., `job-server`, `worker-pool` and, with
    `high_availability`, `zookeeper`. Each can be killed and started again with the same ports and state.
    Python workers are children of the pool: see `workers`.

    Args:
        slots: of each TaskManager.
        checkpoint_ms: interval that the cluster uses for jobs that name none.
    """

    folder: Path
    slots: int = 2
    task_managers: int = 1
    high_availability: bool = False
    checkpoint_ms: int = 1000
    task_heap_mb: int = 256
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['rest']}"

    @property
    def job_endpoint(self) -> str:
        return f"127.0.0.1:{self.ports['job']}"

    @property
    def worker_pool(self) -> str:
        return f"localhost:{self.ports['pool']}"

    @property
    def checkpoints(self) -> str:
        return (self.folder / "checkpoints").as_uri()

    @property
    def savepoints(self) -> str:
        return (self.folder / "savepoints").as_uri()

    @property
    def parts(self) -> list[str]:
        managers = [f"taskmanager-{number + 1}" for number in range(self.task_managers)]
        first = ["zookeeper"] if self.high_availability else []
        return [*first, "jobmanager", *managers, "worker-pool", "job-server"]

    def beam_flags(self, parallelism: int = 1) -> list[str]:
        """Flags with which any Beam pipeline runs here."""
        return [
            "--runner=PortableRunner",
            f"--job_endpoint={self.job_endpoint}",
            "--environment_type=EXTERNAL",
            f"--environment_config={self.worker_pool}",
            f"--parallelism={parallelism}",
        ]

    def start(self) -> FlinkCluster:
        """Start everything and wait until it answers."""
        fetch_flink()
        self._write_configuration()
        try:
            for part in self.parts:
                self.start_part(part)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def start_part(self, part: str) -> None:
        """Start one part, or start it again after `kill`; does not wait for it."""
        log = (self.folder / f"{part}.log").open("ab")
        with log:
            self.processes[part] = subprocess.Popen(
                self._command(part),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,  # Ctrl-C in a terminal is for us, not for the parts
            )

    def kill(self, part: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """End one part by a signal."""
        process = self.processes.pop(part)
        process.send_signal(sig)
        process.wait(30)

    def wait_until_ready(self) -> None:
        """All slots are registered; job server and worker pool listen."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._ready():
            for part, process in self.processes.items():
                if process.poll() is not None:
                    tail = (self.folder / f"{part}.log").read_text(errors="replace")[-2000:]
                    raise ServerUnavailableError(f"{part} ended with code {process.returncode}: ...{tail}")
            if time.monotonic() > deadline:
                raise ServerUnavailableError(
                    f"Flink was not ready within {START_TIMEOUT_S} s; see {self.folder}"
                )
            time.sleep(0.2)

    def workers(self) -> list[psutil.Process]:
        """Python processes of ours that the pool has started, also after the pool's own end."""
        return self._ours("SdkHarness")

    def rest(self, path: str) -> Any:
        """What the cluster's REST API answers to a GET."""
        with urllib.request.urlopen(f"{self.rest_url}/{path}", timeout=5) as answer:
            return json.load(answer)

    def stop(self) -> None:
        """End all parts, the last started first; whatever they leave behind is killed."""
        for part in reversed(self.parts):
            if part in self.processes:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.kill(
                        part, signal.SIGTERM if part in ("worker-pool", "zookeeper") else signal.SIGKILL
                    )
        for process in self._ours():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def __enter__(self) -> FlinkCluster:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _ours(self, word: str = "") -> list[psutil.Process]:
        """Processes of this cluster that have `word` in their command line."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):  # it has just ended, or is somebody else's
                ours = process.environ().get("SKILLSTREAM_DEV_FLINK") == str(self.folder)
                if ours and word in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def _ready(self) -> bool:
        try:
            if self.rest("overview")["slots-total"] < self.task_managers * self.slots:
                return False
            for name in ("job", "pool"):
                socket.create_connection(("127.0.0.1", self.ports[name]), timeout=1).close()
        except (OSError, ValueError, KeyError):  # HTTP errors are OSErrors too
            return False
        return True

    def _environment(self) -> dict[str, str]:
        # The pool starts its workers as `python`: that of this process.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        return {**os.environ, "PATH": path, "SKILLSTREAM_DEV_FLINK": str(self.folder)}

    def _command(self, part: str) -> list[str]:
        beam, flink = fetch_flink()
        conf = self.folder / "conf"
        runtime = "org.apache.flink.runtime"
        if part == "zookeeper":
            main = f"{runtime}.zookeeper.FlinkZooKeeperQuorumPeer"
            return self._java(flink, 96, main, "--zkConfigFile", str(conf / "zoo.cfg"), "--peerId", "1")
        if part == "jobmanager":
            main = f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint"
            return self._java(flink, 320, main, "--configDir", str(conf))
        if part.startswith("taskmanager"):
            main = f"{runtime}.taskexecutor.TaskManagerRunner"
            settings = [
                argument for key, value in self._memory().items() for argument in ("-D", f"{key}={value}")
            ]
            return self._java(flink, self.task_heap_mb + 64, main, "--configDir", str(conf), *settings)
        if part == "worker-pool":
            module = "apache_beam.runners.worker.worker_pool_main"
            return [sys.executable, "-m", module, f"--service_port={self.ports['pool']}"]
        if part == "job-server":
            names = ("job", "artifact", "expansion")
            return self._java(
                beam,
                256,
                "org.apache.beam.runners.flink.FlinkJobServerDriver",
                *(f"--{name}-port={self.ports[name]}" for name in names),
                "--job-host=127.0.0.1",
                f"--artifacts-dir={self.folder / 'artifacts'}",
                f"--flink-master=127.0.0.1:{self.ports['rest']}",
                f"--flink-conf-dir={conf}",
            )
        raise ValueError(f"no such part: {part}")

    def _java(self, jars: Path, heap_mb: int, main_class: str, *arguments: str) -> list[str]:
        java = installed("java", "Flink runs on Java 17")
        flags = [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        flags += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
        flags += [
            f"-Dlog4j.configurationFile={self.folder / 'conf' / 'log4j.properties'}",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss,SSS",
            "-Dzookeeper.admin.enableServer=false",
        ]
        return [java, *flags, "-cp", f"{jars}/*", main_class, *arguments]

    def _memory(self) -> dict[str, object]:
        """Flink's start script would work these out; its main class wants every one of them."""
        return {
            "taskmanager.cpu.cores": self.slots,
            "taskmanager.memory.framework.heap.size": "64mb",
            "taskmanager.memory.task.heap.size": f"{self.task_heap_mb}mb",
            "taskmanager.memory.framework.off-heap.size": "64mb",
            "taskmanager.memory.task.off-heap.size": "32mb",
            "taskmanager.memory.network.min": "64mb",
            "taskmanager.memory.network.max": "64mb",
            "taskmanager.memory.managed.size": "32mb",
            "taskmanager.memory.jvm-metaspace.size": "192mb",
            "taskmanager.memory.jvm-overhead.min": "64mb",
            "taskmanager.memory.jvm-overhead.max": "64mb",
        }

    def _write_configuration(self) -> None:
        names = ["rest", "rpc", "blob", "job", "artifact", "expansion", "pool", "zookeeper"]
        for name in names:
            self.ports.setdefault(name, _quiet_port())
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        for name in ("checkpoints", "savepoints", "artifacts"):
            (self.folder / name).mkdir(exist_ok=True)
        (conf / "log4j.properties").write_text(LOG4J)
        (conf / "config.yaml").write_text("".join(f"{k}: {v}\n" for k, v in self._settings().items()))
        (conf / "zoo.cfg").write_text(
            f"tickTime=500\ndataDir={self.folder}/zookeeper\n"
            f"clientPort={self.ports['zookeeper']}\nclientPortAddress=127.0.0.1\n"
        )

    def _settings(self) -> dict[str, object]:
        settings: dict[str, object] = {
            "jobmanager.rpc.address": "127.0.0.1",
            "jobmanager.bind-host": "127.0.0.1",
            "jobmanager.rpc.port": self.ports["rpc"],
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": self.ports["rest"],
            "blob.server.port": self.ports["blob"],
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            "taskmanager.numberOfTaskSlots": self.slots,
            "parallelism.default": 1,
            "execution.checkpointing.interval": f"{self.checkpoint_ms} ms",
            "execution.checkpointing.mode": "EXACTLY_ONCE",
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "state.checkpoints.dir": self.checkpoints,
            "state.savepoints.dir": self.savepoints,
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": 1_000_000,
            "restart-strategy.fixed-delay.delay": "1 s",
            "heartbeat.interval": 2000,
            "heartbeat.timeout": 8000,
            # a task whose worker hangs takes its TaskManager down after so long; the default is 3 minutes
            "task.cancellation.timeout": 10_000,
            # batch: 32 KB each for every shuffle and slot; the default of 512 is for large machines
            "taskmanager.network.sort-shuffle.min-buffers": 64,
            "io.tmp.dirs": self.folder / "tmp",
        }
        if self.high_availability:
            settings |= {
                "high-availability.type": "zookeeper",
                "high-availability.zookeeper.quorum": f"127.0.0.1:{self.ports['zookeeper']}",
                "high-availability.storageDir": (self.folder / "ha").as_uri(),
                "high-availability.cluster-id": "/skillstream",
                "high-availability.jobmanager.port": self.ports["rpc"],
            }
        return settings


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a throw-away Flink for Beam until Ctrl-C.")
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--task-managers", type=int, default=1)
    parser.add_argument("--high-availability", action="store_true", help="with a ZooKeeper")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="skillstream-flink-") as folder,
        FlinkCluster(Path(folder), **vars(arguments)) as cluster,
    ):
        print(f"Flink's page and REST API: {cluster.rest_url}; logs in {folder}; Ctrl-C ends it")
        print("Beam flags: " + " ".join(cluster.beam_flags(arguments.slots)))
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ServerUnavailableError as error:
        sys.exit(f"dev_flink: {error}")
