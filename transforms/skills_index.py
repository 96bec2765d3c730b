"""The skills index as a side input: packed where the pipeline starts, unpacked once per worker machine."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
from apache_beam.pvalue import AsSingleton

from skillstream.index import IndexPackage, pack_index
from skillstream.transforms import coders  # noqa: F401 - registers the coder of IndexPackage

__all__ = ["skills_index_side_input"]


def skills_index_side_input(pipeline: beam.Pipeline, folder: str | Path) -> AsSingleton:
    """The current version of the index in `folder`, as a side input for `TagChunks`.

    The folder is read by the worker that runs this step, so it must be visible there; all other
    workers get the index from Beam. A streaming job on Flink cannot carry side inputs (ADR 4): there
    `TagChunks` reads the folder itself.
    """
    return AsSingleton(
        pipeline
        | "IndexFolder" >> beam.Create([str(folder)], reshuffle=False)
        | "PackIndex" >> beam.Map(pack_index).with_output_types(IndexPackage)
    )
