"""Files to ranked skill tags in Parquet: `skillstream tag`, or by itself with Beam's flags.

python -m skillstream.pipelines.tag_files --input=postings.jsonl --output=tags --runner=DirectRunner
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from skillstream.output import RunSummary
from skillstream.pipelines.command import run_command
from skillstream.pipelines.dataflow import dataflow_flags
from skillstream.pipelines.options import pipeline_runner, run_to_end, runs_here
from skillstream.postings import MAX_FIELDS
from skillstream.sources.files import FileRange
from skillstream.tagging import FilesConfig
from skillstream.tagging.files_job import FilesFigures, plan_job, start_files
from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_files import PROBLEMS, ReadFiles
from skillstream.transforms.skills_index import skills_index_side_input
from skillstream.transforms.tag import FIELDS, UNREAD_TIME, TagChunks
from skillstream.workers.files_run import Progress, no_progress, run_with_summary
from skillstream.workers.ranges import peak_bytes

__all__ = ["build", "main", "run"]


def build(
    pipeline: beam.Pipeline, config: FilesConfig, ranges: Sequence[FileRange], index_folder: str | Path | None
) -> beam.PCollection:
    """Ranges → chunks → tagged chunks → files; ranges run side by side where workers allow.

    Without `index_folder` each worker process opens the index that `config` names, or has it open already.
    """
    index = None if index_folder is None else skills_index_side_input(pipeline, index_folder)
    return (
        pipeline
        | "ReadFiles" >> ReadFiles(ranges, config.output, config.max_chunk_rows)
        | "Tag" >> TagChunks(config, index)
        | "Publish" >> PublishChunks(config.output)
    )


def run(
    config: FilesConfig,
    inputs: Sequence[str],
    beam_flags: Sequence[str] = (),
    progress: Progress = no_progress,
) -> RunSummary:
    """Tags the inputs and waits for the end.

    Args:
        config: what to do.
        inputs: files, folders or patterns.
        beam_flags: Beam's own, such as `--runner=...`.
        progress: shows how far it is (see `skillstream.cli.progress`).

    Raises:
        UsageError: refused before the first record; nothing was written.
        RunError: a worker failed. Running again resumes where it stopped.
    """
    beam_flags = dataflow_flags(beam_flags, config, config.output, inputs=inputs)
    runner, options = pipeline_runner(beam_flags), PipelineOptions(list(beam_flags))
    plan = plan_job(config, inputs)
    here = runs_here(runner, options)
    start = start_files(config, plan, here=here)

    def work() -> FilesFigures:
        with start.handed_over():
            pipeline = beam.Pipeline(runner=runner, options=options)
            build(pipeline, start.config, plan.ranges, None if here else start.config.index)
            return _RunMetrics(run_to_end(pipeline, "run again to resume where it stopped")).figures()

    return run_with_summary(start, plan, progress, work)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m skillstream.pipelines.tag_files`: our flags in Beam's style, the rest is Beam's."""
    return run_command(
        "skillstream.pipelines.tag_files",
        FilesConfig,
        lambda config, flags, beam_flags: run(config, flags.input, beam_flags),
        argv,
        repeated={"input": "File, folder or pattern with postings; may be repeated."},
    )


class _RunMetrics:
    """Beam's metrics of a finished job, by name."""

    def __init__(self, result: PipelineResult) -> None:
        if not getattr(result, "has_job", True):  # Dataflow wrote a template, and nothing ran
            self._counters: dict[str, int] = {}
            self._strings: dict[str, set[str]] = {}
            return
        query = result.metrics().query(MetricsFilter().with_namespace("skillstream"))
        self._counters = {entry.key.metric.name: entry.result for entry in query["counters"]}
        self._strings = {entry.key.metric.name: entry.result for entry in query.get("string_sets", [])}

    def figures(self) -> FilesFigures:
        """All of them, and the memory of this process."""
        return FilesFigures(
            records=self.count("records"),
            tagged=self.count("tagged"),
            rejected=self.counts("rejected_"),
            other_languages=self.counts("language_"),
            tags=self.count("tags"),
            sentences=self.count("sentences"),
            cached=self.count("sentences_cached"),
            tokens=self.count("tokens"),
            title_only=self.count("title_only"),
            fields=self.strings(FIELDS)[:MAX_FIELDS],
            unread_times=self.count("unread_times"),
            unread_time=next(iter(self.strings(UNREAD_TIME)), None),
            problems=self.strings(PROBLEMS),
            peak_bytes=peak_bytes(),
        )

    def count(self, name: str) -> int:
        return int(self._counters.get(name, 0))

    def counts(self, prefix: str) -> Counter[str]:
        return Counter({
            name.removeprefix(prefix): int(n) for name, n in self._counters.items() if name.startswith(prefix)
        })  # fmt: skip

    def strings(self, name: str) -> list[str]:
        return sorted(self._strings.get(name, ()))


if __name__ == "__main__":
    sys.exit(main())
