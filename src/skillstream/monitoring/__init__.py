"""What a running stream reports: live figures, Prometheus metrics, the watchdog.

Nothing depends on it for correctness.
"""

from __future__ import annotations

from skillstream.monitoring.live import DRAIN, LIVE, Reading, Snapshot
from skillstream.monitoring.look import Look, StreamEyes
from skillstream.monitoring.metrics import serve_metrics
from skillstream.monitoring.stream_job import drain_on_signals, stream_metrics, stream_summary, tell_phase
from skillstream.monitoring.watchdog import Mended, Watchdog, WatchdogMetrics, watch

__all__ = [
    "DRAIN",
    "LIVE",
    "Look",
    "Mended",
    "Reading",
    "Snapshot",
    "StreamEyes",
    "Watchdog",
    "WatchdogMetrics",
    "drain_on_signals",
    "serve_metrics",
    "stream_metrics",
    "stream_summary",
    "tell_phase",
    "watch",
]
