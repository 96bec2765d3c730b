"""Row ranges of files to chunks, from wherever their chains end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

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


class ReadFiles(beam.PTransform):
    """The records of planned row ranges as `PCollection[Chunk]`; what stands in the output is skipped.

    Ranges are spread over the workers; within a range chunks come in order, so the steps up to
    `PublishChunks` must stay fused. A range that breaks off (a cut gzip file, say) gives the chunks before
    the fault and a line in the metric `problems`; the other ranges go on.

    Args:
        ranges: of one `FilePlan`.
        output: folder that holds the chains.
        max_chunk_rows: records a chunk at most.
    """

    def __init__(self, ranges: Sequence[FileRange], output: str, max_chunk_rows: int) -> None:
        super().__init__()
        self._ranges = ranges
        self._output = output
        self._max_chunk_rows = max_chunk_rows

    def expand(self, begin: PBegin) -> PCollection:
        return (
            begin
            | "Ranges" >> beam.Create(self._ranges)
            | "Spread" >> beam.Reshuffle()
            | "ReadRange"
            >> beam.ParDo(_ReadRange(self._output, self._max_chunk_rows)).with_output_types(Chunk)
        )


class _ReadRange(beam.DoFn):
    def __init__(self, output: str, max_chunk_rows: int) -> None:
        self._output = output
        self._max_chunk_rows = max_chunk_rows
        self._problems = Metrics.string_set("skillstream", PROBLEMS)

    def process(self, file_range: FileRange) -> Iterator[Chunk]:
        chain = Chain(self._output, file_range.source, file_range.partition)
        root = chain.claim(file_range.start)
        head = chain.head()
        try:
            yield from read_chunks(file_range, root if head is None else head, self._max_chunk_rows)
        except SourceReadError as error:
            self._problems.add(str(error))
