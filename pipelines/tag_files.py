"""Files to ranked skill tags in Parquet: `skillstream tag`, or by itself with Beam's flags.

python -m skillstream.pipelines.tag_files --input=postings.jsonl --output=tags --runner=DirectRunner
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from skillstream.output import Chain, RunSummary, SourceSummary, read_run, title_only_line
from skillstream.pipelines.command import run_command
from skillstream.pipelines.dataflow import dataflow_flags
from skillstream.pipelines.options import pipeline_runner, run_to_end, runs_here
from skillstream.postings import MAX_FIELDS
from skillstream.sources.files import RANGE_BYTES, FilePlan, FileRange, check_named_fields, plan_files
from skillstream.tagging import FilesConfig, start_job
from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_files import PROBLEMS, ReadFiles
from skillstream.transforms.skills_index import skills_index_side_input
from skillstream.transforms.tag import FIELDS, TagChunks

__all__ = ["build", "main", "run"]

Progress = Callable[[Callable[[], int], int | None], AbstractContextManager[None]]


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
    progress: Progress | None = None,
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
    held = read_run(config.output)
    # A large file is cut again as it was, so that every range finds its own chain.
    range_bytes = (held and held.range_bytes) or RANGE_BYTES
    plan = plan_files(
        inputs, config.fields, output=config.output, range_bytes=range_bytes, options=config.reading
    )
    check_named_fields(plan, config.fields, config.max_chunk_rows)
    here = runs_here(runner, options)
    start = start_job(
        config,
        {"source": "files"},
        here=here,
        temporary=True,
        sources={file.source: file.path for file in plan.files},
        range_bytes=plan.range_bytes,
    )
    progress_of = _Published(config.output, plan)
    before = progress_of.rows()
    total = None if any(file.rows is None for file in plan.files) else sum(f.rows or 0 for f in plan.files)
    show = progress or _no_progress
    started = time.monotonic()
    with start.handed_over(), show(lambda: sum(progress_of.rows().values()), total):
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, start.config, plan.ranges, None if here else start.config.index)
        metrics = _RunMetrics(run_to_end(pipeline, "run again to resume where it stopped"))
    seconds = time.monotonic() - started
    after = progress_of.rows()
    title_only, fields = metrics.count("title_only"), metrics.strings(FIELDS)[:MAX_FIELDS]
    return RunSummary(
        output=config.output,
        sources=[SourceSummary(file.path, file.source, after[file.source]) for file in plan.files],
        records=metrics.count("records"),
        tagged=metrics.count("tagged"),
        rejected=metrics.counts("rejected_"),
        other_languages=metrics.counts("language_"),
        tags=metrics.count("tags"),
        resumed=sum(before.values()),
        sentences=metrics.count("sentences"),
        cached_sentences=metrics.count("sentences_cached"),
        tokens=metrics.count("tokens"),
        seconds=round(seconds, 3),
        postings_per_second=round(metrics.count("records") / seconds, 2),
        tokens_per_second=round(metrics.count("tokens") / seconds, 1),
        peak_memory_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        model_version=start.model_version,
        taxonomy_version=start.taxonomy_version,
        problems=metrics.strings(PROBLEMS),
        notes=[
            *plan.notes,
            *_encoding_note(metrics.count("rejected_invalid_utf8"), config),
            *(f"{path}: left out, it is the same file as another input" for path in plan.duplicates),
            *([title_only_line(title_only, metrics.count("records"), fields)] if title_only else []),
        ],
        title_only=title_only,
        fields=fields,
    )


def _encoding_note(rows: int, config: FilesConfig) -> list[str]:
    if not rows or config.encoding is not None:
        return []
    return [
        f"{rows:,} rows rejected as invalid_utf8: their file is not UTF-8; convert it, e.g. with "
        "iconv -f cp1252 -t utf-8, or say --encoding cp1252"
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m skillstream.pipelines.tag_files`: our flags in Beam's style, the rest is Beam's."""
    return run_command(
        "skillstream.pipelines.tag_files",
        FilesConfig,
        lambda config, flags, beam_flags: run(config, flags.input, beam_flags),
        argv,
        repeated={"input": "File, folder or pattern with postings; may be repeated."},
    )


class _Published:
    """How far the chains of a plan have come; cheap to ask again and again."""

    def __init__(self, output: str, plan: FilePlan) -> None:
        self._sources = [file.source for file in plan.files]
        self._chains = [(item, Chain(output, item.source, item.partition)) for item in plan.ranges]

    def rows(self) -> dict[str, int]:
        """Rows in the output by now, by source."""
        rows = dict.fromkeys(self._sources, 0)
        for item, chain in self._chains:
            head = chain.head()
            rows[item.source] += 0 if head is None else head - item.start
        return rows


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

    def count(self, name: str) -> int:
        return int(self._counters.get(name, 0))

    def counts(self, prefix: str) -> dict[str, int]:
        found = {
            name.removeprefix(prefix): int(n) for name, n in self._counters.items() if name.startswith(prefix)
        }
        return dict(sorted(found.items()))

    def strings(self, name: str) -> list[str]:
        return sorted(self._strings.get(name, ()))


@contextmanager
def _no_progress(done: Callable[[], int], total: int | None) -> Iterator[None]:  # noqa: ARG001
    yield


if __name__ == "__main__":
    sys.exit(main())
