"""Settings of the Flink for tests: its memory, its files, and the command line of each JVM."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.common import installed

__all__ = ["LOG4J", "cluster_settings", "java_command", "memory_settings"]

LOG4J = """rootLogger.level = INFO
rootLogger.appenderRef.out.ref = Console
appender.out.name = Console
appender.out.type = CONSOLE
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss,SSS} %-5p %c{1} - %m%n
"""

OPENED = ("java.lang", "java.util", "java.nio", "java.time", "java.util.concurrent", "sun.nio.ch")


def cluster_settings(
    folder: Path, ports: Mapping[str, int], slots: int, checkpoint_ms: int, high_availability: bool
) -> dict[str, object]:
    """What `config.yaml` says; state goes below `folder`."""
    settings: dict[str, object] = {
        "jobmanager.rpc.address": "127.0.0.1",
        "jobmanager.bind-host": "127.0.0.1",
        "jobmanager.rpc.port": ports["rpc"],
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": ports["rest"],
        "blob.server.port": ports["blob"],
        "taskmanager.host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.numberOfTaskSlots": slots,
        "parallelism.default": 1,
        "execution.checkpointing.interval": f"{checkpoint_ms} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "state.checkpoints.dir": (folder / "checkpoints").as_uri(),
        "state.savepoints.dir": (folder / "savepoints").as_uri(),
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 1_000_000,
        "restart-strategy.fixed-delay.delay": "1 s",
        "heartbeat.interval": 2000,
        "heartbeat.timeout": 8000,
        # a task whose worker hangs takes its TaskManager down after so long; the default is 3 minutes
        "task.cancellation.timeout": 10_000,
        # batch: 32 KB each for every shuffle and slot; the default of 512 is for large machines
        "taskmanager.network.sort-shuffle.min-buffers": 64,
        "io.tmp.dirs": folder / "tmp",
    }
    if high_availability:
        settings |= {
            "high-availability.type": "zookeeper",
            "high-availability.zookeeper.quorum": f"127.0.0.1:{ports['zookeeper']}",
            "high-availability.storageDir": (folder / "ha").as_uri(),
            "high-availability.cluster-id": "/skillstream",
            "high-availability.jobmanager.port": ports["rpc"],
        }
    return settings


def memory_settings(slots: int, task_heap_mb: int) -> dict[str, object]:
    """Flink's start script would work these out; its main class wants every one of them."""
    return {
        "taskmanager.cpu.cores": slots,
        "taskmanager.memory.framework.heap.size": "64mb",
        "taskmanager.memory.task.heap.size": f"{task_heap_mb}mb",
        "taskmanager.memory.framework.off-heap.size": "64mb",
        "taskmanager.memory.task.off-heap.size": "32mb",
        "taskmanager.memory.network.min": "64mb",
        "taskmanager.memory.network.max": "64mb",
        "taskmanager.memory.managed.size": "32mb",
        "taskmanager.memory.jvm-metaspace.size": "192mb",
        "taskmanager.memory.jvm-overhead.min": "64mb",
        "taskmanager.memory.jvm-overhead.max": "64mb",
    }


def java_command(
    conf: Path, folders: Sequence[Path], heap_mb: int, main_class: str | Path, *arguments: str
) -> list[str]:
    """A JVM with the jars of the folders, small and quick to start; `main_class` may be a source file."""
    java = installed("java", "Flink runs on Java 17")
    flags = [f"-Xmx{heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
    flags += [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED]
    flags += [
        f"-Dlog4j.configurationFile={conf / 'log4j.properties'}",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=info",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss,SSS",
        "-Dzookeeper.admin.enableServer=false",
    ]
    jars = os.pathsep.join(f"{folder}/*" for folder in folders)
    return [java, *flags, "-cp", jars, str(main_class), *arguments]
