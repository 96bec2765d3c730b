"""`skillstream stream` by several processes: worker n of m reads the partitions p with p % m == n."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext

from skillstream.monitoring import DRAIN, LIVE, drain_on_signals, stream_metrics, stream_summary, tell_phase
from skillstream.output import StreamSummary, sweep
from skillstream.sources.kafka import Share
from skillstream.sources.kafka.plan import StreamPlan
from skillstream.storage import WAITS
from skillstream.tagging import StreamConfig
from skillstream.tagging.stream_start import prepare_stream
from skillstream.workers.cores import Place, places, workers_for_stream
from skillstream.workers.messages import (
    Died,
    Ended,
    Go,
    Message,
    Published,
    Read,
    Ready,
    Stop,
    StreamJob,
    Tagged,
    Waiting,
)
from skillstream.workers.pool import Pool

__all__ = ["stream_with_workers"]

# How soon a drain is passed on.
LOOK_S = 0.1


def stream_with_workers(
    config: StreamConfig,
    workers: int | None = None,
    status: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> StreamSummary:
    """Tags the topic until SIGINT or SIGTERM (which drain), or to its end with `stop_at_end`.

    The first worker loads alone, before the output is opened (see `skillstream.workers.files`).

    Args:
        config: what to do.
        workers: processes, at most as many as there are partitions; by default what suits this machine.
        status: shows how it goes while the body runs.

    Raises:
        UsageError: refused before the first record.
        RunError: a worker failed, or died again and again. Starting again resumes where it stopped.
    """
    LIVE.clear()
    jobs: dict[int, StreamJob] = {}
    at: dict[int, Place] = {}
    with ExitStack() as stack:
        stack.enter_context(stream_metrics(config))  # before all that takes time: probes want an answer
        pool = stack.enter_context(Pool(jobs, at))

        def describe(given: StreamConfig, plan: StreamPlan) -> None:
            stop_at = plan.ends if given.stop_at_end else None
            for number, place in at.items():
                share = Share(number=number, readers=len(at), topic_id=plan.topic_id, stop_at=stop_at)
                jobs[number] = StreamJob(given, share, place.cores)

        def load_first(given: StreamConfig, plan: StreamPlan) -> str:
            partitions = max(1, len(plan.ends))
            count = workers_for_stream(partitions) if workers is None else min(workers, partitions)
            at.update(enumerate(places(count)))
            describe(given, plan)
            LIVE.expect(count)
            tell_phase(f"loading the model {config.model} and the skills index")
            pool.start(0)
            precision = pool.wait_until_ready(0).precision
            describe(
                dataclasses.replace(given, precision=precision), plan
            )  # for the others, and for restarts
            return precision

        _, plan = prepare_stream(config, here=False, phase=tell_phase, loaded=load_first)
        count = len(jobs)
        tell_phase(f"starting to read: {_counted(len(plan.ends), 'partition')}, {_counted(count, 'worker')}")
        started = time.monotonic()
        stack.enter_context(drain_on_signals())
        stack.enter_context(status())
        _Run(pool, config).to_end(count)
    if pool.restarts:
        sweep(config.output)  # what the dead left behind
    return stream_summary(config, time.monotonic() - started)


class _Run:
    """What workers tell goes to the figures of this process, a drain goes to the workers."""

    def __init__(self, pool: Pool, config: StreamConfig) -> None:
        self._pool = pool
        self._config = config
        self._running: set[int] = set()
        self._draining = False

    def to_end(self, workers: int) -> None:
        """Until all workers have ended."""
        self._running = set(range(workers))
        self._pool.send(0, Go())
        for number in range(1, workers):
            self._pool.start(number)
        while self._running:
            if DRAIN.is_set() and not self._draining:
                self._draining = True
                for number in self._running:
                    self._pool.send(number, Stop())
            heard = self._pool.next(LOOK_S)
            if heard is not None:
                self._take(*heard)

    def _take(self, number: int, message: Message) -> None:
        match message:
            case Ready():
                self._pool.send(number, Stop() if self._draining else Go())
            case Read():
                LIVE.read(number, message.reading)
            case Published():
                self._count(self._pool.tagged.pop(number), message.ages)
                LIVE.holds(number, message.resident)
            case Waiting(problem=str(problem)):
                WAITS.failed(problem, f"worker {number}")
            case Waiting():
                WAITS.over(f"worker {number}")
            case Ended():
                LIVE.ended(number)
                self._running.discard(number)
            case Died():
                self._lost(number, message)
            case _:
                pass

    def _lost(self, number: int, died: Died) -> None:
        tagged = self._pool.last_published(number, self._config.output)
        if tagged is not None:
            self._count(tagged, [])
        WAITS.over(f"worker {number}")
        LIVE.phase(f"worker {number} died and is started again")
        LIVE.lost(number)
        self._pool.replace(number, died)

    def _count(self, tagged: Tagged, ages: list[float]) -> None:
        LIVE.tagged(
            rejected=tagged.rejected,
            tags=tagged.tags,
            sentences=tagged.sentences,
            cached=tagged.cached,
            tokens=tagged.tokens,
            title_only=tagged.title_only,
            fields=tagged.fields,
            unread_times=tagged.unread_times,
            unread_time=tagged.unread_time,
            warnings=tagged.warnings,
            versions=tagged.versions,
        )
        LIVE.published(tagged.records, ages)


def _counted(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
