"""Coders: round trips, and the same bytes in another process."""

import subprocess
import sys

import pytest
from apache_beam import coders

from skillstream.chunks import Chunk, Record
from skillstream.index.package import IndexPackage
from skillstream.rejections import Rejection, RejectionCode
from skillstream.rows import TaggedChunk
from skillstream.sources.files.formats import FileFormat
from skillstream.sources.files.plan import FileRange
from skillstream.transforms import coders as ours

CHUNK = Chunk(
    "s",
    1,
    5,
    9,
    [Record(5, b"x", b"k", 12, None), Record(7, None, rejection=Rejection(RejectionCode.EMPTY, "d"))],
)
VALUES = [
    CHUNK,
    TaggedChunk("s", 1, 5, 9, [], 3, 2, 1),
    FileRange("s", 0, "a.jsonl", FileFormat("jsonl"), 0, None, 0, None, 10, 7),
    IndexPackage("v1", {"a": b"1", "b": b"2"}),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_round_trip_and_registered(value):
    coder = coders.registry.get_coder(type(value))
    assert isinstance(coder, ours.StructCoder)
    assert coder.decode(coder.encode(value)) == value
    assert coder.is_deterministic()


@pytest.mark.slow
def test_same_bytes_in_another_process():
    code = (
        "import sys; from tests.pipeline.test_coders import CHUNK, ours; "
        "sys.stdout.buffer.write(ours.ChunkCoder().encode(CHUNK))"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == ours.ChunkCoder().encode(CHUNK)
