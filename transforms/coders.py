"""Coders for the elements of our PCollections: msgpack by msgspec, fast and deterministic.

Beam would pickle these structs, slowly and with bytes that differ between processes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from apache_beam import coders

from skillstream.chunks import Chunk
from skillstream.index import IndexPackage
from skillstream.rows import TaggedChunk
from skillstream.sources.files import FileRange

__all__ = ["ChunkCoder", "FileRangeCoder", "IndexPackageCoder", "StructCoder", "TaggedChunkCoder"]


class StructCoder(coders.Coder):
    """msgpack of one msgspec struct type, named by a subclass."""

    struct: type[Any]

    def encode(self, value: Any) -> bytes:
        return msgspec.msgpack.encode(value)

    def decode(self, encoded: bytes) -> Any:
        return msgspec.msgpack.decode(encoded, type=self.struct)

    def is_deterministic(self) -> bool:
        return True

    def to_type_hint(self) -> type[Any]:
        return self.struct

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class ChunkCoder(StructCoder):
    struct = Chunk


class TaggedChunkCoder(StructCoder):
    struct = TaggedChunk


class FileRangeCoder(StructCoder):
    struct = FileRange


class IndexPackageCoder(StructCoder):
    struct = IndexPackage


for _coder in (ChunkCoder, TaggedChunkCoder, FileRangeCoder, IndexPackageCoder):
    coders.registry.register_coder(_coder.struct, _coder)
