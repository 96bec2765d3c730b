from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.cli import main
from skillstream.errors import OutputError
from skillstream.output.chain_check import verify_chain
from skillstream.output.layout import (
    Partition,
    chain_name,
    check_layout,
    claimed,
    file_path,
    files,
    holds_output,
    newest_start,
    root_path,
)
from skillstream.output.run_info import RunInfo, open_run, read_run
from skillstream.storage.store import LocalStore
from tests.chain_fakes import MemoryStore, new_object_store

NAMES = [
    ("kafka.topic-1_x", "kafka.topic-1_x"),
    ("a/b", "a%2Fb"),
    ("100 % =", "100%20%25%20%3D"),
    ("source=x", "source%3Dx"),
    ("[*]?", "%5B%2A%5D%3F"),
    ("求人", "%E6%B1%82%E4%BA%BA"),
    ("_x_", "%5Fx_"),
    (".x.", "%2Ex."),
    ("..", "%2E."),
    ("%5Fx", "%255Fx"),
    ("a.00003", "a.00003"),
    ("x.parquet", "x.parquet"),
]


@pytest.mark.parametrize(("source", "name"), NAMES)
def test_any_source_name_makes_a_file_name(source, name):
    assert file_path(source, 12, 345) == f"tags/{name}.00012.00000000000000000345.parquet"
    assert root_path(source, 12) == f"chains/{name}.00012.start"


def test_a_source_needs_a_name_that_fits():
    with pytest.raises(ValueError, match="name"):
        chain_name("", 0)
    with pytest.raises(OutputError, match="room for 210"):
        chain_name("求" * 30, 0)
    assert len(file_path("x" * 210, 2**31 - 1, 2**63 - 1)) <= 255


@pytest.mark.parametrize("make_store", [LocalStore, lambda _: new_object_store()])
def test_a_walk_finds_what_was_written_and_reports_the_rest(tmp_path, make_store):
    store = make_store(tmp_path)
    written = {Partition(source, partition) for source, _ in NAMES for partition in (0, 7, 123456)}
    for source, partition in written:
        store.create(root_path(source, partition), b"3\n")
        for start in (10, 3):
            store.create(file_path(source, partition, start), b"")
    strays = {
        f"tags/{name}"
        for name in ("a b.00000.%020d.parquet", ".x.00000.%020d.parquet", "a%%2fb.00000.%020d.parquet",
                     "a.0.%020d.parquet", "x.%020d.parquet", "x" * 211 + ".00000.%020d.parquet")
        for name in [name % 3]
    } | {"tags/a%2Fb.00007.3.parquet", "chains/a.start"}  # fmt: skip
    for path in strays:
        store.create(path, b"")
    seen = []
    found = files(store, stray=seen.append)
    assert set(found) == written
    assert list(found) == sorted(found)
    for key, published in found.items():
        assert published == [(start, file_path(*key, start)) for start in (3, 10)]
    assert claimed(store, stray=seen.append) == sorted(written)
    assert set(seen) == strays
    assert {key: newest_start(store, *key) for key in written} == dict.fromkeys(written, 10)
    assert newest_start(store, "none", 0) is None


def test_chains_whose_names_begin_alike_are_told_apart(tmp_path):
    store = LocalStore(tmp_path)
    store.create(file_path("jobs", 3, 5), b"")
    store.create(file_path("jobs.00003", 7, 9), b"")
    assert newest_start(store, "jobs", 3) == 5
    assert newest_start(store, "jobs", 7) is None
    assert newest_start(store, "jobs.00003", 7) == 9


def test_a_folder_is_an_output_by_its_names():
    assert holds_output(["run.json", "tags", "chains"])
    assert not holds_output(["run.json"])
    assert not holds_output(["tags"])


@pytest.fixture
def old(tmp_path):
    """An output of an earlier version, and everything in it."""
    folder = tmp_path / "old" / "tags" / "source=jobs" / "partition=00000"
    folder.mkdir(parents=True)
    (folder / "_start").write_text("0\n")
    (tmp_path / "old" / "run.json").write_text('{"identity": {"source": "kafka"}, "created_at": ""}')
    return tmp_path / "old"


@pytest.mark.parametrize(
    "call",
    [
        check_layout,
        read_run,
        verify_chain,
        lambda root: open_run(root, RunInfo(identity={"source": "kafka"}, created_at="")),
    ],
)
def test_the_layout_of_an_earlier_version_is_refused(old, call):
    before = sorted(old.rglob("*"))
    with pytest.raises(OutputError, match=r"earlier version .* choose another --output"):
        call(old)
    assert sorted(old.rglob("*")) == before


@pytest.mark.parametrize(
    "command",
    [
        "tag {in} --output {old}",
        "stream --bootstrap-servers 127.0.0.1:1 --topic jobs --output {old}",
        "replay {old} --output {new}",
        "replay {made} --output {old}",
        "doctor --output {old}",
        "flink watch --bootstrap-servers 127.0.0.1:1 --topic jobs --output {old}",
    ],
)
def test_every_command_refuses_it_in_one_line_before_anything_is_touched(old, tmp_path, capsys, command):
    places = {name: tmp_path / name for name in ("in", "new", "made")} | {"old": old}
    places["in"] = tmp_path / "in.jsonl"
    places["in"].write_text('{"title": "t", "description": "d"}\n')
    open_run(places["made"], RunInfo(identity={"source": "kafka"}, created_at=""))
    before = sorted(tmp_path.rglob("*"))
    arguments = [
        word.format_map({name: str(path) for name, path in places.items()}) for word in command.split()
    ]
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"skillstream: {old} was written by an earlier version")
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_topic_whose_name_has_no_room_is_refused_before_anything_else(tmp_path, capsys):
    """Kafka allows 249 characters. That no Kafka is there would be told next."""
    arguments = ["stream", "--bootstrap-servers", "localhost:1", "--output", str(tmp_path / "out"), "--topic"]
    assert main([*arguments, "x" * 249]) == 2
    told = capsys.readouterr().err
    assert "this name is 249 characters long in a file's name, and there is room for 210" in told
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "out").exists()


class Listed(MemoryStore):
    """Counts listings of chains, whose files may have any starts."""

    def __init__(self, source: str, starts: Iterable[int]) -> None:
        super().__init__()
        self.files = {file_path(source, 0, start): b"" for start in starts}


@given(
    st.lists(st.integers(0, 2**63 - 1), max_size=8),
    st.integers(0, 2500),
    st.integers(1, 400),
    st.integers(-1, 2**63),
)
@settings(max_examples=60, deadline=None)
def test_the_newest_file_is_found_by_jumps(far, count, step, known):
    starts = [*range(7, 7 + count * step, step), *far]
    store = Listed("a", starts)
    assert newest_start(store, "a", 0) == max(starts, default=None)
    behind = [start for start in starts if start > known]
    assert newest_start(store, "a", 0, known) == max(behind, default=None)
    assert newest_start(store, "a", 0, fresh=True) == max(starts, default=None)


def test_names_of_others_in_between_are_passed_over():
    store = Listed("a", [5, 99])
    for number in range(2500):
        # of the source `a.00000.00000000000000000007`, between our two
        store.files[file_path(f"a.00000.{7:020d}", number, 0)] = b""
    store.files |= {f"tags/a.00000.{number:020d}.parquet.old": b"" for number in range(1500)}
    assert newest_start(store, "a", 0) == 99
    assert newest_start(store, "a", 0, 5) == 99
    assert newest_start(store, "a", 0, 99) is None


@pytest.mark.parametrize("rows", [1, 100, 12_345])
def test_a_long_chain_takes_few_listings(rows):
    store = Listed("a", range(0, 100_000 * rows, rows))
    assert newest_start(store, "a", 0) == 99_999 * rows
    assert store.listed <= 16
