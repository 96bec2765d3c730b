"""Kafka's clients as we use them: how they are made, and what a topic is at this moment."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.net.compat import KafkaNetClient
from kafka.structs import OffsetAndMetadata

from skillstream.errors import SourceError
from skillstream.sources.kafka.batches import bound_batches
from skillstream.sources.kafka.checksums import use_fast_checksums
from skillstream.sources.kafka.client_settings import ClientSettings
from skillstream.sources.kafka.poll_bytes import bound_polls

__all__ = [
    "TopicFacts",
    "end_offsets",
    "first_offsets",
    "make_admin",
    "make_consumer",
    "seek",
    "start_offsets",
    "topic_facts",
]

# Calls other than fetches give up after this long, so that a drain never waits for a dead broker.
CALL_TIMEOUT_MS = 4_000

# How clients write the id of 16 zero bytes, which stands for none.
NO_TOPIC_ID = {str(uuid.UUID(int=0)), "A" * 22, "A" * 22 + "=="}


@dataclass(frozen=True)
class TopicFacts:
    """What a topic is at this moment.

    `topic_id` is its alone: recreated or elsewhere it differs. Empty if the cluster states none (brokers
    before 2.8, or not yet upgraded to topic ids), which tells nothing.
    """

    topic_id: str
    partitions: tuple[int, ...]


def make_consumer(settings: ClientSettings) -> KafkaConsumer:
    """A consumer that never moves by itself: no group, no commits, no reset of offsets.

    Raises:
        KafkaError, OSError: no server can be reached, or none lets us in; the reason of the last attempt.
    """
    use_fast_checksums()
    bound_batches()
    defaults = {
        # Noticing a new partition or a lost leader within seconds costs one small request.
        "metadata_max_age_ms": 10_000,
        "reconnect_backoff_max_ms": 2_000,
        # Largest frame accepted; the client's default is less than a broker may be set to.
        "receive_message_max_bytes": 1 << 30,
        "bootstrap_timeout_ms": CALL_TIMEOUT_MS,
        "fetch_max_bytes": 16 << 20,
        "metrics_enabled": False,
    }
    ours = {
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        # With "earliest" a seek below the retained range silently skips records; "none" raises.
        "auto_offset_reset": "none",
        "group_id": None,
        "allow_auto_create_topics": False,
    }
    consumer = _connect(settings.consumer, {**defaults, **settings.values, **ours})
    bound_polls(consumer)
    return consumer


def make_admin(settings: ClientSettings) -> KafkaAdminClient:
    """An admin client whose calls end within seconds; raises like `make_consumer`."""
    limits = {"bootstrap_timeout_ms": CALL_TIMEOUT_MS, "request_timeout_ms": CALL_TIMEOUT_MS}
    return _connect(settings.admin, limits)


class _ConnectionErrors(logging.Handler):
    """Keeps the reason of the last failed connection: the client tells it to its log alone."""

    last: Exception | None = None

    def emit(self, record: logging.LogRecord) -> None:
        for argument in record.args or ():
            if isinstance(argument, Exception) and not isinstance(argument, kafka_errors.KafkaTimeoutError):
                self.last = argument


_connection_errors = _ConnectionErrors(logging.WARNING)


def _connect(make: Callable[..., Any], options: Mapping[str, object]) -> Any:
    """The client that `make` makes.

    One that reaches no server raises while it is made, and leaves its thread, its pipe and its attempts to
    connect behind: they are ended here, since a reader makes new clients all through an outage.
    """
    log = logging.getLogger("kafka.net.manager")
    if _connection_errors not in log.handlers:
        log.addHandler(_connection_errors)
    _connection_errors.last = None
    networks: list[KafkaNetClient] = []

    def network(**settings: Any) -> KafkaNetClient:
        networks.append(KafkaNetClient(**settings))
        return networks[-1]

    try:
        return make(**options, kafka_client=network)
    except BaseException as error:
        for started in networks:
            started.close()
        if isinstance(error, kafka_errors.KafkaTimeoutError):
            raise _connection_errors.last or error from error
        raise


def topic_facts(admin: KafkaAdminClient, topic: str) -> TopicFacts:
    """The topic as the cluster has it now.

    Raises:
        SourceError: there is no such topic.
        KafkaError: the cluster cannot be asked, or refuses.
    """
    described = admin.describe_topics([topic])
    error = kafka_errors.for_code(described[0]["error_code"]) if described else None
    if error is kafka_errors.UnknownTopicOrPartitionError or error is None:
        raise SourceError(f"there is no topic {topic!r} in the Kafka cluster (or it may not be described)")
    if error is not kafka_errors.NoError:
        raise error(topic)
    partitions = sorted(part["partition_index"] for part in described[0]["partitions"])
    topic_id = str(described[0].get("topic_id") or "")
    return TopicFacts("" if topic_id in NO_TOPIC_ID else topic_id, tuple(partitions))


def first_offsets(consumer: KafkaConsumer, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The first retained offset of each partition."""
    asked = [TopicPartition(topic, partition) for partition in partitions]
    found = consumer.beginning_offsets(asked, timeout_ms=CALL_TIMEOUT_MS)
    return {part.partition: offset for part, offset in found.items()}


def end_offsets(consumer: KafkaConsumer, topic: str, partitions: Iterable[int]) -> dict[int, int]:
    """The exclusive end of each partition, open transactions left out."""
    asked = [TopicPartition(topic, partition) for partition in partitions]
    found = consumer.end_offsets(asked, timeout_ms=CALL_TIMEOUT_MS)
    return {part.partition: offset for part, offset in found.items()}


def seek(consumer: KafkaConsumer, part: TopicPartition, position: int, leader_epoch: int | None) -> None:
    """Reads on at `position`.

    With the epoch of the record before it, the broker is asked whether that is still in its log: after an
    unclean election between two runs it may not be, and then `poll` raises `LogTruncationError`.
    """
    if leader_epoch is None:
        consumer.seek(part, position)
        return
    # The client's own method takes no epoch; what it calls does.
    consumer._subscription.seek(part, OffsetAndMetadata(position, "", leader_epoch))  # noqa: SLF001


def start_offsets(
    consumer: KafkaConsumer, topic: str, partitions: Iterable[int], start: str | int
) -> dict[int, int]:
    """Where each partition begins: `earliest`, `latest`, or its first record from `start` milliseconds on."""
    partitions = list(partitions)
    if start == "earliest":
        return first_offsets(consumer, topic, partitions)
    ends = end_offsets(consumer, topic, partitions)
    if start == "latest":
        return ends
    times = {TopicPartition(topic, partition): start for partition in partitions}
    found = consumer.offsets_for_times(times, timeout_ms=CALL_TIMEOUT_MS)
    return {p.partition: ends[p.partition] if at is None else at.offset for p, at in found.items()}
