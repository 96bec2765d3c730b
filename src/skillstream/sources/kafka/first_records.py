"""The first records of a topic, for a look at them: nothing is committed and no chain is touched."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from kafka import KafkaConsumer, TopicPartition

from skillstream.chunks import Chunk, Record
from skillstream.errors import SkillstreamError, SourceError
from skillstream.sources.kafka.client import (
    end_offsets,
    make_admin,
    make_consumer,
    start_offsets,
    topic_facts,
)
from skillstream.sources.kafka.client_settings import client_settings
from skillstream.sources.kafka.config import KafkaConfig, parse_start
from skillstream.sources.kafka.records import to_record
from skillstream.sources.kafka.retry import one_line
from skillstream.sources.kafka.values import RegistryAwayError, value_decoder

__all__ = ["first_records"]

_POLL_MS = 1_000
_MAX_POLLS = 10  # without a record: what is there comes at once, the rest may be aborted or compacted


def first_records(config: KafkaConfig, count: int) -> list[Chunk]:
    """About `count` records from `--start` on, a chunk for each partition that has some, in its order.

    Raises:
        SourceError: the cluster or the schema registry is away or refuses, or there is no such topic.
    """
    settings = client_settings(config)
    decode = value_decoder(config.value_format, config.schema_registry, config.kafka_config)
    clients = []
    try:
        clients += [admin := make_admin(settings)]
        partitions = topic_facts(admin, config.topic).partitions
        clients += [consumer := make_consumer(settings)]
        return [
            msgspec.structs.replace(chunk, records=list(map(decode, chunk.records)))
            for chunk in _read(consumer, config, partitions, count)
        ]
    except SkillstreamError:
        raise
    except RegistryAwayError as error:
        raise SourceError(str(error)) from error
    except Exception as error:
        servers = ",".join(settings.values["bootstrap_servers"])
        raise SourceError(f"Kafka at {servers} cannot be used: {one_line(error, settings)}") from error
    finally:
        for client in clients:
            client.close()


def _read(consumer: KafkaConsumer, config: KafkaConfig, partitions: Iterable[int], count: int) -> list[Chunk]:
    starts = start_offsets(consumer, config.topic, partitions, parse_start(config.start))
    ends = end_offsets(consumer, config.topic, partitions)
    left = {partition for partition in starts if starts[partition] < ends[partition]}
    parts = {partition: TopicPartition(config.topic, partition) for partition in left}
    share = -(-count // max(len(left), 1))
    taken: dict[int, list[Record]] = {partition: [] for partition in sorted(left)}
    consumer.assign(list(parts.values()))
    for partition, part in parts.items():
        consumer.seek(part, starts[partition])
    idle = 0
    while left and idle < _MAX_POLLS:
        polled = consumer.poll(timeout_ms=_POLL_MS)
        idle = 0 if polled else idle + 1
        for part, records in polled.items():
            kept = taken[part.partition]
            kept += map(to_record, records[: share - len(kept)])
        for partition in list(left):
            if len(taken[partition]) >= share or consumer.position(parts[partition]) >= ends[partition]:
                left.discard(partition)
                consumer.pause(parts[partition])
    return [
        Chunk(config.topic, partition, starts[partition], records[-1].offset + 1, records)
        for partition, records in taken.items()
        if records
    ]
