"""Tagged chunks to Parquet files, exactly once (see `skillstream.output.chain`)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PCollection

from skillstream.output import Chain, PublishResult
from skillstream.rows import TaggedChunk

__all__ = ["PublishChunks"]


@dataclass(eq=False)
class PublishChunks(beam.PTransform):
    """`PCollection[TaggedChunk]` to the chain of files in `output`; yields one `PublishResult` a chunk.

    Must stay fused with the read before it: within a partition chunks have to arrive in order. Whatever
    the runner repeats, every offset lies in exactly one file afterwards.

    Attributes:
        output: folder (or object store address) that all workers share.
    """

    output: str

    def expand(self, chunks: PCollection) -> PCollection:
        return chunks | beam.ParDo(_Publish(self.output)).with_output_types(PublishResult)


@dataclass(eq=False)
class _Publish(beam.DoFn):
    output: str

    _published = Metrics.counter("skillstream", "published_rows")
    _dropped = Metrics.counter("skillstream", "dropped_chunks")

    def setup(self) -> None:
        self._chains: dict[tuple[str, int], Chain] = {}

    def process(self, chunk: TaggedChunk) -> Iterator[PublishResult]:
        key = (chunk.source, chunk.partition)
        chain = self._chains.get(key)
        if chain is None:
            chain = self._chains[key] = Chain(self.output, chunk.source, chunk.partition)
            chain.claim(chunk.start)
        result = chain.publish(chunk.start, chunk.end, chunk.rows, chunk.leader_epoch)
        self._published.inc(result.rows)
        if result.outcome == "dropped":
            self._dropped.inc()
        yield result
