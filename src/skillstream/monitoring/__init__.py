"""What a running stream reports: live figures, Prometheus metrics, the watchdog.

Nothing depends on it for correctness.
"""

from __future__ import annotations

from skillstream.monitoring.live import DRAIN, LIVE, Reading, Snapshot
from skillstream.monitoring.metrics import serve_metrics
from skillstream.monitoring.stream_job import drain_on_signals, stream_metrics, stream_summary, tell_phase

# What looks at a stream from outside is in `look` and `watchdog`: it loads the Kafka client.
__all__ = [
    "DRAIN",
    "LIVE",
    "Reading",
    "Snapshot",
    "drain_on_signals",
    "serve_metrics",
    "stream_metrics",
    "stream_summary",
    "tell_phase",
]
