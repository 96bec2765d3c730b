"""Chunks of records to chunks of rows; and, for other people's pipelines, postings to rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsSingleton, PCollection, TaggedOutput
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.shared import Shared
from apache_beam.utils.timestamp import Timestamp

from skillstream.chunks import Chunk, as_record
from skillstream.index import IndexPackage
from skillstream.postings import MAX_FIELDS
from skillstream.rows import TaggedChunk, row_to_dict
from skillstream.tagging import TagConfig, Tagger, TagWorker
from skillstream.tagging.worker import process_worker
from skillstream.transforms import coders  # noqa: F401 - registers the coders of Chunk and TaggedChunk

__all__ = ["FIELDS", "REJECTED", "TAGGED", "UNREAD_TIME", "TagChunks", "TagPostings"]

# Name of the metric (a set of strings) with names of the fields of records whose description was not found.
FIELDS = "fields"
_FIELDS = Metrics.string_set("skillstream", FIELDS)
# The first time that each worker cannot read, with its field.
UNREAD_TIME = "unread_time"
_UNREAD_TIME = Metrics.string_set("skillstream", UNREAD_TIME)

TAGGED = "tagged"
REJECTED = "rejected"


@dataclass(eq=False)
class TagChunks(beam.PTransform):
    """`PCollection[Chunk]` to `PCollection[TaggedChunk]`, one for one, in order within a bundle.

    Attributes:
        config: model, taxonomy and what else decides the tags.
        index: side input from `skills_index_side_input`. Without it every worker loads the index that
            `config` names and, if that is a folder, looks for a new version between chunks.
    """

    config: TagConfig
    index: AsSingleton | None = None

    def expand(self, chunks: PCollection) -> PCollection:
        side_input = {} if self.index is None else {"index": self.index}
        return chunks | beam.ParDo(_TagChunk(self.config), **side_input).with_output_types(TaggedChunk)


@dataclass(eq=False)
class TagPostings(beam.PTransform):
    """Tags any `PCollection` of postings, for pipelines that read and write elsewhere.

    Elements are mappings (`{"id": ..., "title": ..., "description": ...}`) or JSON objects as bytes,
    plain or in schema.org's JobPosting form. The result has two outputs:

    - `tagged`: one dict a posting with `posting_id`, `title`, `language`, `event_time`, `skills` (a
      ranked list of dicts as in the Parquet schema) and the versions that made it;
    - `rejected`: one dict a posting that could not be read: `error` with `code`, `detail`, `payload`.

    Example:
        >>> results = postings | TagPostings(TagConfig(top_k=10))      # doctest: +SKIP
        >>> results.tagged | beam.Map(print)                           # doctest: +SKIP
        >>> results.rejected | beam.Map(lambda row: row["error"])      # doctest: +SKIP

    Elements keep their timestamps. Exactly-once delivery is then the business of the pipeline around it.

    Attributes:
        config: model, taxonomy and what else decides the tags.
        index: side input from `skills_index_side_input`, or `None` to load the configured index.
        max_batch_size: postings encoded together at most.
    """

    config: TagConfig = field(default_factory=TagConfig)
    index: AsSingleton | None = None
    max_batch_size: int = 64

    def expand(self, postings: PCollection) -> Any:
        side_input = {} if self.index is None else {"index": self.index}
        return (
            postings
            | "WithTime" >> beam.Map(_with_time)
            | beam.BatchElements(min_batch_size=1, max_batch_size=self.max_batch_size)
            | beam.ParDo(_TagBatch(self.config), **side_input).with_outputs(REJECTED, main=TAGGED)
        )


class _WorkerDoFn(beam.DoFn):
    """Holds the process's `TagWorker`, so that the encoder is loaded once however many threads run."""

    def __init__(self, config: TagConfig) -> None:
        self._config = config
        self._shared = Shared()
        self._worker: TagWorker | None = None
        self._counters = _Counters()

    def setup(self) -> None:
        self._worker = self._shared.acquire(lambda: process_worker(self._config))

    def _tag(self, chunk: Chunk, index: IndexPackage | None) -> tuple[TaggedChunk, Tagger]:
        assert self._worker is not None, "setup was not called"  # noqa: S101
        with self._worker.lock:
            tagger = self._worker.tagger(index)
            tagged = tagger.tag_chunk(chunk)
        self._counters.count(tagged, tagger)
        return tagged, tagger


class _TagChunk(_WorkerDoFn):
    def process(self, chunk: Chunk, index: IndexPackage | None = None) -> Iterator[TaggedChunk]:
        yield self._tag(chunk, index)[0]


class _TagBatch(_WorkerDoFn):
    def process(
        self, batch: list[tuple[Mapping[str, object] | bytes, Timestamp]], index: IndexPackage | None = None
    ) -> Iterable[Any]:
        records = [as_record(offset, posting) for offset, (posting, _) in enumerate(batch)]
        tagged, _ = self._tag(Chunk("", 0, 0, len(records), records), index)
        for row, (_, time) in zip(tagged.rows, batch, strict=True):
            values = row_to_dict(row)
            for column in ("source", "partition", "offset", "key", "headers"):
                del values[column]
            if row.error is None:
                del values["error"]
                yield TimestampedValue(values, time)
            else:
                yield TaggedOutput(REJECTED, TimestampedValue(values, time))


def _with_time(posting: Any, time: Timestamp = beam.DoFn.TimestampParam) -> tuple[Any, Timestamp]:
    """Batching forgets when an element was: keep it beside the element."""
    return posting, time


class _Counters:
    """Beam's own metrics, as any runner's monitoring shows them (namespace `skillstream`)."""

    def __init__(self) -> None:
        self.counters = {
            name: Metrics.counter("skillstream", name)
            for name in (
                "records",
                "tagged",
                "title_only",
                "unread_times",
                "tags",
                "sentences",
                "sentences_cached",
                "sentences_skipped",
                "tokens",
            )
        }
        self.fields: set[str] = set()
        self.has_unread_time = False

    def count(self, chunk: TaggedChunk, tagger: Tagger) -> None:
        rejected = [row.error.code for row in chunk.rows if row.error is not None]
        self.counters["records"].inc(len(chunk.rows))
        self.counters["tagged"].inc(len(chunk.rows) - len(rejected))
        self.counters["tags"].inc(sum(len(row.skills) for row in chunk.rows))
        self.counters["sentences"].inc(chunk.sentences)
        self.counters["sentences_cached"].inc(chunk.cached)
        self.counters["sentences_skipped"].inc(chunk.skipped)
        self.counters["tokens"].inc(chunk.tokens)
        self.counters["title_only"].inc(chunk.title_only)
        self.counters["unread_times"].inc(chunk.unread_times)
        if chunk.unread_time is not None and not self.has_unread_time:
            self.has_unread_time = True
            _UNREAD_TIME.add(chunk.unread_time)
        for name in chunk.fields:
            if len(self.fields) < MAX_FIELDS and name not in self.fields:
                self.fields.add(name)
                _FIELDS.add(name)
        for code in rejected:
            Metrics.counter("skillstream", f"rejected_{code}").inc()
        for row in chunk.rows:
            if not tagger.serves(row.language):
                Metrics.counter("skillstream", f"language_{row.language}").inc()
