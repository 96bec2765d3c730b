"""`TagPostings` inside somebody else's pipeline."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that
from skillstream.transforms import TagPostings, skills_index_side_input

from skillstream import TagConfig

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


@pytest.mark.parametrize("side_input", [True, False])
def test_postings_become_tagged_and_rejected_rows(index_folder, side_input):
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        index = skills_index_side_input(pipeline, index_folder) if side_input else None
        config = TagConfig(index=None if side_input else str(index_folder))
        results = pipeline | beam.Create(POSTINGS) | TagPostings(config, index)
        assert_that(results.tagged, by_id, label="tagged")
        assert_that(results.rejected, by_code, label="rejected")
