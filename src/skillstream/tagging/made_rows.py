"""The row of a record: its tags or why there are none, and the model and taxonomy that made it."""

from __future__ import annotations

from dataclasses import dataclass

from skillstream.chunks import Chunk, Record
from skillstream.encoder import Encoder, ModelFolder
from skillstream.index import IndexInfo, SkillsIndex
from skillstream.postings import Document, JobPosting
from skillstream.rejections import Rejection, RejectionCode
from skillstream.rows import Row, RowError, Tag
from skillstream.times import readable_time
from skillstream.version import __version__

__all__ = [
    "MadeBy",
    "internal",
    "model_version",
    "rejected_row",
    "tagged_row",
    "taxonomy_version",
]


@dataclass(frozen=True)
class MadeBy:
    """What a row states of the model and of the skills index that made it."""

    model: str
    taxonomy: str


def tagged_row(
    chunk: Chunk,
    record: Record,
    posting: JobPosting,
    document: Document,
    tags: list[Tag],
    made_by: MadeBy,
    tagged_at: int,
) -> Row:
    """The row of a record of `chunk` that could be read; `tagged_at` in milliseconds, UTC."""
    return Row(
        source=chunk.source,
        partition=chunk.partition,
        offset=record.offset,
        event_time=posting.event_time,  # the record's own, where it has one
        tagged_at=tagged_at,
        posting_id=posting.posting_id,
        title=document.text.partition("\n")[0],
        language=document.language,
        skills=tags,
        error=None,
        key=record.key,
        model_version=made_by.model,
        taxonomy_version=made_by.taxonomy,
        skillstream_version=__version__,
        headers=record.headers,
    )


def rejected_row(chunk: Chunk, record: Record, rejection: Rejection, made_by: MadeBy, tagged_at: int) -> Row:
    """The row of a record that could not be read, with its payload; `tagged_at` in milliseconds, UTC."""
    return Row(
        source=chunk.source,
        partition=chunk.partition,
        offset=record.offset,
        event_time=readable_time(record.event_time),
        tagged_at=tagged_at,
        posting_id=None,
        title=None,
        language=None,
        skills=[],
        error=RowError(str(rejection.code), rejection.detail, record.payload),
        key=record.key,
        model_version=made_by.model,
        taxonomy_version=made_by.taxonomy,
        skillstream_version=__version__,
        headers=record.headers,
    )


def model_version(model: Encoder | ModelFolder) -> str:
    """Name and fingerprint of the weights."""
    return f"{model.name}@{model.fingerprint[:12]}"


def taxonomy_version(index: SkillsIndex | IndexInfo) -> str:
    """Name and version of the taxonomy, and the version of the index made of it."""
    return f"{index.taxonomy_name}-{index.taxonomy_version}@{index.version}"


def internal(error: Exception) -> Rejection:
    """The rejection of a record that met a bug of ours."""
    detail = f"{type(error).__name__}: {error}"[:500]
    return Rejection(RejectionCode.INTERNAL, detail.encode(errors="replace").decode())
