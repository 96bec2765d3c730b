"""`TagPostings` inside somebody else's pipeline."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from apache_beam.transforms.window import TimestampedValue

from skillstream import TagConfig
from skillstream.chunks import as_record
from skillstream.transforms import TagPostings, skills_index_side_input

pytestmark = pytest.mark.usefixtures("hash_model")

POSTINGS = [
    {"id": "a", "title": "Welder", "description": "weld metal"},
    b'{"id": "b", "title": "Engineer", "description": "Apache Kafka"}',
    {"id": "c"},
    {"id": "d", "description": object()},
    b"{",
]


def by_id(rows):
    assert sorted(row["posting_id"] for row in rows) == ["a", "b"]
    labels = {row["posting_id"]: [skill["label"] for skill in row["skills"]] for row in rows}
    assert labels["a"][0] == "weld metal"
    assert labels["b"][0] == "Apache Kafka"


def by_code(rows):
    assert sorted(row["error"]["code"] for row in rows) == ["invalid_json", "missing_text", "wrong_type"]


class Unprintable:
    def __repr__(self):
        raise ZeroDivisionError


def nested(depth):
    value = {}
    for _ in range(depth):
        value = {"description": value}
    return value


@pytest.mark.parametrize("wrong", [nested(1500), {"description": Unprintable()}, {"description": b"x"}, None])
def test_whatever_an_element_is_it_becomes_a_record(wrong):
    assert as_record(0, wrong).rejection is not None


def test_elements_keep_their_timestamps(index_folder):
    def times(found):
        assert sorted(found) == [1000, 2000]

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        stamped = [TimestampedValue({"description": "weld metal"}, t) for t in (1000, 2000)]
        results = (
            pipeline
            | beam.Create(stamped)
            | beam.Map(lambda value: value)
            | TagPostings(TagConfig(index=str(index_folder)))
        )
        assert_that(results.tagged | beam.Map(lambda _, t=beam.DoFn.TimestampParam: int(t)), times)


@pytest.mark.parametrize("side_input", [True, False])
def test_postings_become_tagged_and_rejected_rows(index_folder, side_input):
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        index = skills_index_side_input(pipeline, index_folder) if side_input else None
        config = TagConfig(index=None if side_input else str(index_folder))
        results = pipeline | beam.Create(POSTINGS) | TagPostings(config, index)
        assert_that(results.tagged, by_id, label="tagged")
        assert_that(results.rejected, by_code, label="rejected")
