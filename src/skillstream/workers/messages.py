"""What parent and workers say to each other: JSON, one line each, through the worker's stdin and stdout."""

from __future__ import annotations

import msgspec

from skillstream.monitoring import Reading
from skillstream.rows import TaggedChunk
from skillstream.sources.files import FileRange
from skillstream.sources.kafka import Share
from skillstream.tagging import FilesConfig, StreamConfig, Tagger

__all__ = [
    "Died",
    "Ended",
    "Failed",
    "FilesJob",
    "Go",
    "Job",
    "Message",
    "Order",
    "Published",
    "RangeDone",
    "Read",
    "ReadRange",
    "Ready",
    "Stop",
    "StreamJob",
    "Tagged",
    "Waiting",
    "tagged_message",
]


# --- from the parent -------------------------------------------------------------------------------------


class FilesJob(msgspec.Struct, frozen=True, tag="files"):
    """The first line: tag the ranges that will be named. `cores` as in `Place`."""

    config: FilesConfig
    cores: tuple[int, ...] = ()


class StreamJob(msgspec.Struct, frozen=True, tag="stream"):
    """The first line: tag this share of the topic."""

    config: StreamConfig
    share: Share
    cores: tuple[int, ...] = ()


class ReadRange(msgspec.Struct, frozen=True, tag="range"):
    """Tag this range, then say `RangeDone`."""

    range: FileRange


class Go(msgspec.Struct, frozen=True, tag="go"):
    """The output is open: begin to read the topic."""


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Publish what is buffered, say `Ended` and end."""


Job = FilesJob | StreamJob
Order = ReadRange | Go | Stop


# --- from a worker ---------------------------------------------------------------------------------------


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Model and index are loaded; the versions that rows will state, and what the encoder computes with."""

    model_version: str
    taxonomy_version: str
    precision: str


class Tagged(msgspec.Struct, frozen=True, tag="tagged"):
    """The figures of a chunk that is about to be published. They count once it is: see `Published`."""

    source: str
    partition: int
    end: int
    records: int
    rejected: dict[str, int]
    other_languages: dict[str, int]
    tags: int
    sentences: int
    cached: int
    tokens: int
    title_only: int
    fields: list[str]
    unread_times: int
    unread_time: str | None
    warnings: list[str]
    versions: tuple[str, str] | None


class Published(msgspec.Struct, frozen=True, tag="published"):
    """The chunk of the last `Tagged` is in the output. `ages` of its records in s; memory in bytes."""

    ages: list[float]
    resident: int
    peak: int


class Read(msgspec.Struct, frozen=True, tag="read"):
    """How far the topic's share is read."""

    reading: Reading


class Waiting(msgspec.Struct, frozen=True, tag="waiting"):
    """The store is away and is asked again: `problem`; `None` once that is over."""

    problem: str | None


class RangeDone(msgspec.Struct, frozen=True, tag="range_done"):
    """A range is tagged, or as far as it could be read: `problem`."""

    problem: str | None


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """All that was asked for is done."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The job fails: another try would, too. `usage`: refused before the first record."""

    message: str
    usage: bool


class Died(msgspec.Struct, frozen=True, tag="died"):
    """The process has ended without a word; `code` as `subprocess` has it. The pool says this."""

    code: int


Message = Ready | Tagged | Published | Read | Waiting | RangeDone | Ended | Failed | Died


def tagged_message(chunk: TaggedChunk, tagger: Tagger) -> Tagged:
    """The figures of a chunk."""
    rejected: dict[str, int] = {}
    languages: dict[str, int] = {}
    for row in chunk.rows:
        if row.error is not None:
            rejected[row.error.code] = rejected.get(row.error.code, 0) + 1
        if row.language is not None and not tagger.serves(row.language):
            languages[row.language] = languages.get(row.language, 0) + 1
    last = chunk.rows[-1] if chunk.rows else None
    return Tagged(
        source=chunk.source,
        partition=chunk.partition,
        end=chunk.end,
        records=len(chunk.rows),
        rejected=rejected,
        other_languages=languages,
        tags=sum(len(row.skills) for row in chunk.rows),
        sentences=chunk.sentences,
        cached=chunk.cached,
        tokens=chunk.tokens,
        title_only=chunk.title_only,
        fields=list(chunk.fields),
        unread_times=chunk.unread_times,
        unread_time=chunk.unread_time,
        warnings=list(chunk.warnings),
        versions=None if last is None else (last.model_version, last.taxonomy_version),
    )
