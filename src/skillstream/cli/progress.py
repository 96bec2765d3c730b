"""Progress of a run: a bar with rate and time left on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from skillstream.errors import SkillstreamError

__all__ = ["show_progress"]

TERMINAL_INTERVAL_S = 0.5
PLAIN_INTERVAL_S = 10.0


@contextmanager
def show_progress(done: Callable[[], int], total: int | None) -> Iterator[None]:
    """Shows how far a job is while the body runs.

    Args:
        done: rows published so far; called twice a second from another thread.
        total: rows in all, `None` if that is not known beforehand.
    """
    stop = threading.Event()
    show = _bar if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(done, total, stop), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _bar(done: Callable[[], int], total: int | None, stop: threading.Event) -> None:
    columns = (
        TextColumn("tagging"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    first, started = _safe(done) or 0, time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("tagging", total=total, completed=first, rate="")
        while not stop.wait(TERMINAL_INTERVAL_S):
            rows = _safe(done)
            if rows is None:
                continue
            rate = (rows - first) / (time.monotonic() - started)
            progress.update(task, completed=rows, rate=f"{rate:,.1f}/s")


def _lines(done: Callable[[], int], total: int | None, stop: threading.Event) -> None:
    first, started = _safe(done) or 0, time.monotonic()
    while not stop.wait(PLAIN_INTERVAL_S):
        rows = _safe(done)
        if rows is None:
            continue
        rate = (rows - first) / (time.monotonic() - started)
        line = f"{rows:,}{'' if total is None else f' of {total:,}'} rows, {rate:,.1f}/s"
        if total is not None and rate > 0:
            line += f", {max(0.0, (total - rows) / rate):,.0f} s left"
        click.echo(line, err=True)


def _safe(done: Callable[[], int]) -> int | None:
    """The count, or `None` while the output cannot be read: the job itself will tell why."""
    try:
        return done()
    except (SkillstreamError, OSError):
        return None
