"""The dashboard asks for metrics that are really served."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.metrics import served_by_a_stream

DASHBOARD = Path(__file__).resolve().parents[3] / "deploy" / "grafana" / "skillstream.json"


def test_every_metric_of_the_dashboard_is_served():
    dashboard = json.loads(DASHBOARD.read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = {name for query in queries for name in re.findall(r"\b(?:skillstream|process)_\w+", query)}
    assert len(asked) >= 10
    assert asked <= served_by_a_stream().keys()
