"""How many of the machine's cores this process may use, by its affinity and by its container's limit."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["CGROUP", "read_or_empty", "usable_cores"]

CGROUP = Path("/sys/fs/cgroup")


def usable_cores() -> tuple[int, list[int]]:
    """How many cores this process may use; and their numbers, unless a quota lets it use fewer than these."""
    numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    count = len(numbers) or os.cpu_count() or 1
    quota = _quota()
    if quota is not None and quota < count:
        return max(1, quota), []
    return count, numbers


def _quota() -> int | None:
    """Whole cores that the container may use at a time, if it is limited so."""
    fields = read_or_empty(CGROUP / "cpu.max").split() or [
        read_or_empty(CGROUP / "cpu" / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")
    ]
    if len(fields) != 2 or not all(field.isdecimal() for field in fields):
        return None  # "max", -1, or no such limit
    return int(fields[0]) // max(1, int(fields[1]))


def read_or_empty(path: Path) -> str:
    """The text of a file; empty if it cannot be read."""
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""
