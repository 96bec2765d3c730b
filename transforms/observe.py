"""Tagged chunks to the figures of this process (see `skillstream.monitoring.live`), passed on as they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import apache_beam as beam

from skillstream.monitoring import LIVE
from skillstream.rows import TaggedChunk

__all__ = ["Observe"]


class Observe(beam.DoFn):
    """Counts what goes by: rejections by code, tags, sentences and how many of them the cache knew."""

    def process(self, chunk: TaggedChunk) -> Iterator[TaggedChunk]:
        last = chunk.rows[-1] if chunk.rows else None
        LIVE.tagged(
            rejected=Counter(row.error.code for row in chunk.rows if row.error is not None),
            tags=sum(len(row.skills) for row in chunk.rows),
            sentences=chunk.sentences,
            cached=chunk.cached,
            tokens=chunk.tokens,
            title_only=chunk.title_only,
            fields=chunk.fields,
            unread_times=chunk.unread_times,
            unread_time=chunk.unread_time,
            warnings=chunk.warnings,
            versions=None if last is None else (last.model_version, last.taxonomy_version),
        )
        yield chunk
