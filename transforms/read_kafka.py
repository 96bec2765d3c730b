"""A Kafka topic to chunks: a splittable DoFn around `skillstream.sources.kafka.reader.KafkaReader`.

A restriction says how far a reader has come and how much is left; the runner may take a checkpoint of it,
never cut it in two. After a time budget the DoFn gives the rest back by itself, so that the runner gets to
its housekeeping. Chunks flow to the sink inside the bundle: latency does not depend on the budget. A reader
that has found nothing to read gives the rest back with a delay: its thread is free for others meanwhile.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import apache_beam as beam
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import FlinkRunnerOptions, PipelineOptions
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.runners.sdf_utils import RestrictionTrackerView
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from skillstream.chunks import Chunk
from skillstream.monitoring import DRAIN, LIVE, Reading
from skillstream.output import Chain
from skillstream.sources.kafka import KafkaConfig, Share
from skillstream.sources.kafka.reader import KafkaReader
from skillstream.transforms import coders  # noqa: F401 - registers the coder of Chunk
from skillstream.transforms.kafka_restriction import Backlog, KafkaRestriction, KafkaRestrictionProvider
from skillstream.transforms.reader_elements import NOTHING, reader_elements, share_of

__all__ = ["ReadKafka"]

# Longest wait for records in one poll: how soon a drain is seen when nothing comes.
POLL_S = 0.5

# A drain publishes what is buffered, but with much buffered only for so long: the rest is read again.
DRAIN_S = 3.0

# An idle reader is resumed after this: what comes meanwhile waits for so long.
IDLE_DELAY_S = 1.0

# A kept reader that was not resumed for so long goes on elsewhere: here it is closed.
KEPT_S = 300.0

_RESTRICTION = beam.DoFn.RestrictionParam(KafkaRestrictionProvider())
_WATERMARK = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


@dataclass(eq=False)
class ReadKafka(beam.PTransform):
    """The topic's records as an unbounded `PCollection[Chunk]`, each partition from its chain's end on.

    Guarantee: with `PublishChunks(output)` fused behind it (no grouping, reshuffle or flatten between),
    every committed record lands in exactly one published file. Chunks bear the event time of their
    newest record; the watermark follows the slowest partition that has anything left to read.

    Attributes:
        config: what to read.
        output: folder that holds the chains.
        share: how many readers there are, of which topic, up to where. Each gets its own `number`. After a
            restore from a savepoint there are the readers that the old job had, whatever this says.
        bundle_s: seconds after which a reader gives the rest back to the runner. Flink's checkpoints
            wait for that; locally each time costs about 20 KB of memory.
        flush: publish what is buffered before giving the rest back, so that nothing is buffered when a
            cluster takes a savepoint.
        idle_s: seconds without anything to read after which a reader gives the rest back before `bundle_s`,
            for a runner with fewer threads than readers. On Flink each has a subtask of its own, and each
            time it gives the rest back costs memory: there it should keep its turn.
    """

    config: KafkaConfig
    output: str
    share: Share = field(default_factory=Share)
    bundle_s: float = 60.0
    flush: bool = False
    idle_s: float = math.inf

    def expand(self, begin: PBegin) -> PCollection:
        return (
            begin
            | "Readers" >> beam.Create(self.elements(begin.pipeline.options))
            | "Read" >> beam.ParDo(_Read(self)).with_output_types(Chunk)
        )

    def elements(self, options: PipelineOptions) -> list[int]:
        """The readers, spread evenly if this is going to run on Flink."""
        flags = options.view_as(FlinkRunnerOptions)
        subtasks = flags.parallelism if (flags.parallelism or 0) > 0 else None
        groups = flags.max_parallelism if (flags.max_parallelism or 0) > 0 else None
        elements = reader_elements(self.share.readers, subtasks, groups)
        # Beam makes another graph of a single element, which could not take over another job's savepoint.
        return [*elements, NOTHING] if self.flush and len(elements) == 1 else elements


@dataclass(eq=False)
class _Read(beam.DoFn):
    options: ReadKafka

    _gaps = Metrics.counter("skillstream", "offsets_without_records")
    _age_ms = Metrics.distribution("skillstream", "age_ms")
    _lag = Metrics.gauge("skillstream", "lag")

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        element: int,
        tracker: RestrictionTrackerView = _RESTRICTION,
        watermark: ManualWatermarkEstimator = _WATERMARK,
    ) -> Iterator[TimestampedValue]:
        started = busy_at = time.monotonic()  # when there last was anything to read
        share = share_of(element, self.options.share)
        if share is None:
            tracker.try_claim(None)
            return
        number = share.number
        reader = self._take_reader(share, tracker.current_restriction())
        keep = False
        try:
            while True:
                # Looked at before the poll: a chunk polled after the flush would be lost.
                draining = DRAIN.is_set()
                now = time.monotonic()
                idle = now - busy_at >= self.options.idle_s
                over = idle or now - started >= self.options.bundle_s
                if draining or (over and self.options.flush):
                    reader.flush()
                elif not over:
                    reader.poll(POLL_S)
                drain_until = time.monotonic() + DRAIN_S
                while (chunk := reader.next_chunk()) is not None:
                    if not tracker.try_claim((chunk.partition, chunk.end)):
                        keep = True
                        return
                    reader.take(chunk)
                    yield TimestampedValue(chunk, _timestamp(chunk))
                    self._published(number, reader, chunk)  # by now the fused sink has it
                    busy_at = time.monotonic()
                    _tell_backlog(tracker, reader)  # the next claim tells if it was refused
                    if DRAIN.is_set() and (not draining or time.monotonic() > drain_until):
                        break
                self._tell(number, reader, watermark)
                if not _tell_backlog(tracker, reader):
                    keep = True
                    return
                if reader.backlog_bytes != 0:
                    busy_at = time.monotonic()
                if draining or reader.finished:
                    reader.commit()
                    LIVE.ended(number)
                    tracker.try_claim(None)
                    return
                if over and not DRAIN.is_set():
                    tracker.defer_remainder(Duration(IDLE_DELAY_S if idle else 0))
                    keep = True
                    return
        finally:
            # Not kept: at its end; or the sink failed and the reader is ahead of the chain.
            if keep:
                _readers.put(self._key(share), reader)
            else:
                reader.close()

    def _take_reader(self, share: Share, restriction: KafkaRestriction) -> KafkaReader:
        """This process's reader if it is where the restriction is, else one at the chains' ends."""
        reader = _readers.take(self._key(share))
        if reader is not None:
            positions = reader.positions
            if all(positions.get(p) == offset for p, offset in restriction.positions.items()):
                return reader
            reader.close()
        config, output = self.options.config, self.options.output
        return KafkaReader(config, lambda partition: Chain(output, config.topic, partition), share)

    def _key(self, share: Share) -> tuple[object, ...]:
        return self.options.config, self.options.output, share.readers, share.number

    def _published(self, number: int, reader: KafkaReader, chunk: Chunk) -> None:
        now = time.time() * 1000
        ages = [(now - r.event_time) / 1000 for r in chunk.records if r.event_time is not None]
        LIVE.published(len(chunk.records), ages)
        LIVE.read(number, _reading(reader))
        self._gaps.inc(chunk.end - chunk.start - len(chunk.records))
        self._lag.set(sum(reader.lag.values()))
        for age in ages:
            self._age_ms.update(int(age * 1000))

    @staticmethod
    def _tell(number: int, reader: KafkaReader, watermark: ManualWatermarkEstimator) -> None:
        LIVE.read(number, _reading(reader))
        milliseconds = reader.watermark()
        if milliseconds is not None:
            mark = Timestamp(micros=milliseconds * 1000)
            current = watermark.current_watermark()
            if current is None or mark > current:
                watermark.set_watermark(mark)


class _ReaderCache:
    """Readers between two bundles. Whoever takes one is alone with it: a consumer is for one thread."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._readers: dict[tuple[object, ...], tuple[KafkaReader, float]] = {}

    def take(self, key: tuple[object, ...]) -> KafkaReader | None:
        with self._lock:
            reader, _ = self._readers.pop(key, (None, 0.0))
        return reader

    def put(self, key: tuple[object, ...], reader: KafkaReader) -> None:
        """Keeps it, and closes those that nobody has taken for `KEPT_S`: they went on elsewhere."""
        now = self._now()
        with self._lock:
            gone = [k for k, (_, kept_at) in self._readers.items() if k == key or now - kept_at > KEPT_S]
            older = [self._readers.pop(k)[0] for k in gone]
            self._readers[key] = reader, now
        for one in older:
            one.close()


_readers = _ReaderCache()


def _tell_backlog(tracker: RestrictionTrackerView, reader: KafkaReader) -> bool:
    """Whether the rest is still this bundle's."""
    backlog = reader.backlog_bytes
    return backlog is None or tracker.try_claim(Backlog(backlog))


def _reading(reader: KafkaReader) -> Reading:
    return Reading(reader.positions, reader.lag, reader.last_contact, reader.problem)


def _timestamp(chunk: Chunk) -> Timestamp:
    times = [record.event_time for record in chunk.records if record.event_time is not None]
    return Timestamp(micros=max(times) * 1000) if times else Timestamp.now()
