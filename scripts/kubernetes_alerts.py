"""Writes deploy/kubernetes/monitoring.yaml: deploy/prometheus/alerts.yml for the Prometheus operator.

scripts/update_docs.py runs it; tests/deploy/test_alerts.py fails while it is behind.
"""

from __future__ import annotations

from pathlib import Path

import yaml

DEPLOY = Path(__file__).parents[1] / "deploy"
TARGET = DEPLOY / "kubernetes" / "monitoring.yaml"

HEAD = """\
# Written by scripts/update_docs.py out of deploy/prometheus/alerts.yml; do not edit.
# For the Prometheus operator. Without it the annotations prometheus.io/* of the pods do.
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: skillstream
spec:
  jobLabel: app.kubernetes.io/name
  selector:
    matchExpressions:
      - { key: app.kubernetes.io/name, operator: In, values: [skillstream, skillstream-watch] }
  podMetricsEndpoints:
    - { port: metrics, interval: 15s }
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: skillstream
"""


def text() -> str:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text("utf-8"))
    return HEAD + yaml.safe_dump({"spec": groups}, sort_keys=False, width=110)


def main() -> None:
    TARGET.write_text(text(), "utf-8")
