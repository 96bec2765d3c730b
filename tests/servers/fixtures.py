"""Servers that tests ask for, one fixture each, and what fills them: a plug-in of `tests/conftest.py`.

For the session: `kafka`, `registry`, `minio`, `flink`. Of the test's own, to kill and restart: `own_kafka`,
`own_minio`.
Between client and broker: `toxiproxy`. A program only: `prism`. What cannot be had is a skip, but not in CI.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from skillstream.storage.bucket import open_bucket
from tests.servers.common import ServerUnavailableError
from tests.servers.flink import FlinkCluster
from tests.servers.kafka import KafkaServer, create_topic, send
from tests.servers.minio import MinioServer
from tests.servers.prism import built_prism
from tests.servers.registry import RegistryServer
from tests.servers.toxiproxy import Toxiproxy

__all__ = ["lead_to", "memory_folder", "needed", "running", "small_disk"]

Server = TypeVar("Server", KafkaServer, MinioServer, FlinkCluster, RegistryServer)


@contextmanager
def needed() -> Iterator[None]:
    """Around the start of a server: in CI it must run, elsewhere what is missing is the reason for a skip."""
    try:
        yield
    except ServerUnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server while the body runs."""
    with needed():
        server.start()
    try:
        yield server
    finally:
        server.stop()


# --- Kafka -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker for all tests of the session; its `server.log` is in pytest's folder."""
    with running(KafkaServer(tmp_path_factory.mktemp("kafka"), secure=True)) as server:
        yield server


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of the test's own, to kill and restart."""
    with running(KafkaServer(tmp_path / "kafka")) as server:
        yield server


@pytest.fixture
def toxiproxy(kafka: KafkaServer) -> Iterator[Toxiproxy]:
    """In front of the session's broker: clients that come by `kafka.advertised_port` go through it."""
    with needed():
        proxy = Toxiproxy(kafka.advertised_port, kafka.proxied_port)
    yield proxy
    proxy.close()


@pytest.fixture
def new_topic(kafka: KafkaServer) -> Callable[..., str]:
    """Makes a topic by a fresh name."""

    def make(partitions: int = 1, **configs: str) -> str:
        topic = f"postings-{uuid.uuid4().hex[:8]}"
        named = {key.replace("_", "."): value for key, value in configs.items()}
        create_topic(kafka.bootstrap, topic, partitions, named)
        return topic

    return make


@pytest.fixture
def produce(kafka: KafkaServer) -> Callable[..., None]:
    """Sends payloads to one partition, in order, and waits until they are there."""
    return lambda *args, **options: send(kafka.bootstrap, *args, **options)


# --- schema registry -------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A schema registry for all tests of the session; its `server.log` is in pytest's folder."""
    with running(RegistryServer(tmp_path_factory.mktemp("registry"))) as server:
        yield server


# --- object store ----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def minio() -> Iterator[MinioServer]:
    """An object store for all tests of the session."""
    with memory_folder() as folder, running(MinioServer(folder)) as server:
        yield server


@pytest.fixture
def bucket_url(minio: MinioServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A new bucket, and an environment that leads to it."""
    lead_to(minio, monkeypatch)
    yield minio.make_bucket(f"bucket-{uuid.uuid4().hex[:8]}")
    open_bucket.cache_clear()


@pytest.fixture
def own_minio(monkeypatch: pytest.MonkeyPatch) -> Iterator[MinioServer]:
    """An object store of the test's own, to kill and restart, and an environment that leads to it."""
    with memory_folder() as folder, running(MinioServer(folder)) as server:
        lead_to(server, monkeypatch)
        yield server
        open_bucket.cache_clear()


def lead_to(server: MinioServer, monkeypatch: pytest.MonkeyPatch, **changes: str | None) -> None:
    """Sets the environment, and forgets clients that were made by another one."""
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        monkeypatch.delenv(name)
    for name, value in {**server.environment, **changes}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    open_bucket.cache_clear()


@contextmanager
def memory_folder() -> Iterator[Path]:
    """In memory where possible: a kill loses no page cache, so a disk would only slow this down."""
    shared_memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        dir=shared_memory if shared_memory.is_dir() else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory at `folder`, `size` as mount writes it; a skip where none may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


# --- runners ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def flink(cache_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlinkCluster]:
    """A cluster for all tests of the session; the logs of its parts are in pytest's folder."""
    with running(FlinkCluster(tmp_path_factory.mktemp("flink"), slots=4)) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def prism() -> Path:
    """Beam's Prism runner, a program."""
    with needed():
        return built_prism()
