"""The output: one row per record, and its Arrow schema.

This file is the contract with everybody who reads the Parquet files. It changes only with an ADR,
a changelog line and, where old readers would break, a new `SCHEMA_VERSION`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pyarrow as pa

__all__ = [
    "ROW_SCHEMA",
    "SCHEMA_VERSION",
    "Row",
    "RowError",
    "Tag",
    "TaggedChunk",
    "row_to_dict",
    "rows_to_table",
]

SCHEMA_VERSION = "1"


class Tag(msgspec.Struct, frozen=True, array_like=True):
    """One skill that a posting asks for.

    Attributes:
        rank: position among the posting's tags; 1 is the best.
        uri: the skill's id in the taxonomy.
        label: the skill's preferred label.
        score: similarity of evidence and label: the mean of the pooled cosine and the token-level
            match, in [-1, 1].
        confidence: estimated probability that a careful reader calls the tag right, in [0, 1]; how well it
            holds is described in docs/explanation/ranking.md.
        match: `exact` (a label occurs in the text), `semantic` (similar in meaning) or `both`.
        evidence: the sentence that asks for the skill, as in the posting's plain text.
        start, end: characters of the evidence in the posting's plain text, half-open: [start, end).
        section: part of the posting that holds the evidence; one of the sections.
        groups: groups that the skill rolls up to in the taxonomy, most specific first.
        words: the words of the evidence that prove the skill.
        words_start, words_end: characters of `words` in the posting's plain text, half-open.
        required: true if a sentence asks for the skill as a requirement, false if it is only wished for
            ("a plus", "preferred"), null if neither is said.
        uris: all ids of the skill: `uri`, then those of the same thing in other taxonomies.
    """

    rank: int
    uri: str
    label: str
    score: float
    confidence: float
    match: str
    evidence: str
    start: int
    end: int
    section: str
    groups: list[str]
    words: str
    words_start: int
    words_end: int
    required: bool | None = None
    uris: list[str] = []


class RowError(msgspec.Struct, frozen=True, array_like=True):
    """Why the record was rejected, with the record as it came.

    Attributes:
        code: the reason; one of the error codes.
        detail: one sentence about this record; its wording may change.
        payload: the record's bytes as they came, whatever was sent, so maybe personal data; `None` if it
            had none, or its batch of records was too large to be read.
    """

    code: str
    detail: str
    payload: bytes | None


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One record of the source, tagged or rejected; (source, partition, offset) is unique.

    Attributes:
        source: the Kafka topic, or `<name>-<fingerprint>` of the input file.
        partition: the topic's partition, or the number of a range of rows of the file, from 0.
        offset: the record's Kafka offset, or its row number in the file, from 0.
        event_time: milliseconds since the epoch, UTC: the Kafka record's own time, else when the posting
            says it was posted; `None` if neither is known.
        tagged_at: milliseconds since the epoch, UTC: when this row was made.
        posting_id: the posting's own id; a number becomes its decimal digits; `None` if it has none, and
            in rejected rows.
        title: the posting's title, one line, entities decoded; may be empty; `None` in rejected rows.
        language: ISO 639 code, stated by the posting or detected; `None` if unknown, and in rejected rows.
        skills: the tags, best first; empty in rejected rows, and where no skill was found.
        error: why the record was rejected; `None` in tagged rows.
        key: the Kafka record's key; `None` without one and for files.
        model_version: name and fingerprint of the encoder: `<name>@<fingerprint>`.
        taxonomy_version: taxonomy and index that were used: `<name>-<version>@<index version>`.
        skillstream_version: version of this package.
        headers: the Kafka record's headers, in order; `None` without any and for files.
        headers.name: the header's name; may occur more than once.
        headers.value: the header's bytes; may be `None`.
    """

    source: str
    partition: int
    offset: int
    event_time: int | None
    tagged_at: int
    posting_id: str | None
    title: str | None
    language: str | None
    skills: list[Tag]
    error: RowError | None
    key: bytes | None
    model_version: str
    taxonomy_version: str
    skillstream_version: str
    headers: list[tuple[str, bytes | None]] | None = None


TAG_TYPE = pa.struct(
    [
        pa.field("rank", pa.int16(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("match", pa.string(), nullable=False),
        pa.field("evidence", pa.string(), nullable=False),
        pa.field("start", pa.int32(), nullable=False),
        pa.field("end", pa.int32(), nullable=False),
        pa.field("section", pa.string(), nullable=False),
        pa.field("groups", pa.list_(pa.string()), nullable=False),
        pa.field("words", pa.string(), nullable=False),
        pa.field("words_start", pa.int32(), nullable=False),
        pa.field("words_end", pa.int32(), nullable=False),
        pa.field("required", pa.bool_()),
        pa.field("uris", pa.list_(pa.string()), nullable=False),
    ]
)
ERROR_TYPE = pa.struct(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("payload", pa.binary()),
    ]
)
HEADER_TYPE = pa.struct([pa.field("name", pa.string(), nullable=False), pa.field("value", pa.binary())])
ROW_SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("partition", pa.int32(), nullable=False),
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("event_time", pa.timestamp("ms", tz="UTC")),
        pa.field("tagged_at", pa.timestamp("ms", tz="UTC"), nullable=False),
        pa.field("posting_id", pa.string()),
        pa.field("title", pa.string()),
        pa.field("language", pa.string()),
        pa.field("skills", pa.list_(TAG_TYPE), nullable=False),
        pa.field("error", ERROR_TYPE),
        pa.field("key", pa.binary()),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("taxonomy_version", pa.string(), nullable=False),
        pa.field("skillstream_version", pa.string(), nullable=False),
        pa.field("headers", pa.list_(HEADER_TYPE)),
    ]
)


def rows_to_table(rows: Sequence[Row]) -> pa.Table:
    """Rows as an Arrow table with exactly `ROW_SCHEMA`, in the given order."""
    return pa.Table.from_pylist([row_to_dict(row) for row in rows], schema=ROW_SCHEMA)


def row_to_dict(row: Row) -> dict[str, object]:
    """A row as plain Python values, keyed by column name; skills and error as dicts."""
    values = msgspec.structs.asdict(row)
    values["skills"] = [msgspec.structs.asdict(tag) for tag in row.skills]
    values["error"] = None if row.error is None else msgspec.structs.asdict(row.error)
    if row.headers is not None:
        values["headers"] = [{"name": name, "value": value} for name, value in row.headers]
    return values


class TaggedChunk(msgspec.Struct, frozen=True, array_like=True):
    """What a chunk became: its rows, in order of offset, and what it took. Covers [start, end).

    `sentences` counts all sentences of the chunk, `cached` those whose result was in the cache,
    `skipped` those that were not encoded because nothing in them could count, `tokens` the tokens that went
    through the encoder. `title_only` counts postings without a description,
    `fields` are the names of the fields of the first one; `unread_times` counts postings that state a time
    which cannot be read, `unread_time` is the first one, with its field; `warnings` are lines for people.
    """

    source: str
    partition: int
    start: int
    end: int
    rows: list[Row]
    sentences: int = 0
    cached: int = 0
    tokens: int = 0
    title_only: int = 0
    fields: list[str] = []
    warnings: list[str] = []
    skipped: int = 0
    leader_epoch: int | None = None
    unread_times: int = 0
    unread_time: str | None = None
