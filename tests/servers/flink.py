"""A real Flink cluster with Beam's job server and a Python worker pool, for tests and demos, on loopback.

Needs Java 17+ (a JDK, to be quick) and, the first time, Maven and pip: 160 MB of jars for Beam's runner from
Maven Central and 235 MB for Flink itself from PyPI are kept in `.servers/` of the repository.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.servers.common import ServerUnavailableError, end_process, start_process
from tests.servers.flink_jars import fetch_flink
from tests.servers.flink_settings import LOG4J, cluster_settings, java_command, memory_settings

__all__ = ["FlinkCluster"]

# Beam's own sends all its jars with every job; ours, which Java compiles at its start, need not.
BEAMS_JOB_SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
JOB_SERVER = Path(__file__).with_name("JobServer.java")
START_TIMEOUT_S = 120  # a loaded two-core machine needs up to 40 s for all JVMs
# What the others leave behind is killed; these two have something to end in order.
ENDING = {"worker-pool": signal.SIGTERM, "zookeeper": signal.SIGTERM}


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
        self.processes[part] = start_process(
            self._command(part),
            self.folder / f"{part}.log",
            orphan_signal=ENDING.get(part, signal.SIGKILL),
            cwd=self.folder,
            env=self._environment(),
        )

    def kill(self, part: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """End one part by a signal."""
        end_process(self.processes.pop(part), sig, timeout_s=30)

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
                self.kill(part, ENDING.get(part, signal.SIGKILL))
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
            return java_command(
                conf, [flink], 96, main, "--zkConfigFile", str(conf / "zoo.cfg"), "--peerId", "1"
            )
        if part == "jobmanager":
            main = f"{runtime}.entrypoint.StandaloneSessionClusterEntrypoint"
            return java_command(conf, [flink, beam], 320, main, "--configDir", str(conf))
        if part.startswith("taskmanager"):
            main = f"{runtime}.taskexecutor.TaskManagerRunner"
            settings = [
                argument
                for key, value in memory_settings(self.slots, self.task_heap_mb).items()
                for argument in ("-D", f"{key}={value}")
            ]
            return java_command(
                conf, [flink, beam], self.task_heap_mb + 64, main, "--configDir", str(conf), *settings
            )
        if part == "worker-pool":
            module = "apache_beam.runners.worker.worker_pool_main"
            return [sys.executable, "-m", module, f"--service_port={self.ports['pool']}"]
        if part == "job-server":
            names = ("job", "artifact", "expansion")
            return java_command(
                conf,
                [beam],
                256,
                JOB_SERVER if shutil.which("javac") else BEAMS_JOB_SERVER,
                *(f"--{name}-port={self.ports[name]}" for name in names),
                "--job-host=127.0.0.1",
                f"--artifacts-dir={self.folder / 'artifacts'}",
                f"--flink-master=127.0.0.1:{self.ports['rest']}",
                f"--flink-conf-dir={conf}",
            )
        raise ValueError(f"no such part: {part}")

    def _write_configuration(self) -> None:
        names = ["rest", "rpc", "blob", "job", "artifact", "expansion", "pool", "zookeeper"]
        for name in names:
            self.ports.setdefault(name, _quiet_port())
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        for name in ("checkpoints", "savepoints", "artifacts"):
            (self.folder / name).mkdir(exist_ok=True)
        settings = cluster_settings(
            self.folder, self.ports, self.slots, self.checkpoint_ms, self.high_availability
        )
        (conf / "log4j.properties").write_text(LOG4J)
        (conf / "config.yaml").write_text("".join(f"{k}: {v}\n" for k, v in settings.items()))
        (conf / "zoo.cfg").write_text(
            f"tickTime=500\ndataDir={self.folder}/zookeeper\n"
            f"clientPort={self.ports['zookeeper']}\nclientPortAddress=127.0.0.1\n"
        )
