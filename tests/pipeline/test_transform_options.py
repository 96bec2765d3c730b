"""Transforms and their DoFns are dataclasses: their fields are the options, and survive a pickle."""

from __future__ import annotations

import dataclasses

import apache_beam as beam
import pytest
from apache_beam.internal import pickler

from skillstream.sources.kafka import KafkaConfig, Share
from skillstream.tagging import TagConfig
from skillstream.transforms.publish import PublishChunks, _Publish
from skillstream.transforms.read_files import ReadFiles, _ReadRange
from skillstream.transforms.read_kafka import ReadKafka, _Read
from skillstream.transforms.tag import TagChunks, TagPostings
from skillstream.transforms.training_pairs import DropNearDuplicates, WritePairs, _Deal, _Mine

READ = ReadKafka(KafkaConfig(topic="t"), "out", Share(readers=3, topic_id="a", stop_at={0: 7}), flush=True)


@pytest.mark.parametrize(
    "options",
    [
        READ,
        ReadFiles([], "out", 5),
        PublishChunks("out"),
        TagChunks(TagConfig(top_k=3)),
        TagPostings(TagConfig(top_k=3), max_batch_size=7),
        DropNearDuplicates(0.7),
        WritePairs("out", 2),
        _ReadRange("out", 5),
        _Publish("out"),
        _Mine("base", 4),
        _Deal(2),
    ],
)
def test_fields_survive_beams_pickle(options):
    again = pickler.roundtrip(options)
    assert again is not options
    assert type(again) is type(options)
    for field in dataclasses.fields(options):
        assert getattr(again, field.name) == getattr(options, field.name)


def test_a_reader_has_its_options_on_the_worker_too():
    pipeline = beam.Pipeline()
    read = dataclasses.replace(READ)
    _ = pipeline | read  # from now on the transform knows its pipeline, which cannot travel
    again = pickler.roundtrip(_Read(read))
    assert again.options.config == READ.config
    assert again.options.share == READ.share
    assert (again.options.output, again.options.bundle_s, again.options.flush) == ("out", 60.0, True)


def test_a_share_is_every_nth_partition_that_is_not_beyond_the_end():
    assert [p for p in range(6) if Share(number=1, readers=3).owns(p)] == [1, 4]
    assert [p for p in range(6) if Share(number=1, readers=3, stop_at={0: 9, 4: 2}).owns(p)] == [4]
    assert all(map(Share().owns, range(3)))
