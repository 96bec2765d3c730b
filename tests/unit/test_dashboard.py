"""The dashboard asks for metrics that are really served."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from skillstream.live import Live, Reading
from skillstream.stream_metrics import StreamCollector

DASHBOARD = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "skillstream.json"


def test_every_metric_of_the_dashboard_is_served():
    live = Live()
    live.read(0, Reading({0: 1}, {0: 0}, live.now(), None))
    live.tagged({"empty": 1}, tags=1, sentences=1, cached=1, tokens=1, versions=("m", "t"))
    live.published(1, [0.1])
    registry = CollectorRegistry()
    registry.register(StreamCollector(live, "jobs"))
    ProcessCollector(registry=registry)
    served = set(re.findall(r"^(\w+)", generate_latest(registry).decode(), re.MULTILINE))
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in re.findall(r"\b(?:skillstream|process)_\w+", query)}
    assert len(asked) >= 10
    assert asked <= served
