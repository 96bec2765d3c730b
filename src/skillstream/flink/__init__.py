"""A Flink cluster: what a job on it needs, its REST interface, and which subtask gets what."""

from __future__ import annotations

from skillstream.flink.config import FlinkConfig, check_endpoint
from skillstream.flink.rest import FlinkJob, FlinkRest
from skillstream.flink.subtasks import subtask_of

__all__ = ["FlinkConfig", "FlinkJob", "FlinkRest", "check_endpoint", "subtask_of"]
