"""A reader of a Kafka topic: chunks of contiguous records, each partition from its chain's end on.

*Guarantee*: chunks of a partition are handed out in order and without gaps, each record of a committed
transaction exactly once per reader. Where to start is the chain's business, never committed offsets'.
*Unit of parallelism*: the partition; reader `n` of `m` owns those with `p % m == n`. One thread.

Errors of the network and of brokers are retried with backoff, for as long as they last, and so is a schema
registry that is away: what it is needed for is read again, and nothing is lost or rejected. What a retry
cannot fix (no permission, a recreated topic, records lost to retention) raises `RunError`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import ConsumerRecord

from skillstream.chunks import Chunk
from skillstream.errors import RunError
from skillstream.sources.kafka.chunk_size import ChunkSize
from skillstream.sources.kafka.client import (
    TopicFacts,
    end_offsets,
    first_offsets,
    make_admin,
    make_consumer,
    seek,
    topic_facts,
)
from skillstream.sources.kafka.client_settings import ClientSettings, client_settings
from skillstream.sources.kafka.config import KafkaConfig, Share
from skillstream.sources.kafka.event_times import EventTimes
from skillstream.sources.kafka.group_offsets import GroupOffsets
from skillstream.sources.kafka.partition_buffer import (
    ChunkLimits,
    PartitionBuffer,
    PartitionBuffers,
    size_of,
)
from skillstream.sources.kafka.record_bytes import RecordBytes
from skillstream.sources.kafka.records import decoded, to_record
from skillstream.sources.kafka.resume import ChainEnd, TopicShrunkError, advice, bounds_problem
from skillstream.sources.kafka.retry import Retries, one_line
from skillstream.sources.kafka.values import RegistryAwayError, value_decoder

__all__ = ["KafkaReader"]

logger = logging.getLogger(__name__)

# How often the cluster is asked for new partitions, ends (lag) and the topic's identity, and told offsets.
REFRESH_S = 5.0

# How often a busy reader asks for ends: the client learns them only with what it fetches, seconds ahead.
ENDS_S = 1.0

# All open chunks together; beyond it the largest is closed. Bounds memory with many partitions.
IN_HAND_BYTES = 64_000_000

# A broker that does not know the epoch of what was read before refuses the position, although it lies within
# the bounds. Told after this many refusals without a record in between: retention may outrun a reader, too.
OUT_OF_RANGE_ATTEMPTS = 6

WHOLE = Share()  # one reader for all partitions


class KafkaReader:
    """Reads its share of a topic's partitions; see the module's docstring.

    Use: `poll` takes in what Kafka has; `next_chunk` shows the next complete chunk, `take` hands it out. The
    time until the next call of one of them is what the chunk took: it decides how large chunks become.

    Args:
        config: what to read.
        chain_of: the chain of a partition.
        share: which of its partitions, and up to where; by default all, for ever.
        settings: client settings; by default read from `config.kafka_config` and the environment.
        now, wall: monotonic seconds, and seconds since the epoch.
        sleep: how to wait.
    """

    def __init__(
        self,
        config: KafkaConfig,
        chain_of: Callable[[int], ChainEnd],
        share: Share = WHOLE,
        *,
        settings: ClientSettings | None = None,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.config = config
        self.ends: dict[int, int] = {}  # exclusive end of each partition, when last seen
        self.last_contact = now()  # when a broker last answered
        self._share = share
        self._topic_id = share.topic_id
        self._settings = settings or client_settings(config)
        self._now = now
        self._wall = wall
        self._sleep = sleep
        limits = ChunkLimits(config.max_chunk_rows, config.max_chunk_bytes, config.linger)
        self._buffers = PartitionBuffers(config.topic, chain_of, limits)
        self._event_times = EventTimes()
        self._consumer: KafkaConsumer | None = None
        self._admin: KafkaAdminClient | None = None
        self._retries = Retries(now)
        self._refresh_at = self._ends_at = float("-inf")
        self._size = ChunkSize(config.max_chunk_rows)
        self._record_bytes = RecordBytes()
        self._busy = False  # chunks were handed out since the last poll,
        self._polled_at = now()  # which returned at this time
        self._decode = value_decoder(config.value_format, config.schema_registry, config.kafka_config)
        self._registry_retries = Retries(now, what="waiting")
        self._undecoded: set[int] = set()  # partitions that wait for the registry
        self._group = GroupOffsets(config.commit_group, config.topic)
        self._out_of_range = 0

    @property
    def problem(self) -> str | None:
        """The error that is being retried, in one line."""
        return self._retries.problem or self._registry_retries.problem

    @property
    def positions(self) -> dict[int, int]:
        """The offset that the next chunk of each partition starts at."""
        return self._buffers.handed_out

    @property
    def lag(self) -> dict[int, int]:
        """Offsets between what was handed out and the end, for each partition."""
        return {p: max(0, self.ends[p] - at) for p, at in self.positions.items() if p in self.ends}

    @property
    def backlog_bytes(self) -> int | None:
        """Bytes left to hand out, up to `stop_at`: offsets by the mean size of what was read lately.

        `None` before the first contact. Nobody is asked: ends are the lag's, at most `REFRESH_S` old.
        """
        if not self._buffers and self._consumer is None:
            return None
        stop = self._share.stop_at
        ends = self.ends if stop is None else {p: min(end, stop.get(p, end)) for p, end in self.ends.items()}
        offsets = sum(max(0, ends[p] - at) for p, at in self.positions.items() if p in ends)
        return round(offsets * self._record_bytes.mean)

    @property
    def finished(self) -> bool:
        """Whether everything up to `stop_at` was handed out."""
        return self._share.is_done(self.positions)

    def watermark(self, idle_s: float = 5.0) -> int | None:
        """No chunk with older records is to be expected: milliseconds, UTC; `None` if unknown.

        The least over the partitions of the newest event time handed out (never in the future). A
        partition without anything left to read does not hold it back by more than `idle_s`.
        """
        idle = {p: at >= self.ends.get(p, at + 1) for p, at in self.positions.items()}
        return self._event_times.watermark(idle, int((self._wall() - idle_s) * 1000))

    def poll(self, timeout_s: float) -> None:
        """Takes in what Kafka has, waiting for at most about `timeout_s` if that is nothing.

        Raises:
            RunError: an error that no retry fixes.
        """
        self._size.done(self._now())
        wait_s = max(self._retries.wait_s, self._registry_retries.wait_s)
        if wait_s > 0:
            self._sleep(self._buffers.wait_s(min(timeout_s, wait_s), self._now()))
        else:
            self._read(timeout_s)
        self._buffers.close_due(self._now())

    def next_chunk(self) -> Chunk | None:
        """The next complete chunk; `take` hands it out. `None`: poll first."""
        self._size.done(self._now())
        return self._buffers.next_chunk()

    def take(self, chunk: Chunk) -> None:
        """Hands out `chunk`, which `next_chunk` gave: `positions` moves behind it."""
        self._buffers.take(chunk)
        self._busy = True
        self._size.taken(len(chunk.records), self._now())
        self._event_times.took(chunk, int(self._wall() * 1000))

    def flush(self) -> None:
        """Closes all open chunks, so that everything polled can be handed out."""
        self._buffers.flush()

    def commit(self) -> None:
        """Commits `positions` for lag tools. Nothing depends on it: a failure is only logged."""
        if self._admin is not None:
            self._group.commit(self._admin, self.positions)

    def close(self) -> None:
        """Closes the connections."""
        self._disconnect()

    def _read(self, timeout_s: float) -> None:
        try:
            consumer = self._connected()
            if self._now() >= self._refresh_at:
                self._refresh(consumer)
            elif self._busy and self._now() >= self._ends_at:
                self._ask_ends(consumer, list(self._buffers))
            self._fetch(consumer, self._buffers.wait_s(timeout_s, self._now()))
        except kafka_errors.OffsetOutOfRangeError as error:
            self._disconnect()  # connecting again looks at the bounds, and tells or skips
            self._out_of_range += 1
            if self._out_of_range >= OUT_OF_RANGE_ATTEMPTS:  # the bounds are right, so it is the epoch
                raise RunError(advice(error, self.config.topic, self._settings)) from error
        except RegistryAwayError as error:
            self._rewind()
            self._registry_retries.failed(error, str(error))
        except RunError:
            self._disconnect()
            raise
        except Exception as error:  # noqa: BLE001 - a client's bug, too, ends in a new client, then in one line
            self._failed(error)

    def _connected(self) -> KafkaConsumer:
        """The consumer, made and set to where the buffers end if there is none."""
        if self._consumer is None:
            self._admin = make_admin(self._settings)
            self._consumer = make_consumer(self._settings)
            self._refresh(self._consumer)
        return self._consumer

    def _refresh(self, consumer: KafkaConsumer) -> None:
        """Asks for the topic's identity, partitions and ends; takes on new partitions; commits."""
        assert self._admin is not None  # noqa: S101
        facts = topic_facts(self._admin, self.config.topic)
        self._check_identity(facts)
        owned = [p for p in facts.partitions if self._share.owns(p)]
        self._ask_ends(consumer, owned)
        self._assign(consumer, owned)
        self.commit()
        self.last_contact = self._now()
        self._refresh_at = self.last_contact + REFRESH_S

    def _ask_ends(self, consumer: KafkaConsumer, partitions: list[int]) -> None:
        self.ends.update(end_offsets(consumer, self.config.topic, partitions))
        self._ends_at = self._now() + ENDS_S

    def _check_identity(self, facts: TopicFacts) -> None:
        self._topic_id = self._topic_id or facts.topic_id
        if facts.topic_id and facts.topic_id != self._topic_id:
            raise RunError(
                f"topic {self.config.topic!r} was deleted and recreated: its offsets mean other records "
                "now; write to a new --output"
            )

    def _assign(self, consumer: KafkaConsumer, owned: list[int]) -> None:
        """Assigns those of `owned` that are not assigned yet, each from where its buffer ends."""
        topic = self.config.topic
        assigned = {part.partition for part in consumer.assignment()}
        new = [p for p in owned if p not in assigned]
        if not new:
            return
        for partition, first in first_offsets(consumer, topic, new).items():
            position = self._buffers.resume_position(partition, first)
            problem = bounds_problem(topic, partition, position, first, self.ends[partition])
            if problem is None:
                continue
            if position > first:
                raise TopicShrunkError(problem)  # may pass: a broker that has just started
            if self.config.on_gap != "skip":
                raise RunError(f"{problem}; --on-gap skip goes on behind the gap")
            logger.warning("%s: skipped", problem)
            self._buffers[partition].extend([], first, self._now())
            self._buffers[partition].flush()
            self._buffers[partition].leader_epoch = None  # of records that are gone
        # The positions of partitions that stay assigned are kept.
        consumer.assign([TopicPartition(topic, p) for p in sorted(assigned.union(new))])
        for partition in new:
            buffer = self._buffers[partition]
            seek(consumer, TopicPartition(topic, partition), buffer.position, buffer.leader_epoch)

    def _fetch(self, consumer: KafkaConsumer, wait_s: float) -> None:
        polled = consumer.poll(timeout_ms=wait_s * 1000, max_records=self.config.max_chunk_rows)
        now = self._now()
        # What came while chunks were tagged and published has waited since the last poll, at the most.
        came_at = self._polled_at if self._busy else now
        self._polled_at, self._busy = now, False
        lag = self.lag
        for partition, buffer in self._buffers.items():
            buffer.rows = self._size.records(lag.get(partition, 0))
            part = TopicPartition(self.config.topic, partition)
            position = consumer.position(part, timeout_ms=0)
            if position is not None and position > buffer.position:
                self._take_in(buffer, polled.get(part, []), position, came_at)
            highwater = consumer.highwater(part)
            if highwater is not None:
                self.ends[partition] = max(highwater, self.ends.get(partition, 0))
        self._buffers.bound(IN_HAND_BYTES)
        if polled:
            self.last_contact = now
            self._out_of_range = 0
        self._retries.worked()

    def _take_in(
        self, buffer: PartitionBuffer, polled: list[ConsumerRecord], position: int, came_at: float
    ) -> None:
        stop = None if self._share.stop_at is None else self._share.stop_at[buffer.partition]
        wanted = (to_record(record) for record in polled if stop is None or record.offset < stop)
        try:
            records, whole = decoded(wanted, self._decode, IN_HAND_BYTES)
        except RegistryAwayError:
            self._undecoded.add(buffer.partition)
            raise
        if not whole and records[-1].offset + 1 < position:
            position = records[-1].offset + 1
            self._connected().seek(TopicPartition(self.config.topic, buffer.partition), position)
        if records:
            self._undecoded.discard(buffer.partition)
            if not self._undecoded:
                self._registry_retries.worked()
        self._record_bytes.saw(position - buffer.position, sum(map(size_of, records)))
        if polled and polled[-1].leader_epoch >= 0:
            buffer.leader_epoch = polled[-1].leader_epoch
        buffer.extend(records, position if stop is None else min(position, stop), came_at)
        if stop is not None and position >= stop:
            buffer.flush()  # nothing more will come that it could wait for

    def _rewind(self) -> None:
        """Lets the consumer read again what no buffer has."""
        if self._consumer is None:
            return
        for partition, buffer in self._buffers.items():
            self._consumer.seek(TopicPartition(self.config.topic, partition), buffer.position)

    def _failed(self, error: Exception) -> None:
        """Throws the client away, as an old one may be stuck in its error; and gives up if no retry helps."""
        self._disconnect()
        if not self._retries.failed(error, one_line(error, self._settings)):
            raise RunError(advice(error, self.config.topic, self._settings)) from error

    def _disconnect(self) -> None:
        for client in (self._consumer, self._admin):
            if client is not None:
                try:
                    client.close()
                except Exception as error:  # noqa: BLE001 - it is being thrown away
                    logger.debug("closing a Kafka client: %s", one_line(error))
        self._consumer = self._admin = None
        self._refresh_at = float("-inf")
