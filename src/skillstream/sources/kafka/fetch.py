"""Records of a topic read a second time, by their offsets: for a replay."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from skillstream.chunks import Record
from skillstream.errors import RunError
from skillstream.sources.kafka.client import end_offsets, first_offsets, make_consumer
from skillstream.sources.kafka.client_settings import load_client_settings
from skillstream.sources.kafka.records import to_record
from skillstream.sources.kafka.retry import one_line

__all__ = ["TopicAgain"]

# Without a single record for so long, Kafka is taken to be away.
PATIENCE_S = 30.0
POLL_S = 1.0


class TopicAgain:
    """Reads single records of one topic: a context manager around a consumer."""

    def __init__(self, bootstrap_servers: str, topic: str, kafka_config: str | None = None) -> None:
        self._settings = load_client_settings(bootstrap_servers, kafka_config)
        self._topic = topic
        self._consumer: KafkaConsumer | None = None

    def read(self, partition: int, offsets: list[int]) -> Mapping[int, Record]:
        """The records at these offsets, by offset; those that are gone are left out.

        Raises:
            RunError: Kafka cannot be read.
        """
        try:
            return self._read(partition, set(offsets))
        except (kafka_errors.KafkaError, OSError) as error:
            raise RunError(f"Kafka topic {self._topic!r}: {one_line(error, self._settings)}") from error

    def _read(self, partition: int, wanted: set[int]) -> Mapping[int, Record]:
        if self._consumer is None:
            self._consumer = make_consumer(self._settings)
        part = TopicPartition(self._topic, partition)
        first = first_offsets(self._consumer, self._topic, [partition])[partition]
        end = end_offsets(self._consumer, self._topic, [partition])[partition]
        wanted = {offset for offset in wanted if first <= offset < end}
        found: dict[int, Record] = {}
        if not wanted:
            return found
        self._consumer.assign([part])
        self._consumer.seek(part, min(wanted))
        idle_s = 0.0
        while self._consumer.position(part) <= max(wanted):
            records = self._consumer.poll(timeout_ms=POLL_S * 1000).get(part, [])
            found |= {record.offset: to_record(record) for record in records if record.offset in wanted}
            idle_s = 0.0 if records else idle_s + POLL_S
            if idle_s >= PATIENCE_S:
                raise RunError(f"Kafka topic {self._topic!r}: no records for {idle_s:.0f} s; try again later")
        return found

    def __enter__(self) -> TopicAgain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._consumer is not None:
            self._consumer.close()
