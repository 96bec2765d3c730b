"""`skillstream tag` by several processes: each tags one range of the plan after another."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager

from skillstream.output import Chain, RunSummary, sweep
from skillstream.postings import MAX_FIELDS
from skillstream.sources.files import FilePlan, FileRange
from skillstream.tagging import FilesConfig, start_job
from skillstream.tagging.files_job import FilesFigures, PublishedRows, files_summary
from skillstream.workers.cores import places
from skillstream.workers.messages import (
    Died,
    FilesJob,
    Message,
    Published,
    RangeDone,
    ReadRange,
    Ready,
    Stop,
    Tagged,
)
from skillstream.workers.pool import Pool

__all__ = ["tag_with_workers"]

Progress = Callable[[Callable[[], int], int | None], AbstractContextManager[None]]


def tag_with_workers(config: FilesConfig, plan: FilePlan, workers: int, progress: Progress) -> RunSummary:
    """Tags what is planned and waits for the end.

    The first worker loads model and index alone: before the output is opened, so that what cannot be used is
    refused with nothing written, and before the others, so that what is made at first use is made once.

    Args:
        config: what to do.
        plan: of `skillstream.tagging.files_job.plan_job`.
        workers: processes; more than there are ranges would have nothing to do.
        progress: shows how far it is (see `skillstream.cli.progress`).

    Raises:
        UsageError: refused before the first record; nothing was written.
        RunError: a worker failed, or died again and again. Running again resumes where it stopped.
    """
    workers = max(1, min(workers, len(plan.ranges)))
    at = dict(enumerate(places(workers)))
    jobs: dict[int, FilesJob] = {}
    with Pool(jobs, at) as pool:

        def describe(given: FilesConfig) -> None:
            jobs.update({number: FilesJob(given, place.cores) for number, place in at.items()})

        def load_first(given: FilesConfig) -> str:
            describe(given)
            pool.start(0)
            precision = pool.wait_until_ready(0).precision
            describe(dataclasses.replace(given, precision=precision))  # for the others, and for restarts
            return precision

        start = start_job(
            config,
            {"source": "files"},
            here=False,
            temporary=True,
            sources={file.source: file.path for file in plan.files},
            range_bytes=plan.range_bytes,
            loaded=load_first,
        )
        published = PublishedRows(config.output, plan)
        before = published.count()
        run = _Run(pool, plan, workers, config.output)
        total = (
            None if any(file.rows is None for file in plan.files) else sum(f.rows or 0 for f in plan.files)
        )
        resumed = sum(before.values())
        started = time.monotonic()
        with progress(lambda: resumed + run.figures.records, total):
            run.to_end()
        seconds = time.monotonic() - started
    if pool.restarts:
        sweep(config.output)  # what the dead left behind
    return files_summary(start, plan, run.figures, before, published.count(), seconds)


class _Run:
    """Ranges are given to whoever is free; those of a worker that dies go to its successor."""

    def __init__(self, pool: Pool, plan: FilePlan, workers: int, output: str) -> None:
        self.figures = FilesFigures(workers=workers)
        self._pool = pool
        self._workers = workers
        self._output = output
        self._todo = deque(plan.ranges)
        self._at: dict[int, FileRange] = {}
        self._rejected: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._fields: dict[str, None] = {}
        self._problems: list[str] = []
        self._peaks: dict[int, int] = {}

    def to_end(self) -> None:
        """Until every range is done, as far as it can be read."""
        self._give(0)
        for number in range(1, self._workers):
            self._pool.start(number)
        while self._at or self._todo:
            heard = self._pool.next(1.0)
            if heard is not None:
                self._take(*heard)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        figures = self.figures
        figures.rejected, figures.other_languages = dict(self._rejected), dict(self._languages)
        figures.fields, figures.problems = list(self._fields)[:MAX_FIELDS], self._problems
        figures.peak_bytes, figures.restarts = own + sum(self._peaks.values()), self._pool.restarts

    def _give(self, number: int) -> None:
        if self._todo:
            self._at[number] = self._todo.popleft()
            self._pool.send(number, ReadRange(self._at[number]))
        else:
            self._pool.send(number, Stop())

    def _take(self, number: int, message: Message) -> None:
        match message:
            case Ready():
                self._give(number)
            case Published():
                self._count(self._pool.tagged.pop(number))
                self._peaks[number] = max(message.peak, self._peaks.get(number, 0))
            case RangeDone():
                del self._at[number]
                if message.problem is not None:
                    self._problems.append(message.problem)
                self._give(number)
            case Died():
                tagged = self._pool.tagged.pop(number, None)
                if tagged is not None and _is_published(self._output, tagged):
                    self._count(tagged)
                if number in self._at:
                    self._todo.appendleft(self._at.pop(number))
                if self._todo:
                    self._pool.replace(number, message)
            case _:
                pass

    def _count(self, tagged: Tagged) -> None:
        figures = self.figures
        figures.records += tagged.records
        figures.tagged += tagged.records - sum(tagged.rejected.values())
        figures.tags += tagged.tags
        figures.sentences += tagged.sentences
        figures.cached += tagged.cached
        figures.tokens += tagged.tokens
        figures.title_only += tagged.title_only
        figures.unread_times += tagged.unread_times
        figures.unread_time = figures.unread_time or tagged.unread_time
        self._rejected.update(tagged.rejected)
        self._languages.update(tagged.other_languages)
        self._fields.update(dict.fromkeys(tagged.fields))


def _is_published(output: str, tagged: Tagged) -> bool:
    """Whether a chunk got into the output although its worker died before saying so."""
    return (Chain(output, tagged.source, tagged.partition).head() or 0) >= tagged.end
