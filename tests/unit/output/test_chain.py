import shutil

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.errors import ChainError
from skillstream.output.chain import Chain, PublishResult, sweep
from skillstream.output.chain_check import verify_chain
from skillstream.output.layout import root_path
from skillstream.rows import ROW_SCHEMA, rows_to_table
from skillstream.storage import local_store
from skillstream.storage.store import LocalStore
from tests.chain_fakes import (
    PARTITION,
    SOURCE,
    Crash,
    CrashAt,
    MemoryStore,
    make_row,
    make_rows,
    new_object_store,
    published_offsets,
)


@pytest.fixture(params=["memory", "object store"])
def store(request):
    """An empty store; tests/object_store/test_chain.py runs the same tests on a real server."""
    return MemoryStore() if request.param == "memory" else new_object_store()


def new_chain(store, **options):
    return Chain("", SOURCE, PARTITION, store=store, sleep=lambda _: None, **options)


def assert_whole(store, end):
    """Every record below `end` in exactly one file, and nothing wrong with the chain."""
    assert published_offsets(store, new_chain(store)) == list(range(end))
    assert verify_chain("", store=store).findings == []


def test_a_new_chain_has_no_head_until_it_is_claimed(tmp_path):
    chain = Chain(tmp_path, SOURCE, PARTITION)
    assert chain.head() is None
    assert chain.claim(7) == 7
    assert chain.head() == 7
    assert Chain(tmp_path, SOURCE, PARTITION).claim(0) == 7


def test_a_published_file_is_named_by_its_start_and_holds_the_rows(tmp_path):
    chain = Chain(tmp_path, SOURCE, PARTITION)
    chain.claim(0)
    assert chain.publish(0, 5, make_rows(0, 5)) == PublishResult(5, 0, 5, "published")
    assert chain.publish(5, 9, make_rows(5, 9)) == PublishResult(4, 5, 9, "published")

    assert sorted(path.name for path in (tmp_path / "tags").iterdir()) == [
        "jobs%2Ffeed%201.00003.00000000000000000000.parquet",
        "jobs%2Ffeed%201.00003.00000000000000000005.parquet",
    ]
    assert (tmp_path / "chains/jobs%2Ffeed%201.00003.start").read_bytes() == b"0\n"
    path = tmp_path / "tags/jobs%2Ffeed%201.00003.00000000000000000005.parquet"
    file = pq.ParquetFile(path, page_checksum_verification=True)
    assert file.read().equals(rows_to_table(make_rows(5, 9)))
    assert file.schema_arrow.equals(ROW_SCHEMA)
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    metadata = file.metadata.metadata
    assert metadata[b"skillstream.start"] == b"5"
    assert metadata[b"skillstream.end"] == b"9"
    assert metadata[b"skillstream.schema_version"] == b"1"
    assert metadata[b"skillstream.model_version"] == b"m"


def test_what_was_published_before_is_dropped_and_what_overlaps_is_trimmed(store):
    chain = new_chain(store)
    chain.claim(0)
    chain.publish(0, 10, make_rows(0, 10))
    assert chain.publish(2, 10, make_rows(2, 10)) == PublishResult(0, 10, 10, "dropped")
    assert chain.publish(4, 12, make_rows(4, 12)) == PublishResult(2, 10, 12, "trimmed")
    assert_whole(store, 12)


def test_offsets_may_have_holes_and_a_range_without_rows_still_makes_a_file(store):
    chain = new_chain(store)
    chain.claim(100)
    assert chain.publish(100, 200, [make_row(120), make_row(199)]).rows == 2
    assert chain.publish(200, 300, []) == PublishResult(0, 200, 300, "published")
    assert new_chain(store).head() == 300
    assert verify_chain("", store=store).findings == []


@pytest.mark.parametrize("start", [1, 5])
def test_a_chunk_ahead_of_the_head_waits_and_then_fails(start, store):
    waits = []
    chain = Chain("", SOURCE, PARTITION, store=store, hole_wait_s=3.0, sleep=waits.append)
    chain.claim(0)
    said = rf"expected a chunk from 0, got \[{start}, 9\): .* hole; reading again from the head fixes this$"
    with pytest.raises(ChainError, match=said):
        chain.publish(start, 9, make_rows(start, 9))
    assert sum(waits) == pytest.approx(3.0, abs=0.2)
    assert published_offsets(store, chain) == []


def test_a_hole_that_another_writer_closes_in_time_is_none(store):
    other = new_chain(store)
    other.claim(0)

    def sleep(_):
        other.publish(0, 5, make_rows(0, 5))

    chain = Chain("", SOURCE, PARTITION, store=store, sleep=sleep)
    assert chain.publish(5, 9, make_rows(5, 9)).outcome == "published"
    assert_whole(store, 9)


def test_a_chain_without_root_is_refused(store):
    with pytest.raises(ChainError, match="claim"):
        new_chain(store).publish(0, 1, make_rows(0, 1))


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        (5, 5, []),
        (-1, 2, []),
        (0, 2, make_rows(0, 3)),
        (1, 3, make_rows(0, 2)),
        (0, 3, [make_row(1), make_row(1)]),
        (0, 3, [make_row(0, source="other")]),
        (0, 3, [make_row(0, partition=9)]),
    ],
)
def test_a_callers_mistake_publishes_nothing(start, end, rows, store):
    chain = new_chain(store)
    chain.claim(0)
    with pytest.raises(ValueError, match="expected"):
        chain.publish(start, end, rows)
    assert published_offsets(store, chain) == []


def test_kafkas_epoch_is_kept_with_the_end(store):
    chain = new_chain(store)
    chain.claim(0)
    chain.publish(0, 5, make_rows(0, 5))
    assert (chain.leader_epoch, new_chain(store).leader_epoch) == (None, None)
    chain.publish(5, 9, make_rows(5, 9), 7)
    assert chain.leader_epoch == 7
    other = new_chain(store)
    assert (other.head(), other.leader_epoch) == (9, 7)
    chain.publish(9, 12, make_rows(9, 12), 8)
    assert (other.head(), other.leader_epoch) == (12, 8)
    chain.publish(12, 13, make_rows(12, 13))  # as an earlier version does
    other = new_chain(store)
    assert (other.head(), other.leader_epoch) == (13, None)


def test_the_head_follows_other_writers_without_listing_again():
    store = MemoryStore()
    chain, other = new_chain(store), new_chain(store)
    chain.claim(0)
    for start in range(0, 300, 10):
        writer = other if start % 20 else chain
        assert writer.publish(start, start + 10, make_rows(start, start + 10)).outcome == "published"
    assert chain.head() == 300
    assert store.listed == 2  # once each
    for start in range(300, 330, 10):
        other.publish(start, start + 10, make_rows(start, start + 10))
    assert chain.head() == 330


def test_a_long_chain_is_opened_by_its_newest_file_alone():
    store = MemoryStore()
    chain = new_chain(store)
    chain.claim(0)
    for start in range(50):
        chain.publish(start, start + 1, make_rows(start, start + 1))
    store.read_paths.clear()
    assert new_chain(store).head() == 50
    assert [path[-10:] for path in store.read_paths] == ["49.parquet", "50.parquet"]


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_damaged_newest_file_stops_the_chain(content):
    store = MemoryStore()
    chain = new_chain(store)
    chain.claim(0)
    chain.publish(0, 5, make_rows(0, 5))
    (path,) = [path for path in store.files if path.endswith(".parquet")]
    store.files[path] = content
    with pytest.raises(ChainError, match=r"00000000000000000000\.parquet: .*doctor"):
        new_chain(store).head()


def test_one_flipped_bit_in_the_newest_files_end_is_noticed():
    store = MemoryStore()
    chain = new_chain(store)
    chain.claim(0)
    chain.publish(0, 64, make_rows(0, 64))
    (path,) = [path for path in store.files if path.endswith(".parquet")]
    store.files[path] = store.files[path].replace(b"skillstream.end\x18\x0264", b"skillstream.end\x18\x0265")
    with pytest.raises(ChainError, match="damaged"):
        new_chain(store).publish(65, 66, make_rows(65, 66))


def test_a_file_of_another_partition_stops_the_chain():
    store = MemoryStore()
    other = Chain("", SOURCE, 4, store=store)
    other.claim(0)
    other.publish(0, 5, make_rows(0, 5, partition=4))
    store.files = {path.replace(".00004", ".00003"): data for path, data in store.files.items()}
    with pytest.raises(ChainError, match="holds"):
        new_chain(store).head()


def test_a_root_that_is_no_offset_is_refused(store):
    store.create(root_path(SOURCE, PARTITION), b"")
    with pytest.raises(ChainError, match="expected an offset"):
        new_chain(store).claim(0)


# Where a publish can die, and whether its chunk is visible then (see docs/exactly-once.md).
CRASHES = [
    ("make_folder", "before", False),
    ("write", "before", False),
    ("write", "middle", False),
    ("write", "after", False),
    ("link", "before", False),
    ("link", "after", True),
    ("remove", "before", True),
    ("remove", "after", True),
    ("sync_folder", "before", True),
    ("sync_folder", "after", True),
]


@pytest.mark.parametrize(("step", "moment", "visible"), CRASHES)
def test_a_crash_at_any_step_of_publish_loses_and_doubles_nothing(
    tmp_path, monkeypatch, step, moment, visible
):
    store = LocalStore(tmp_path)
    first = new_chain(store)
    first.claim(0)
    first.publish(0, 10, make_rows(0, 10))

    dying = new_chain(CrashAt(tmp_path, step, moment))
    with pytest.raises(Crash):
        dying.publish(10, 20, make_rows(10, 20))
    assert published_offsets(store, first) == list(range(20 if visible else 10))

    # Restart: from the checkpoint before, and the chunks are cut differently.
    restarted = new_chain(store)
    assert restarted.head() == (20 if visible else 10)
    for start, end in [(4, 13), (13, 17), (17, 25)]:
        restarted.publish(start, end, make_rows(start, end))
    assert_whole(store, 25)
    monkeypatch.setattr(local_store, "writer_is_alive", lambda _: False)
    assert sweep(tmp_path) in (0, 1)
    assert not list(tmp_path.rglob(".*"))


@pytest.mark.parametrize(("step", "moment", "claimed"), CRASHES)
def test_a_crash_at_any_step_of_claim_leaves_one_root_or_none(tmp_path, step, moment, claimed):
    dying = new_chain(CrashAt(tmp_path, step, moment))
    with pytest.raises(Crash):
        dying.claim(5)
    assert new_chain(LocalStore(tmp_path)).claim(9) == (5 if claimed else 9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 15)), max_size=12))
def test_replays_with_any_cuts_publish_every_record_once(chunks):
    store = MemoryStore()
    new_chain(store).claim(0)
    for back, size in chunks:
        chain = new_chain(store)
        start = max(chain.head() - back, 0)
        before = chain.head()
        result = chain.publish(start, start + size, make_rows(start, start + size))
        assert chain.head() == max(before, start + size)
        assert (result.outcome == "dropped") == (start + size <= before)
        assert result.rows == max(0, start + size - before)
    assert_whole(store, new_chain(store).head())


def test_an_output_made_anew_is_listed_anew(tmp_path):
    """Chains of one process share a listing for a while: what has gone since must not count as published."""
    chain = Chain(tmp_path / "out", SOURCE, PARTITION)
    chain.claim(0)
    chain.publish(0, 5, make_rows(0, 5))
    assert Chain(tmp_path / "out", SOURCE, PARTITION).head() == 5
    shutil.rmtree(tmp_path / "out")
    assert Chain(tmp_path / "out", SOURCE, PARTITION).head() is None


class OldListing(MemoryStore):
    """Shows files by jumps that have gone since, as a listing does that is some seconds old."""

    gone: tuple[str, ...] = ()

    def names_after(self, folder: str, prefix: str, after: str = "") -> list[str]:
        return sorted([*super().names_after(folder, prefix, after), *self.gone])


def test_a_newest_file_that_has_gone_since_it_was_listed_counts_for_nothing():
    """Its start as the head would leave a hole; walking from the root would read the whole chain."""
    store = OldListing()
    chain = new_chain(store)
    chain.claim(0)
    for start in range(50):
        chain.publish(start, start + 1, make_rows(start, start + 1))
    path = next(path for path in store.files if path.endswith(f"{49:020d}.parquet"))
    store.gone = (path.removeprefix("tags/"),)
    del store.files[path]  # damaged, and so deleted by somebody
    store.read_paths.clear()
    assert new_chain(store).head() == 49
    assert len(store.read_paths) == 3  # the one that has gone, the one before, and what might follow


def test_a_root_that_goes_as_it_is_claimed_is_told():
    store = MemoryStore()
    store.create = lambda *_: False  # somebody was faster, and then deleted the output
    with pytest.raises(ChainError, match=r"00003\.start vanished: is something else deleting the output\?"):
        new_chain(store).claim(0)


def test_a_sweep_is_of_the_store_that_is_given(tmp_path):
    store = MemoryStore()
    store.sweep = lambda: 7
    assert sweep(tmp_path, store=store) == 7


def test_files_that_a_shared_listing_does_not_show_are_found(tmp_path):
    other = Chain(tmp_path, "other", PARTITION)
    assert other.head() is None  # lists the folder
    chain = Chain(tmp_path, SOURCE, PARTITION)
    chain.claim(3)
    for start in (3, 8, 9):
        chain.publish(start, start + 5, make_rows(start, start + 5))
    assert Chain(tmp_path, SOURCE, PARTITION).head() == 14
