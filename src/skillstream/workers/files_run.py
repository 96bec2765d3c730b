"""Around the work of a run over files, whoever does it: progress while it runs, then the summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from skillstream.output import RunSummary
from skillstream.sources.files import FilePlan
from skillstream.tagging import FilesConfig
from skillstream.tagging.files_job import FilesFigures, PublishedRows, files_summary
from skillstream.tagging.start import Start

__all__ = ["Progress", "no_progress", "run_with_summary"]

Progress = Callable[[Callable[[], int], int | None], AbstractContextManager[None]]


def run_with_summary(
    start: Start[FilesConfig],
    plan: FilePlan,
    progress: Progress,
    work: Callable[[], FilesFigures],
    records: Callable[[], int] | None = None,
) -> RunSummary:
    """Does the work and says what came of it.

    Args:
        start: of `skillstream.tagging.files_job.start_files`.
        plan: what is to be tagged.
        progress: shows how far it is (see `skillstream.cli.progress`).
        work: tags and publishes what is planned; returns the figures of the run.
        records: records that `work` has published so far; by default the output is asked.
    """
    published = PublishedRows(start.config.output, plan)
    before = published.count()
    resumed = sum(before.values())

    def done() -> int:
        return sum(published.count().values()) if records is None else resumed + records()

    started = time.monotonic()
    with progress(done, plan.rows):
        figures = work()
    seconds = time.monotonic() - started
    return files_summary(start, plan, figures, before, published.count(), seconds)


@contextmanager
def no_progress(done: Callable[[], int], total: int | None) -> Iterator[None]:  # noqa: ARG001
    """Shows nothing."""
    yield
