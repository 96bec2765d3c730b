"""One real Kafka for the session, and helpers to fill it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from scripts.dev_kafka import KafkaServer, create_topic

from tests.servers import needed

# --- servers ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaServer]:
    """A broker for all tests of the session; its `server.log` is in pytest's folder."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), secure=True)
    with needed():
        server.start()
    yield server
    server.stop()


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaServer]:
    """A broker of the test's own, to kill and restart."""
    server = KafkaServer(tmp_path / "kafka")
    with needed():
        server.start()
    yield server
    server.stop()


# --- topics and records ----------------------------------------------------------------------------------


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


def send(
    bootstrap: str,
    topic: str,
    payloads: Sequence[bytes | None],
    partition: int = 0,
    keys: Sequence[bytes | None] | None = None,
    timestamp_ms: int | None = None,
    headers: list[tuple[str, bytes]] | None = None,
    **settings: object,
) -> None:
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    try:
        sent = [
            producer.send(
                topic,
                value=payload,
                key=None if keys is None else keys[i],
                partition=partition,
                timestamp_ms=timestamp_ms,
                headers=headers or [],
            )
            for i, payload in enumerate(payloads)
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close(timeout=10)
