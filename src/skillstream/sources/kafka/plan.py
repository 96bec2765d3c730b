"""Before the first record: what the topic is, where each partition begins, and whether that can work."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from kafka import KafkaAdminClient, KafkaConsumer

from skillstream.errors import RunError, SkillstreamError, SourceError
from skillstream.sources.kafka.client import (
    end_offsets,
    first_offsets,
    make_admin,
    make_consumer,
    start_offsets,
    topic_facts,
)
from skillstream.sources.kafka.client_settings import client_settings
from skillstream.sources.kafka.config import KafkaConfig, parse_start
from skillstream.sources.kafka.resume import ChainEnd, bounds_problem
from skillstream.sources.kafka.retry import one_line
from skillstream.sources.kafka.values import RegistryAwayError, value_decoder

__all__ = ["KafkaAwayError", "StreamPlan", "check_values", "plan_stream"]

logger = logging.getLogger(__name__)


class KafkaAwayError(SourceError):
    """The cluster could not be asked from here."""


@dataclass(frozen=True)
class StreamPlan:
    """What a stream is about to read.

    Attributes:
        cluster_id, topic_id: what the output must have been made from, if it was made before.
        roots: where partitions begin whose chains have no root yet; claim them before reading.
        ends: exclusive end of each partition now.
    """

    cluster_id: str
    topic_id: str
    roots: dict[int, int]
    ends: dict[int, int]


def plan_stream(config: KafkaConfig, chain_of: Callable[[int], ChainEnd]) -> StreamPlan:
    """Looks at the topic and at the chains; writes nothing.

    `--start` is for the first start alone: if any chain has a root, partitions without one were added
    later and begin at their beginning.

    Raises:
        SourceError: the cluster cannot be reached or refuses (`KafkaAwayError`), there is no such topic, or
            reading cannot resume where a chain ends; the schema registry refuses, or is none.
    """
    check_values(config)
    settings = client_settings(config)
    clients: list[KafkaAdminClient | KafkaConsumer] = []
    try:
        clients += [admin := make_admin(settings)]
        clients += [consumer := make_consumer(settings)]
        facts = topic_facts(admin, config.topic)
        cluster_id = str(admin.describe_cluster()["cluster_id"])
        first = first_offsets(consumer, config.topic, facts.partitions)
        ends = end_offsets(consumer, config.topic, facts.partitions)
        heads = {partition: chain_of(partition).head() for partition in facts.partitions}
        missing = [partition for partition, head in heads.items() if head is None]
        first_start = len(missing) == len(heads)
        start = parse_start(config.start) if first_start else "earliest"
        roots = start_offsets(consumer, config.topic, missing, start) if missing else {}
    except SkillstreamError:
        raise
    except Exception as error:
        servers = ",".join(settings.values["bootstrap_servers"])
        raise KafkaAwayError(f"Kafka at {servers} cannot be used: {one_line(error, settings)}") from error
    finally:
        for client in clients:
            client.close()
    for partition, head in heads.items():
        if head is not None:
            _check(config, partition, head, first[partition], ends[partition])
    return StreamPlan(cluster_id, facts.topic_id, roots, ends)


def check_values(config: KafkaConfig) -> None:
    """Refuses what no value could be decoded by; a registry that is away is warned of: readers wait for it.

    Raises:
        UsageError: an extra is missing, or the schema registry refuses or is none.
    """
    registry = value_decoder(config.value_format, config.schema_registry, config.kafka_config).registry
    if registry is None:
        return
    try:
        registry.check()
    except RegistryAwayError as error:
        logger.warning("%s; values that need it wait", error)
    except RunError as error:
        raise SourceError(str(error)) from error


def _check(config: KafkaConfig, partition: int, head: int, first: int, end: int) -> None:
    problem = bounds_problem(config.topic, partition, head, first, end)
    if problem is None or (head < first and config.on_gap == "skip"):
        return
    raise SourceError(problem if head > end else f"{problem}; --on-gap skip goes on behind the gap")
