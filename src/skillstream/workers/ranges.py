"""A range of a file, tagged and published, and what that adds up to: in one process as in several."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

from skillstream.chunks import Chunk
from skillstream.output import Chain
from skillstream.postings import MAX_FIELDS
from skillstream.sources.files import FileRange, SourceReadError, read_chunks
from skillstream.tagging import FilesConfig, TagWorker
from skillstream.tagging.files_job import FilesFigures
from skillstream.workers.messages import Published, Tagged, tagged_message

__all__ = ["count", "peak_bytes", "publish", "tag_range"]


def tag_range(
    file_range: FileRange,
    config: FilesConfig,
    worker: TagWorker,
    tell: Callable[[Tagged | Published], None],
) -> str | None:
    """Publishes all of a range behind the end of its chain; why it could not be read to its end, if so."""
    chain = Chain(config.output, file_range.source, file_range.partition)
    root = chain.claim(file_range.start)
    head = chain.head()
    try:
        for chunk in read_chunks(file_range, root if head is None else head, config.max_chunk_rows):
            publish(chunk, chain, worker, tell)
    except SourceReadError as error:
        return str(error)
    return None


def publish(
    chunk: Chunk, chain: Chain, worker: TagWorker, tell: Callable[[Tagged | Published], None]
) -> None:
    """Tags a chunk, tells its figures, publishes it, and tells that."""
    tagger = worker.tagger()
    tagged = tagger.tag_chunk(chunk)
    tell(tagged_message(tagged, tagger))
    chain.publish(tagged.start, tagged.end, tagged.rows, tagged.leader_epoch)
    tell(Published(_ages(chunk), _resident_bytes(), peak_bytes()))


def peak_bytes() -> int:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def count(figures: FilesFigures, tagged: Tagged) -> None:
    """Adds a chunk that is in the output."""
    figures.records += tagged.records
    figures.tagged += tagged.records - sum(tagged.rejected.values())
    figures.tags += tagged.tags
    figures.sentences += tagged.sentences
    figures.cached += tagged.cached
    figures.tokens += tagged.tokens
    figures.title_only += tagged.title_only
    figures.unread_times += tagged.unread_times
    figures.unread_time = figures.unread_time or tagged.unread_time
    figures.rejected.update(tagged.rejected)
    figures.other_languages.update(tagged.other_languages)
    figures.fields = list(dict.fromkeys([*figures.fields, *tagged.fields]))[:MAX_FIELDS]


def _ages(chunk: Chunk) -> list[float]:
    now = time.time() * 1000
    return [(now - record.event_time) / 1000 for record in chunk.records if record.event_time is not None]


def _resident_bytes() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:  # not on Linux
        return 0
