"""The chain's own tests, on a real object store."""

from __future__ import annotations

import pytest

from skillstream.output.chain import Chain
from skillstream.storage.store import open_store
from tests.chain_fakes import PARTITION, SOURCE, make_rows, published_offsets
from tests.unit.output.test_chain import (
    assert_whole,
    new_chain,
    test_a_callers_mistake_publishes_nothing,
    test_a_chain_without_root_is_refused,
    test_a_chunk_ahead_of_the_head_waits_and_then_fails,
    test_a_hole_that_another_writer_closes_in_time_is_none,
    test_a_root_that_is_no_offset_is_refused,
    test_offsets_may_have_holes_and_a_range_without_rows_still_makes_a_file,
    test_what_was_published_before_is_dropped_and_what_overlaps_is_trimmed,
)

__all__ = [
    "test_a_callers_mistake_publishes_nothing",
    "test_a_chain_without_root_is_refused",
    "test_a_chunk_ahead_of_the_head_waits_and_then_fails",
    "test_a_hole_that_another_writer_closes_in_time_is_none",
    "test_a_root_that_is_no_offset_is_refused",
    "test_offsets_may_have_holes_and_a_range_without_rows_still_makes_a_file",
    "test_what_was_published_before_is_dropped_and_what_overlaps_is_trimmed",
]

pytestmark = [pytest.mark.object_store, pytest.mark.timeout(300)]


@pytest.fixture
def store(output):
    return open_store(output)


def test_a_chain_by_its_address(output, minio):
    chain = Chain(f"{output}/", SOURCE, PARTITION)
    assert chain.head() is None
    assert chain.claim(0) == 0
    assert Chain(output, SOURCE, PARTITION).claim(7) == 0
    assert chain.publish(0, 5, make_rows(0, 5)).outcome == "published"
    assert chain.publish(3, 9, make_rows(3, 9)).outcome == "trimmed"
    store = open_store(output)
    assert store.names("tags") == [
        "jobs%2Ffeed%201.00003.00000000000000000000.parquet",
        "jobs%2Ffeed%201.00003.00000000000000000005.parquet",
    ]
    assert sorted(store.names("")) == ["chains", "tags"]
    assert published_offsets(store, new_chain(store)) == list(range(9))
    assert_whole(store, 9)
