"""Row ranges of files to chunks, from wherever their chains end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import PBegin, PCollection

from skillstream.chunks import Chunk
from skillstream.output import Chain
from skillstream.sources.files import FileRange, SourceReadError, read_chunks
from skillstream.transforms import coders  # noqa: F401 - registers the coders of FileRange and Chunk

__all__ = ["PROBLEMS", "ReadFiles"]

# Name of the metric (a set of strings) with a line for each range that could not be read to its end.
PROBLEMS = "problems"


@dataclass(eq=False, repr=False)
class ReadFiles(beam.PTransform):
    """The records of planned row ranges as `PCollection[Chunk]`; what is in the output already is skipped.

    Ranges are spread over the workers; within a range chunks come in order, so the steps up to
    `PublishChunks` must stay fused. A range that breaks off (a cut gzip file, say) gives the chunks before
    the fault and a line in the metric `problems`; the other ranges go on.

    Attributes:
        ranges: of one `FilePlan`.
        output: folder that holds the chains.
        max_chunk_rows: maximum records per chunk.
    """

    ranges: Sequence[FileRange]
    output: str
    max_chunk_rows: int

    def expand(self, begin: PBegin) -> PCollection:
        return (
            begin
            | "Ranges" >> beam.Create(self.ranges)
            | "Spread" >> beam.Reshuffle()
            | "ReadRange" >> beam.ParDo(_ReadRange(self.output, self.max_chunk_rows)).with_output_types(Chunk)
        )


@dataclass(eq=False)
class _ReadRange(beam.DoFn):
    output: str
    max_chunk_rows: int

    _problems = Metrics.string_set("skillstream", PROBLEMS)

    def process(self, file_range: FileRange) -> Iterator[Chunk]:
        chain = Chain(self.output, file_range.source, file_range.partition)
        root = chain.claim(file_range.start)
        head = chain.head()
        try:
            yield from read_chunks(file_range, root if head is None else head, self.max_chunk_rows)
        except SourceReadError as error:
            self._problems.add(str(error))
