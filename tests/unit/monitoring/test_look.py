"""What a look costs: requests to the store, counted."""

from __future__ import annotations

import pytest

from skillstream.monitoring.look import Look, StreamEyes
from skillstream.output.chain_file import encode_file
from skillstream.output.layout import file_path, root_path
from skillstream.storage.listing import PAGE
from skillstream.tagging import StreamConfig
from tests.chain_fakes import MemoryStore, make_rows

TOPIC = "postings"
PARTITIONS = range(4)
FILES = 100_000
ROWS = 100


def add(store: MemoryStore, partition: int, start: int, rows: int = ROWS) -> None:
    data = encode_file(
        TOPIC, partition, start, start + rows, make_rows(start, start + rows, TOPIC, partition)
    )
    store.files[file_path(TOPIC, partition, start)] = data


@pytest.fixture(scope="module")
def long_chains() -> dict[str, bytes]:
    """Four chains of 100,000 files, of which only the newest has any content."""
    store = MemoryStore()
    for partition in PARTITIONS:
        store.files[root_path(TOPIC, partition)] = b"0\n"
        store.files |= {file_path(TOPIC, partition, number * ROWS): b"" for number in range(FILES - 1)}
        add(store, partition, (FILES - 1) * ROWS)
    return store.files


@pytest.fixture
def store(long_chains) -> MemoryStore:
    store = MemoryStore()
    store.files = dict(long_chains)
    return store


@pytest.fixture
def eyes(store) -> StreamEyes:
    config = StreamConfig(bootstrap_servers="k:1", topic=TOPIC, output="out")
    return StreamEyes(config, ends=lambda _: dict.fromkeys(PARTITIONS, 10**9), store=store)


def spent(store: MemoryStore) -> tuple[int, int]:
    """Listings and reads since the last call."""
    counts = store.listed, len(store.read_paths)
    store.listed, store.read_paths = 0, []
    return counts


def test_a_day_of_looks_takes_few_requests(store, eyes):
    end = FILES * ROWS
    assert set(eyes.look().heads.values()) == {end}
    first = spent(store)
    assert set(eyes.look().heads.values()) == {end}
    idle = spent(store)
    for partition in PARTITIONS:
        for number in range(10):  # what a linger of a second makes in ten
            add(store, partition, end + number * ROWS)
    store.bytes_read = 0
    assert set(eyes.look().heads.values()) == {end + 10 * ROWS}
    busy = spent(store)

    assert first[0] <= 4 * 16
    assert first[1] <= 4
    assert idle == (0, 4)
    assert busy == (4, 8)
    looks_a_day = 86_400 // 10
    assert looks_a_day * sum(busy) == 103_680
    listings_before = looks_a_day * 4 * (FILES // PAGE)
    assert listings_before == 3_456_000
    # Footers, not whole files.
    assert store.bytes_read <= 8 * (1 << 15)


def test_an_output_made_anew_is_seen_by_a_fresh_look(store, eyes):
    eyes.look()
    store.files = {root_path(TOPIC, 0): b"0\n"}
    add(store, 0, 0)
    assert eyes.look().heads[0] == FILES * ROWS
    assert eyes.look(afresh=True) == Look({0: ROWS}, dict.fromkeys(PARTITIONS, 10**9))


def test_a_footer_larger_than_what_is_read_at_once(store, eyes, monkeypatch):
    from skillstream.output import chain_file

    monkeypatch.setattr(chain_file, "_FOOTER_BYTES", 100)
    assert set(eyes.look().heads.values()) == {FILES * ROWS}
