"""What a job over files needs around its work, in one process or several: plan, progress, summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skillstream.output import Chain, RunSummary, SourceSummary, read_run, title_only_line, unread_times_line
from skillstream.sources.files import RANGE_BYTES, FilePlan, check_named_fields, plan_files
from skillstream.tagging.start import Start, start_job

if TYPE_CHECKING:
    from skillstream.tagging.config import FilesConfig

__all__ = ["FilesFigures", "PublishedRows", "files_summary", "plan_job", "start_files"]

# With several workers: ranges for each, so that all end at about the same time; and the least worth one.
RANGES_PER_WORKER = 4
LEAST_RANGE_BYTES = 1 << 20


@dataclass
class FilesFigures:
    """What a run over files counted. `peak_bytes`: resident memory at the peak, of all processes together."""

    records: int = 0
    tagged: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    other_languages: Counter[str] = field(default_factory=Counter)
    tags: int = 0
    sentences: int = 0
    cached: int = 0
    tokens: int = 0
    title_only: int = 0
    fields: Sequence[str] = ()
    unread_times: int = 0
    unread_time: str | None = None
    problems: list[str] = field(default_factory=list)
    peak_bytes: int = 0
    workers: int = 1
    restarts: int = 0


def plan_job(config: FilesConfig, inputs: Sequence[str], workers: int = 1) -> FilePlan:
    """The plan for the inputs; large files are cut again as they were: every range finds its own chain.

    Args:
        config: what to do.
        inputs: files, folders or patterns.
        workers: how many are to share the ranges, for an output that is new.

    Raises:
        UsageError: an input or the output cannot be used.
    """
    held = read_run(config.output)

    def plan(range_bytes: int) -> FilePlan:
        return plan_files(
            inputs, config.fields, output=config.output, range_bytes=range_bytes, options=config.reading
        )

    found = plan((held and held.range_bytes) or RANGE_BYTES)
    size = sum(file.bytes for file in found.files)
    wanted = RANGES_PER_WORKER * workers
    if held is None and workers > 1 and size > LEAST_RANGE_BYTES and len(found.ranges) < wanted:
        found = plan(max(LEAST_RANGE_BYTES, size // wanted))
    check_named_fields(found, config.fields, config.max_chunk_rows)
    return found


def start_files(
    config: FilesConfig,
    plan: FilePlan,
    *,
    here: bool,
    loaded: Callable[[FilesConfig], str | None] = lambda _: None,
) -> Start[FilesConfig]:
    """`start_job` for these files; `run.json` remembers where each is read, and how large files were cut."""
    return start_job(
        config,
        {"source": "files"},
        here=here,
        temporary=True,
        sources={file.source: file.path for file in plan.files},
        range_bytes=plan.range_bytes,
        loaded=loaded,
    )


class PublishedRows:
    """How far the chains of a plan have come; cheap to ask repeatedly."""

    def __init__(self, output: str, plan: FilePlan) -> None:
        self._sources = [file.source for file in plan.files]
        self._chains = [(item, Chain(output, item.source, item.partition)) for item in plan.ranges]

    def count(self) -> dict[str, int]:
        """Rows in the output by now, by source."""
        rows = dict.fromkeys(self._sources, 0)
        for item, chain in self._chains:
            head = chain.head()
            rows[item.source] += 0 if head is None else head - item.start
        return rows


def files_summary(
    start: Start[FilesConfig],
    plan: FilePlan,
    figures: FilesFigures,
    before: dict[str, int],
    after: dict[str, int],
    seconds: float,
) -> RunSummary:
    """The run for people and scripts; `before` and `after`: rows in the output by source."""
    config = start.config
    fields = sorted(figures.fields)
    return RunSummary(
        output=config.output,
        sources=[SourceSummary(file.path, file.source, after[file.source]) for file in plan.files],
        records=figures.records,
        tagged=figures.tagged,
        rejected=dict(sorted(figures.rejected.items())),
        other_languages=dict(sorted(figures.other_languages.items())),
        tags=figures.tags,
        resumed=sum(before.values()),
        sentences=figures.sentences,
        cached_sentences=figures.cached,
        tokens=figures.tokens,
        seconds=round(seconds, 3),
        postings_per_second=round(figures.records / seconds, 2),
        tokens_per_second=round(figures.tokens / seconds, 1),
        peak_memory_mb=round(figures.peak_bytes / (1 << 20), 1),
        model_version=start.model_version,
        taxonomy_version=start.taxonomy_version,
        problems=sorted(figures.problems),
        notes=[
            *plan.notes,
            *_encoding_note(figures.rejected.get("invalid_utf8", 0), config),
            *(f"{path}: left out, it is the same file as another input" for path in plan.duplicates),
            *([title_only_line(figures.title_only, figures.records, fields)] if figures.title_only else []),
            *(
                [unread_times_line(figures.unread_times, figures.records, figures.unread_time)]
                if figures.unread_times
                else []
            ),
        ],
        title_only=figures.title_only,
        fields=fields,
        unread_times=figures.unread_times,
        unread_time=figures.unread_time,
        workers=figures.workers,
        restarts=figures.restarts,
    )


def _encoding_note(rows: int, config: FilesConfig) -> list[str]:
    if not rows or config.encoding is not None:
        return []
    return [
        f"{rows:,} rows rejected as invalid_utf8: their file is not UTF-8; convert it, e.g. with "
        "iconv -f cp1252 -t utf-8, or say --encoding cp1252"
    ]
