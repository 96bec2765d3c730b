"""Alarms: Prometheus can read them, they ask for metrics that exist, and the runbook knows each."""

from __future__ import annotations

import re

import promql_parser
import pytest
import yaml

from skillstream.monitoring.look import Look
from skillstream.monitoring.watchdog import Stall, WatchdogMetrics
from tests.deploy.manifests import DEPLOY, ROOT
from tests.metrics import labels_of, served_by_a_stream

RULES = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]


def served_by_a_watchdog() -> dict[str, set[str]]:
    """Every metric of a watchdog, with its labels."""
    dog = WatchdogMetrics()
    dog.seen("jobs", Look({0: 1}, {0: 2}), [Stall(0, 1, 1, 200.0)])
    return labels_of(dog.registry)


METRICS = served_by_a_stream() | served_by_a_watchdog() | {"up": set()}
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
