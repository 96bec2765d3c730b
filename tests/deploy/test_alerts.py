"""Alarms: Prometheus can read them, they ask for metrics that exist, and the runbook knows each."""

from __future__ import annotations

import re

import promql_parser
import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.process_collector import ProcessCollector

from skillstream.live import Live, Reading
from skillstream.stream_metrics import StreamCollector
from skillstream.watchdog import Look, Stall, WatchdogMetrics
from tests.deploy.manifests import DEPLOY, ROOT

RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]


def served() -> dict[str, set[str]]:
    """Every metric of a stream and of a watchdog, with its labels."""
    live = Live()
    live.read(0, Reading({0: 1}, {0: 0}, live.now(), None))
    live.tagged({"empty": 1}, tags=1, sentences=1, cached=1, tokens=1, versions=("m", "t"))
    live.published(1, [0.1])
    registry = CollectorRegistry()
    registry.register(StreamCollector(live, "jobs"))
    ProcessCollector(registry=registry)
    dog = WatchdogMetrics()
    dog.seen("jobs", Look({0: 1}, {0: 2}), [Stall(0, 1, 1, 200.0)])
    text = generate_latest(registry).decode() + generate_latest(dog.registry).decode()
    samples = re.findall(r"^(\w+)(\{.*\})? ", text, re.MULTILINE)
    return {name: set(re.findall(r"(\w+)=", labels)) for name, labels in samples}


METRICS = served() | {"up": set()}
FROM_PROMETHEUS = {"job", "instance"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alarms_can_fire(rule):
    promql_parser.parse(rule["expr"])
    asked = set(re.findall(r"\b(?:skillstream|process|up)\w*", re.sub(r'"[^"]*"', "", rule["expr"])))
    assert asked
    assert asked <= METRICS.keys()
    labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    assert labels <= set.union(*(METRICS[name] for name in asked)) | FROM_PROMETHEUS


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_the_runbook_has_a_section_for_each_alarm(rule):
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^## (\w+)$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert rule["alert"] in headings
    assert anchor == rule["alert"].lower()


def test_the_runbook_knows_no_other_alarms():
    headings = re.findall(
        r"^## (Skillstream\w+)$", (ROOT / "docs/how-to/runbook.md").read_text("utf-8"), re.MULTILINE
    )
    assert sorted(headings) == sorted(rule["alert"] for rule in RULES)


def test_the_rules_for_kubernetes_are_the_same():
    from scripts import kubernetes_alerts

    assert kubernetes_alerts.TARGET.read_text("utf-8") == kubernetes_alerts.text(), (
        "run scripts/update_docs.py"
    )
