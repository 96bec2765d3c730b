"""Sees from outside whether a stream gets on: records are waiting, and the output's end stands still.

A cluster can say RUNNING, with healthy checkpoints, of a job that reads nothing. Kafka and the output
themselves do not lie, so the watchdog asks them and nobody else.
"""

from __future__ import annotations

import logging
import time
from collections import Counter as Counts
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge

from skillstream.errors import RunError, SkillstreamError
from skillstream.output import Chain
from skillstream.sources.kafka.client import end_offsets, make_admin, make_consumer, topic_facts
from skillstream.sources.kafka.client_settings import load_client_settings
from skillstream.sources.kafka.retry import one_line
from skillstream.tagging import StreamConfig

__all__ = ["Look", "Stall", "Watchdog", "WatchdogMetrics", "look_at", "watch"]

logger = logging.getLogger(__name__)

# A partition that stays where it is after this many fresh starts has a reason that no restart fixes.
MOST_MENDS = 3


@dataclass(frozen=True)
class Look:
    """One moment, by partition: `heads`, where the output ends, and `ends`, where the topic ends."""

    heads: Mapping[int, int]
    ends: Mapping[int, int]

    @property
    def lag(self) -> dict[int, int]:
        """Offsets that are waiting."""
        return {p: max(0, end - self.heads.get(p, 0)) for p, end in self.ends.items()}


@dataclass(frozen=True)
class Stall:
    """A partition with records waiting whose output has ended at `head` for a given number of seconds."""

    partition: int
    head: int
    lag: int
    seconds: float

    def __str__(self) -> str:
        return (
            f"partition {self.partition}: {self.lag} records wait, and the output has ended at "
            f"{self.head} for {self.seconds:.0f} s"
        )


class Watchdog:
    """Remembers since when each partition has stood still with records waiting.

    Args:
        stall_s: seconds of standing still that are a stall; longer than a worker needs to load the model
            and tag one chunk.
        now: monotonic seconds.
    """

    def __init__(self, stall_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.stall_s = stall_s
        self._now = now
        self._heads: dict[int, int] = {}
        self._since: dict[int, float] = {}

    def look(self, seen: Look) -> list[Stall]:
        """Takes one look in; the partitions that have stalled by now."""
        now, stalls = self._now(), []
        for partition, lag in sorted(seen.lag.items()):
            head = seen.heads.get(partition, 0)
            if lag == 0 or self._heads.get(partition) != head:
                self._since.pop(partition, None)
            self._heads[partition] = head
            if lag:
                seconds = now - self._since.setdefault(partition, now)
                if seconds >= self.stall_s:
                    stalls.append(Stall(partition, head, lag, seconds))
        return stalls

    def restarted(self) -> None:
        """The job was started afresh: every partition has its full time again."""
        self._since = dict.fromkeys(self._since, self._now())


@dataclass
class WatchdogMetrics:
    """What the watchdog tells Prometheus."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        name, labels = "skillstream_watchdog", ["topic", "partition"]
        self.lag = Gauge(f"{name}_lag", "Offsets that wait.", labels, registry=self.registry)
        self.stalled = Gauge(
            f"{name}_stalled", "1 while a partition is stalled.", labels, registry=self.registry
        )
        self.alarms = Counter(f"{name}_alarms", "Stalls seen.", registry=self.registry)
        self.mends = Counter(f"{name}_mends", "Times the job was started afresh.", registry=self.registry)
        self.looked_at = Gauge(
            f"{name}_last_look_timestamp_seconds",
            "When Kafka and output were last seen.",
            registry=self.registry,
        )

    def seen(self, topic: str, look: Look, stalls: list[Stall]) -> None:
        """Takes in one look."""
        self.looked_at.set_to_current_time()
        stalled = {stall.partition for stall in stalls}
        for partition, lag in look.lag.items():
            self.lag.labels(topic, str(partition)).set(lag)
            self.stalled.labels(topic, str(partition)).set(partition in stalled)


def look_at(config: StreamConfig) -> Look:
    """Asks Kafka where the topic ends, and the output where its chains end.

    Raises:
        SourceError: there is no such topic.
        RunError: Kafka does not answer.
    """
    settings = load_client_settings(config.bootstrap_servers, config.kafka_config)
    clients = []
    try:
        clients += [admin := make_admin(settings)]
        partitions = topic_facts(admin, config.topic).partitions
        clients += [consumer := make_consumer(settings)]
        ends = end_offsets(consumer, config.topic, partitions)
    except SkillstreamError:
        raise
    except Exception as error:
        raise RunError(f"Kafka cannot be asked: {one_line(error, settings)}") from error
    finally:
        for client in clients:
            client.close()
    heads = {p: Chain(config.output, config.topic, p).head() for p in partitions}
    return Look({p: head for p, head in heads.items() if head is not None}, ends)


def watch(
    look: Callable[[], Look],
    dog: Watchdog,
    metrics: WatchdogMetrics,
    *,
    topic: str,
    every_s: float,
    mend: Callable[[], bool] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Polls every `every_s` seconds until stopped.

    If `mend` is given, it is called to restart a stalled job; it returns False if another process is doing so
    or has just done it. A look that fails (Kafka is away, say) is logged and counts as no stall. After a
    restart, also one that failed, every partition has its full time again.

    Raises:
        RunError: a stall, without `mend`; or a partition is where it was `MOST_MENDS` fresh starts ago,
            however well the others get on.
    """
    mends: Counts[tuple[int, int]] = Counts()  # by partition and where it stands
    while True:
        try:
            seen = look()
        except RunError as error:
            logger.warning("%s", error)
        else:
            stalls = dog.look(seen)
            metrics.seen(topic, seen, stalls)
            if stalls:
                metrics.alarms.inc()
                message = "; ".join(map(str, stalls))
                standing = [(stall.partition, stall.head) for stall in stalls]
                if mend is None:
                    raise RunError(f"the stream stands still: {message}")
                if max(mends[key] for key in standing) >= MOST_MENDS:
                    raise RunError(f"the stream stands still after {MOST_MENDS} fresh starts: {message}")
                logger.error("the stream stands still: %s; starting it afresh", message)
                try:
                    if mend():
                        metrics.mends.inc()
                        mends.update(standing)
                    else:
                        logger.warning("somebody else has started it, or is about to")
                except SkillstreamError as error:
                    logger.error("it was not started afresh: %s", error)
                    mends.update(standing)
                dog.restarted()
        sleep(every_s)
