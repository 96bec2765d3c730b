"""What surrounds a stream on this machine, in one process or several: signals, metrics, summary."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from skillstream.monitoring.live import DRAIN, LIVE
from skillstream.monitoring.metrics import serve_metrics
from skillstream.output import StreamSummary

if TYPE_CHECKING:
    from skillstream.tagging import StreamConfig

__all__ = ["drain_on_signals", "stream_metrics", "stream_summary", "tell_phase"]

logger = logging.getLogger(__name__)


@contextmanager
def drain_on_signals() -> Iterator[None]:
    """The first SIGINT or SIGTERM drains, the second ends the process at once: both without harm."""
    DRAIN.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # somebody else's program: signals are its own
        return

    def on_signal(number: int, _frame: object) -> None:
        if DRAIN.is_set():
            os._exit(128 + number)
        DRAIN.set()
        _say("draining: publishing what is buffered (once more to stop at once)")

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stream_metrics(config: StreamConfig) -> Iterator[None]:
    """Serves the figures of this process while the body runs, if the configuration names a port.

    Raises:
        UsageError: the port cannot be had.
    """
    if config.metrics_port is None:
        yield
        return
    with serve_metrics(LIVE, config.metrics_address, config.metrics_port, config.topic) as port:
        logger.info("metrics on http://%s:%d/metrics", config.metrics_address, port)
        yield


def tell_phase(doing: str) -> None:
    """Says on stderr what a stream does before it reads; `/readyz` says so, too."""
    LIVE.phase(doing)
    _say(doing)


def stream_summary(config: StreamConfig, seconds: float) -> StreamSummary:
    """The figures of this process as a summary."""
    live = LIVE.snapshot()
    return StreamSummary(
        output=config.output,
        topic=config.topic,
        records=live.records,
        rejected=dict(live.rejected),
        tags=live.tags,
        seconds=round(seconds, 3),
        positions=dict(sorted(live.positions.items())),
        lag=dict(sorted(live.lag.items())),
        age_p50=live.age_p50,
        age_p99=live.age_p99,
        model_version=live.model_version,
        taxonomy_version=live.taxonomy_version,
        title_only=live.title_only,
        fields=list(live.fields),
        unread_times=live.unread_times,
        unread_time=live.unread_time,
        warnings=list(live.warnings),
        restarts=live.restarts,
    )


def _say(line: str) -> None:
    print(f"skillstream: {line}", file=sys.stderr, flush=True)  # noqa: T201
