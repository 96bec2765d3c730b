"""A real Kafka for the tests that want one, and streams to kill."""

from __future__ import annotations

import pytest

from tests.faults.stream_jobs import StreamJobs
from tests.kafka.conftest import kafka, new_topic, own_kafka, produce

__all__ = ["kafka", "make_jobs", "new_topic", "own_kafka", "produce"]


@pytest.fixture
def make_jobs(tmp_path, index_folder):
    made = []

    def make(bootstrap: str, topic: str, **flags: object) -> StreamJobs:
        made.append(StreamJobs(bootstrap, topic, tmp_path / "out", **({"index": index_folder} | flags)))
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()
