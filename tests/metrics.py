"""What a stream serves on /metrics."""

from __future__ import annotations

import re

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from skillstream.monitoring.live import Live, Reading
from skillstream.monitoring.metrics import StreamCollector

__all__ = ["labels_of", "served_by_a_stream"]


def served_by_a_stream() -> dict[str, set[str]]:
    """Every metric of a stream that has done something, with its labels."""
    live = Live()
    live.read(0, Reading({0: 1}, {0: 0}, live.now(), None))
    live.tagged({"empty": 1}, tags=1, sentences=1, cached=1, tokens=1, versions=("m", "t"))
    live.published(1, [0.1])
    live.holds(0, 1)
    registry = CollectorRegistry()
    registry.register(StreamCollector(live, "jobs"))
    ProcessCollector(registry=registry)
    return labels_of(registry)


def labels_of(registry: CollectorRegistry) -> dict[str, set[str]]:
    """Every metric of a registry, with its labels."""
    samples = re.findall(r"^(\w+)(\{.*\})? ", generate_latest(registry).decode(), re.MULTILINE)
    return {name: set(re.findall(r"(\w+)=", labels)) for name, labels in samples}
