"""The skills index as a side input: packed once where the pipeline starts, unpacked once per worker machine."""

from __future__ import annotations

from pathlib import Path

import apache_beam as beam
import msgspec
from apache_beam import coders
from apache_beam.pvalue import AsSingleton

from skillstream.index_package import IndexPackage, pack_index

__all__ = ["IndexPackageCoder", "skills_index_side_input"]


class IndexPackageCoder(coders.Coder):  # type: ignore[misc]
    """msgpack: the same bytes for the same index, whatever the process."""

    def encode(self, value: IndexPackage) -> bytes:
        return msgspec.msgpack.encode(value)

    def decode(self, encoded: bytes) -> IndexPackage:
        return msgspec.msgpack.decode(encoded, type=IndexPackage)

    def is_deterministic(self) -> bool:
        return True


coders.registry.register_coder(IndexPackage, IndexPackageCoder)


def skills_index_side_input(pipeline: beam.Pipeline, folder: str | Path) -> AsSingleton:
    """The current version of the index in `folder`, as a side input for `TagChunks`.

    The folder is read by the worker that runs this step, so it must be visible there; all other
    workers get the index from Beam. A streaming job on Flink cannot carry side inputs (see
    docs/adr/): there `TagChunks` reads the folder itself.
    """
    return AsSingleton(
        pipeline
        | "IndexFolder" >> beam.Create([str(folder)], reshuffle=False)
        | "PackIndex" >> beam.Map(pack_index).with_output_types(IndexPackage)
    )
