"""Racing and dying writers, interleaved storage step by storage step in every order Hypothesis thinks of."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from tests.chain_fakes import (
    PARTITION,
    SOURCE,
    MemoryStore,
    SteppedWriter,
    make_rows,
    new_object_store,
    published_offsets,
)

END = 24

cuts = st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), min_size=1, max_size=4)
schedules = st.lists(st.tuples(st.integers(0, 2), st.sampled_from("sssssssk")), max_size=120)


def reading_from_the_head(chunk_cuts):
    """What a worker does: claim, then read on from a little before the head until the end."""

    def work(store):
        chain = Chain("", SOURCE, PARTITION, store=store, hole_wait_s=0.0, sleep=lambda _: None)
        at = chain.claim(0)
        for back, size in itertools.cycle(chunk_cuts):
            at = max(at, chain.head())
            if at >= END:
                return
            start, end = max(at - back, 0), min(at + size, END)
            chain.publish(start, end, make_rows(start, end))

    return work


@pytest.mark.slow
@pytest.mark.parametrize("new_store", [MemoryStore, new_object_store])
@settings(max_examples=50, deadline=None)
@given(st.lists(cuts, min_size=3, max_size=3), schedules)
def test_racing_and_dying_writers_publish_every_record_once(new_store, all_cuts, schedule):
    store = new_store()
    works = [reading_from_the_head(chunk_cuts) for chunk_cuts in all_cuts]
    writers = [SteppedWriter(store, work) for work in works]
    for number, action in schedule:
        if action == "k":
            writers[number].kill()
            writers[number] = SteppedWriter(store, works[number])
        else:
            writers[number].step()
    while not all(writer.done for writer in writers):
        for writer in writers:
            writer.step()

    assert [writer.error for writer in writers] == [None, None, None]
    chain = Chain("", SOURCE, PARTITION, store=store)
    assert published_offsets(store, chain) == list(range(END))
    assert verify_chain("", store=store).findings == []


@pytest.mark.parametrize("new_store", [MemoryStore, new_object_store])
@settings(max_examples=40, deadline=None)
@given(st.permutations([0, 1, 2]), schedules)
def test_racing_first_starts_agree_on_one_root(new_store, order, schedule):
    store = new_store()
    roots = []

    def claiming(start):
        return lambda stepped: roots.append(Chain("", SOURCE, PARTITION, store=stepped).claim(start))

    writers = [SteppedWriter(store, claiming(10 * number)) for number in order]
    for number, _ in schedule:
        writers[number].step()
    while not all(writer.done for writer in writers):
        for writer in writers:
            writer.step()
    assert len(roots) == 3
    assert len(set(roots)) == 1
