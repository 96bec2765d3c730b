"""One real object store for the session: MinIO, built by Go, on a free loopback port."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts.dev_minio import MinioServer

from skillstream.storage.bucket import open_bucket
from tests.kafka.conftest import kafka, new_topic, own_kafka, produce
from tests.servers import needed

__all__ = ["kafka", "lead_to", "memory_folder", "minio", "new_topic", "own_kafka", "own_minio", "produce"]


@pytest.fixture(scope="session")
def minio() -> Iterator[MinioServer]:
    """A server for all tests of the session."""
    with memory_folder() as folder:
        server = MinioServer(folder)
        with needed():
            server.start()
        yield server
        server.stop()


@pytest.fixture
def bucket_url(minio: MinioServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A new bucket, and an environment that leads to it."""
    lead_to(minio, monkeypatch)
    yield minio.make_bucket(f"bucket-{uuid.uuid4().hex[:8]}")
    open_bucket.cache_clear()


@pytest.fixture
def own_minio(monkeypatch: pytest.MonkeyPatch) -> Iterator[MinioServer]:
    """A server of the test's own, to kill and restart, and an environment that leads to it."""
    with memory_folder() as folder:
        server = MinioServer(folder)
        with needed():
            server.start()
        lead_to(server, monkeypatch)
        yield server
        open_bucket.cache_clear()
        server.stop()


@pytest.fixture
def output(bucket_url: str) -> str:
    return f"{bucket_url}/some/tags"


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
