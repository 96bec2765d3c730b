"""What a run of `skillstream tag` or `skillstream stream` did, for people and, as JSON, for scripts."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

__all__ = ["RunSummary", "SourceSummary", "StreamSummary", "title_only_line", "unread_times_line"]


class SourceSummary(msgspec.Struct, frozen=True):
    """One input file. `rows` is what its published files hold by now, from this and earlier runs."""

    path: str
    source: str
    rows: int


class RunSummary(msgspec.Struct, frozen=True):
    """Figures of one run.

    Attributes:
        output: the output folder.
        sources: one entry an input file.
        records: records that this run tagged or rejected; those of earlier runs are in `resumed`.
        tagged: records with at least the chance of tags: read without error.
        rejected: rejected records by code.
        other_languages: tagged records by language, if the model does not serve it (`--languages`): these
            have technologies named word for word and no other tags.
        tags: tags written.
        resumed: rows that stood in the output before.
        sentences, cached_sentences, tokens: what the records had, what the cache knew, what was encoded.
        seconds: wall-clock time of reading, tagging and publishing, without loading.
        peak_memory_mb: peak resident memory of all processes together.
        problems: one line for each input that could not be read to its end; the exit code is 1 then.
        notes: one line for each thing worth knowing that is no problem.
        title_only: tagged records that have a title but no description.
        fields: names of the fields that some of these records have.
        unread_times: tagged records that state a time which cannot be read; `unread_time` is one, with its
            field.
        workers: processes that tagged; `restarts` of these died and were started again.
    """

    output: str
    sources: list[SourceSummary]
    records: int
    tagged: int
    rejected: dict[str, int]
    tags: int
    resumed: int
    sentences: int
    cached_sentences: int
    tokens: int
    seconds: float
    postings_per_second: float
    tokens_per_second: float
    peak_memory_mb: float
    model_version: str
    taxonomy_version: str
    problems: list[str]
    notes: list[str]
    other_languages: dict[str, int] = {}
    title_only: int = 0
    fields: list[str] = []
    workers: int = 1
    restarts: int = 0
    unread_times: int = 0
    unread_time: str | None = None


class StreamSummary(msgspec.Struct, frozen=True):
    """What a run of `skillstream stream` did.

    Attributes:
        records: records published; `rejected` of them by code.
        title_only: records that have a title but no description; `fields` are names of the fields that they
            have.
        unread_times: records that state a time which cannot be read; `unread_time` is one of them, with its
            field.
        warnings: one line for each thing that is hardly meant so, such as a field that no record has.
        positions: partition → exclusive end of its chain.
        lag: records that were not read, by partition: 0 at the end of a back-fill.
        age_p50, age_p99: seconds from a record's own time to its file, over the last minute.
        restarts: worker processes that died and were started again.
    """

    output: str
    topic: str
    records: int
    rejected: dict[str, int]
    tags: int
    seconds: float
    positions: dict[int, int]
    lag: dict[int, int]
    age_p50: float | None
    age_p99: float | None
    model_version: str
    taxonomy_version: str
    title_only: int = 0
    fields: list[str] = []
    warnings: list[str] = []
    restarts: int = 0
    unread_times: int = 0
    unread_time: str | None = None


def title_only_line(count: int, records: int, fields: Sequence[str]) -> str:
    """What to tell of records whose description was not found."""
    have = f"; such a record has {', '.join(map(repr, fields))}" if fields else ""
    return (
        f"{count:,} of {records:,} records have no description and were tagged by their title alone{have}: "
        "name the field with --text-field, or the feed with --feed"
    )


def unread_times_line(count: int, records: int, example: str | None) -> str:
    """What to tell of records that state a time which cannot be read for sure."""
    such = f", such as {example}" if example else ""
    return f"{count:,} of {records:,} records state a time that cannot be read{such}: it is left out"
