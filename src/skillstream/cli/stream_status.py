"""The status line of a running stream: in place on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.live import Live as Display
from rich.text import Text

from skillstream.monitoring import LIVE, Snapshot
from skillstream.output import title_only_line, unread_times_line

if TYPE_CHECKING:
    from skillstream.output import StreamSummary

__all__ = ["print_stream_summary", "show_status", "status_line"]

TERMINAL_INTERVAL_S = 0.5
PLAIN_INTERVAL_S = 30.0


@contextmanager
def show_status() -> Iterator[None]:
    """Shows the figures of this process on stderr while the body runs."""
    stop = threading.Event()
    show = _in_place if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(stop,), name="status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def status_line(now: Snapshot) -> str:
    """Rate, lag, age of records at publication, cache hits and rejections in one line."""
    parts = [
        f"{now.records:,} records",
        f"{now.rate:,.1f}/s",
        f"lag {sum(now.lag.values()):,}",
        f"age p50 {_seconds(now.age_p50)} p99 {_seconds(now.age_p99)}",
        f"cache {now.cached / now.sentences:.0%}" if now.sentences else "cache -",
        f"rejected {sum(now.rejected.values()):,}",
    ]
    if now.title_only:
        parts.append(f"{now.title_only:,} without a description")
    if now.unread_times:
        parts.append(f"{now.unread_times:,} with a time that cannot be read")
    parts += now.warnings
    if now.problem:
        parts.append(f"trying again: {now.problem}")
    return " · ".join(parts)


def print_stream_summary(summary: StreamSummary) -> None:
    """What the run did, in two or three lines on stdout."""
    rejected = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.rejected.items()))
    click.echo(f"{summary.records:,} records with {summary.tags:,} tags in {summary.seconds:,.1f} s")
    if rejected:
        click.echo(f"rejected: {rejected}")
    if summary.title_only:
        click.echo(title_only_line(summary.title_only, summary.records, summary.fields))
    if summary.unread_times:
        click.echo(unread_times_line(summary.unread_times, summary.records, summary.unread_time))
    for line in summary.warnings:
        click.echo(f"warning: {line}")
    click.echo(f"{summary.output} holds topic {summary.topic} up to {summary.positions}")


def _in_place(stop: threading.Event) -> None:
    console = Console(stderr=True)
    with Display(console=console, auto_refresh=False, transient=True) as display:
        while not stop.wait(TERMINAL_INTERVAL_S):
            line = Text(status_line(LIVE.snapshot()), no_wrap=True, overflow="ellipsis")
            display.update(line, refresh=True)


def _lines(stop: threading.Event) -> None:
    while not stop.wait(PLAIN_INTERVAL_S):
        click.echo(status_line(LIVE.snapshot()), err=True)


def _seconds(age: float | None) -> str:
    return "-" if age is None else f"{age:.2f} s"
