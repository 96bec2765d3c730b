"""Sees from outside whether a stream gets on: records are waiting, and the output's end stands still.

A cluster can say RUNNING, with healthy checkpoints, of a job that reads nothing. Kafka and the output
themselves do not lie, so the watchdog asks them and nobody else.
"""

from __future__ import annotations

import logging
import time
from collections import Counter as Counts
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

from skillstream.errors import RunError, SkillstreamError
from skillstream.monitoring.look import Look

__all__ = ["RestartResult", "Stall", "Watchdog", "WatchdogMetrics", "watch"]

logger = logging.getLogger(__name__)

# A partition that stays where it is after this many fresh starts has a reason that no restart fixes.
MOST_MENDS = 3

# What came of a restart: done; another process is doing it or has just done it; not done, since somebody has
# stopped the job on purpose.
RestartResult = Literal["started", "theirs", "stopped"]


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
        self._looked_at = now()
        self._missed = False

    def look(self, seen: Look) -> list[Stall]:
        """Takes one look in; the partitions that have stalled by now."""
        now, stalls = self._now(), []
        if self._missed:
            blind_s = now - self._looked_at
            self._since = {partition: since + blind_s for partition, since in self._since.items()}
        self._looked_at, self._missed = now, False
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

    def missed(self) -> None:
        """A look failed: if Kafka or the store is away, rows cannot come. The time until the next look is no
        standing still.
        """
        self._missed = True

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
        self.stopped = Gauge(
            f"{name}_stopped", "1 while it leaves a stopped job alone.", registry=self.registry
        )
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


_NOT_DONE: dict[RestartResult, str] = {
    "theirs": "somebody else has started it, or is about to",
    "stopped": "not started afresh: somebody has stopped the job, or none was ever seen; "
    "`skillstream flink submit` starts it",
}


def watch(
    look: Callable[[bool], Look],
    dog: Watchdog,
    metrics: WatchdogMetrics,
    *,
    topic: str,
    every_s: float,
    mend: Callable[[], RestartResult] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Polls every `every_s` seconds until stopped.

    If `mend` is given, it is called to restart a stalled job. A look that fails (Kafka or the store is away)
    is logged, and no time counts until the next one. After a restart, also one that failed or was not made,
    every partition has its full time again.

    Args:
        look: looks; told True, it trusts nothing that it remembers: so is a stall confirmed.
        dog: says what is a stall.
        metrics: what Prometheus is shown.
        topic: whose ends they are.
        every_s: seconds between two looks.
        mend: restarts the job.
        sleep: how to wait.

    Raises:
        RunError: a stall, without `mend`; or a partition is where it was `MOST_MENDS` fresh starts ago,
            however well the others get on.
    """
    mends: Counts[tuple[int, int]] = Counts()  # by partition and where it stands
    while True:
        try:
            seen = look(False)
            stalls = dog.look(seen)
            if stalls:
                seen = look(True)
                stalls = dog.look(seen)
        except RunError as error:
            dog.missed()
            logger.warning("%s; nothing counts as a stall until it can be seen again", error)
        else:
            metrics.seen(topic, seen, stalls)
            if stalls:
                metrics.alarms.inc()
                message = "; ".join(map(str, stalls))
                standing = [(stall.partition, stall.head) for stall in stalls]
                if mend is None:
                    raise RunError(f"the stream stands still: {message}")
                if max(mends[key] for key in standing) >= MOST_MENDS:
                    raise RunError(f"the stream stands still after {MOST_MENDS} fresh starts: {message}")
                logger.error("the stream stands still: %s", message)
                try:
                    done = mend()
                    metrics.stopped.set(done == "stopped")
                    if done == "started":
                        logger.warning("it was started afresh")
                        metrics.mends.inc()
                        mends.update(standing)
                    else:
                        logger.warning(_NOT_DONE[done])
                except SkillstreamError as error:
                    logger.error("it was not started afresh: %s", error)
                    mends.update(standing)
                dog.restarted()
        sleep(every_s)
