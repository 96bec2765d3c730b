"""Readers as elements: what they say is theirs does not depend on the job that restores them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import apache_beam as beam
import pytest
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions

from skillstream.errors import UsageError
from skillstream.flink import subtask_of
from skillstream.sources.kafka import KafkaConfig, Share
from skillstream.transforms.kafka_restriction import KafkaRestriction, KafkaTracker
from skillstream.transforms.read_kafka import ReadKafka, _Read
from skillstream.transforms.reader_elements import MASK, NOTHING, reader_elements, share_of

PARTITIONS = range(24)
READ = ReadKafka(KafkaConfig(topic="t"), "out", Share(readers=3))


def owned(elements: list[int], job: Share) -> list[int]:
    """The partitions that the readers of these elements read, each as often as it is read."""
    shares = [share_of(element, job) for element in elements]
    return sorted(p for share in shares if share is not None for p in PARTITIONS if share.owns(p))


@pytest.mark.parametrize("old", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("new", [1, 2, 3, 4, 7, 30])
def test_elements_of_a_savepoint_cover_all_partitions_once_in_a_job_of_other_parallelism(old, new):
    assert owned(reader_elements(old), Share(readers=new)) == list(PARTITIONS)


@pytest.mark.parametrize("old", [1, 2, 3, 4, 7, 30])
@pytest.mark.parametrize("new", [1, 2, 3, 4, 7, 30])
def test_bare_numbers_of_older_savepoints_do_so_too(old, new):
    assert owned(list(range(old)), Share(readers=new)) == list(PARTITIONS)


def test_an_element_says_its_share_and_the_job_says_the_rest():
    job = Share(readers=2, topic_id="a", stop_at={0: 7, 3: 9})
    shares = [share_of(element, job) for element in reader_elements(5)]
    assert shares == [Share(number, 5, "a", {0: 7, 3: 9}) for number in range(5)]
    assert share_of(0, job) == Share(0, 1, "a", {0: 7, 3: 9})
    assert share_of(1, job) is None


@pytest.mark.parametrize("readers", [1, 2, 4, 100, 1000])
def test_elements_are_restored_by_the_coder_that_wrote_the_bare_numbers(readers):
    """A runner refuses a savepoint whose coder has changed: they stay variable-length integers."""
    coder = coders.registry.get_coder(int)
    assert isinstance(coder, coders.VarIntCoder)
    assert coder.decode(b"\x03") == 3  # as older savepoints hold it
    for element in reader_elements(readers):
        assert type(element) is int
        assert coder.decode(coder.encode(element)) == element


def test_known_elements():
    """Savepoints hold these: another layout needs a way to tell it from this one."""
    four = [4194304, 1099515822081, 5497562333186, 2199027449859]
    assert reader_elements(4) == four
    assert [coders.VarIntCoder().encode(element).hex() for element in four] == [
        "80808002",
        "818080828020",
        "8280808280a001",
        "838080828040",
    ]


@pytest.mark.parametrize(
    ("readers", "parallelism", "groups"),
    [
        (1, None, None),
        (4, None, None),
        (3, 3, 3),
        (7, 3, None),
        (8, 4, 4),
        (16, 16, 1000),
        (100, None, None),
        (5, 8, 8),
    ],
)
def test_each_subtask_gets_its_share(readers, parallelism, groups):
    subtasks = parallelism or readers
    dealt = Counter(subtask_of(e, subtasks, groups) for e in reader_elements(readers, parallelism, groups))
    counts = [dealt[subtask] for subtask in range(subtasks)]
    assert sum(counts) == readers
    assert max(counts) - min(counts) <= 1


def test_a_job_that_flink_refuses_anyway_does_not_hang_here():
    assert len(reader_elements(5, parallelism=4, max_parallelism=3)) == 5


def test_more_readers_than_an_element_can_name_are_refused():
    with pytest.raises(UsageError, match="at most 1,048,575 readers, got 1,048,576"):
        reader_elements(MASK + 1)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], reader_elements(3)),
        (["--parallelism=2", "--max_parallelism=2"], reader_elements(3, 2, 2)),
    ],
)
def test_the_jobs_flags_say_how_many_subtasks_there_are(flags, expected):
    assert READ.elements(PipelineOptions(flags)) == expected


def test_the_graph_is_the_same_whatever_the_number_of_readers():
    """Flink refuses a savepoint of another graph, and Beam leaves a step out for a single element."""

    def steps(readers: int) -> list[str]:
        pipeline = beam.Pipeline()
        _ = pipeline | replace(READ, share=Share(readers=readers), flush=True)
        return sorted(step.unique_name for step in pipeline.to_runner_api().components.transforms.values())

    assert steps(1) == steps(2) == steps(30)


def test_a_lone_readers_companion_has_nothing_to_read():
    lone = replace(READ, share=Share(readers=1))
    assert lone.elements(PipelineOptions([])) == reader_elements(1)
    assert replace(lone, flush=True).elements(PipelineOptions([])) == [*reader_elements(1), NOTHING]
    assert [share_of(NOTHING, Share(readers=readers)) for readers in (1, 2, 3)] == [None] * 3


@pytest.mark.parametrize("element", [1, NOTHING])
def test_an_element_that_has_nothing_to_read_ends_at_once(element):
    tracker = KafkaTracker(KafkaRestriction({1: 8}))
    assert list(_Read(READ).process(element, tracker, None)) == []
    tracker.check_done()
