"""A Flink cluster: what a job on it needs, and its REST interface."""

from __future__ import annotations

from skillstream.flink.config import FlinkConfig, check_endpoint
from skillstream.flink.rest import FlinkJob, FlinkRest

__all__ = ["FlinkConfig", "FlinkJob", "FlinkRest", "check_endpoint"]
