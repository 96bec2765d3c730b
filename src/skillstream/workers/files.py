"""`skillstream tag` on this machine: in this process, or by several that take one range after another."""

from __future__ import annotations

import dataclasses
from collections import deque

from skillstream.errors import RunError, SkillstreamError
from skillstream.output import RunSummary, sweep
from skillstream.sources.files import FilePlan, FileRange
from skillstream.tagging import FilesConfig
from skillstream.tagging.files_job import FilesFigures, start_files
from skillstream.workers.cores import places
from skillstream.workers.files_run import Progress, run_with_summary
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
from skillstream.workers.ranges import count, peak_bytes, tag_range

__all__ = ["tag_here", "tag_with_workers"]


def tag_here(config: FilesConfig, plan: FilePlan, progress: Progress) -> RunSummary:
    """Tags what is planned in this process, one range after another.

    Args:
        config: what to do.
        plan: of `skillstream.tagging.files_job.plan_job`.
        progress: shows how far it is (see `skillstream.cli.progress`).

    Raises:
        UsageError: refused before the first record; nothing was written.
        RunError: it failed. Running again resumes where it stopped.
    """
    start = start_files(config, plan, here=True)
    worker = start.worker
    if worker is None:
        raise AssertionError("no worker in a job that tags here")
    figures = FilesFigures()
    about_to_publish: list[Tagged] = []

    def tell(message: Tagged | Published) -> None:
        if isinstance(message, Tagged):
            about_to_publish.append(message)
        else:
            count(figures, about_to_publish.pop())

    def work() -> FilesFigures:
        try:
            found = [tag_range(one, start.config, worker, tell) for one in plan.ranges]
        except SkillstreamError:
            raise
        except Exception as error:
            raise RunError(
                f"{type(error).__name__}: {error}; run again to resume where it stopped"
            ) from error
        figures.problems = [problem for problem in found if problem is not None]
        figures.peak_bytes = peak_bytes()
        return figures

    return run_with_summary(start, plan, progress, work, lambda: figures.records)


def tag_with_workers(config: FilesConfig, plan: FilePlan, workers: int, progress: Progress) -> RunSummary:
    """Tags what is planned by several processes and waits for the end.

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

        start = start_files(config, plan, here=False, loaded=load_first)
        run = _Run(pool, plan, workers, config.output)
        summary = run_with_summary(start, plan, progress, run.to_end, lambda: run.figures.records)
    if pool.restarts:
        sweep(config.output)  # what the dead left behind
    return summary


class _Run:
    """Ranges are given to whoever is free; those of a worker that dies go to its successor."""

    def __init__(self, pool: Pool, plan: FilePlan, workers: int, output: str) -> None:
        self.figures = FilesFigures(workers=workers)
        self._pool = pool
        self._workers = workers
        self._output = output
        self._todo = deque(plan.ranges)
        self._at: dict[int, FileRange] = {}
        self._peaks: dict[int, int] = {}

    def to_end(self) -> FilesFigures:
        """Until every range is done, as far as it can be read; what was counted."""
        self._give(0)
        for number in range(1, self._workers):
            self._pool.start(number)
        while self._at or self._todo:
            heard = self._pool.next(1.0)
            if heard is not None:
                self._take(*heard)
        self.figures.peak_bytes = peak_bytes() + sum(self._peaks.values())
        self.figures.restarts = self._pool.restarts
        return self.figures

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
                count(self.figures, self._pool.tagged.pop(number))
                self._peaks[number] = max(message.peak, self._peaks.get(number, 0))
            case RangeDone():
                del self._at[number]
                if message.problem is not None:
                    self.figures.problems.append(message.problem)
                self._give(number)
            case Died():
                tagged = self._pool.last_published(number, self._output)
                if tagged is not None:
                    count(self.figures, tagged)
                if number in self._at:
                    self._todo.appendleft(self._at.pop(number))
                if self._todo:
                    self._pool.replace(number, message)
            case _:
                pass
