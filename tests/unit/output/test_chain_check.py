import pytest

from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from skillstream.output.chain_file import encode_file
from skillstream.output.layout import file_path, root_path
from tests.chain_fakes import PARTITION, SOURCE, MemoryStore, make_row, make_rows

ROOT = root_path(SOURCE, PARTITION)


@pytest.fixture
def store():
    """A whole chain of [0, 10), [10, 20), [20, 30)."""
    store = MemoryStore()
    chain = Chain("", SOURCE, PARTITION, store=store)
    chain.claim(0)
    for start in (0, 10, 20):
        chain.publish(start, start + 10, make_rows(start, start + 10))
    return store


def path_of(start):
    return file_path(SOURCE, PARTITION, start)


def kinds(store):
    return [finding.kind for finding in verify_chain("", store=store).findings]


def test_a_whole_chain_has_no_findings(store):
    report = verify_chain("", store=store)
    assert (report.partitions, report.files, report.rows, report.findings) == (1, 3, 30, [])


def test_an_empty_or_missing_output_has_none_either(tmp_path):
    assert verify_chain(tmp_path / "missing").findings == []


def test_a_missing_file_is_a_hole(store):
    del store.files[path_of(10)]
    (finding,) = verify_chain("", store=store).findings
    assert (finding.kind, finding.path) == ("hole", path_of(20))
    assert "[10, 20)" in finding.detail


def test_a_missing_first_file_is_a_hole(store):
    del store.files[path_of(0)]
    assert kinds(store) == ["hole"]


def test_a_file_that_reaches_into_the_next_one_is_an_overlap(store):
    store.files[path_of(10)] = encode_file(SOURCE, PARTITION, 10, 25, make_rows(10, 25))
    assert kinds(store) == ["overlap"]


def test_a_damaged_file_is_unreadable_and_hides_no_later_hole(store):
    data = store.files[path_of(10)]
    store.files[path_of(10)] = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    assert kinds(store) == ["unreadable"]


def test_a_file_under_another_name_is_misplaced(store):
    store.files[path_of(30)] = store.files[path_of(0)]
    assert kinds(store) == ["misplaced"]


@pytest.mark.parametrize(
    "rows",
    [
        [make_row(29)],
        [make_row(40)],
        [make_row(35), make_row(33)],
        [make_row(33), make_row(33)],
        [make_row(33, source="x")],
        [make_row(33, partition=1)],
    ],
)
def test_rows_that_do_not_belong_into_a_file_are_found(store, rows):
    store.files[path_of(30)] = encode_file(SOURCE, PARTITION, 30, 40, rows)
    assert kinds(store) == ["bad_rows"]


@pytest.mark.parametrize("content", [None, b"", b"x"])
def test_a_chain_needs_its_root(store, content):
    if content is None:
        del store.files[ROOT]
    else:
        store.files[ROOT] = content
    assert kinds(store) == ["no_root"]


def test_what_is_no_part_of_a_chain_is_told_and_hidden_names_are_not(store):
    for path in (
        "tags/notes.txt",
        "tags/x/y",
        f"tags/x.3.{0:020d}.parquet",
        f"tags/a b.00000.{0:020d}.parquet",
        "tags/x.00003.7.parquet",
        "tags/.tmp",
        "tags/_x/y",
        "chains/x.00003",
    ):
        store.files[path] = b""
    findings = verify_chain("", store=store).findings
    assert sorted((f.kind, f.path) for f in findings) == [
        ("stray", "chains/x.00003"),
        ("stray", f"tags/a b.00000.{0:020d}.parquet"),
        ("stray", "tags/notes.txt"),
        ("stray", "tags/x"),
        ("stray", "tags/x.00003.7.parquet"),
        ("stray", f"tags/x.3.{0:020d}.parquet"),
    ]


def test_a_chain_without_a_file_is_whole(store):
    Chain("", SOURCE, 4, store=store).claim(7)
    report = verify_chain("", store=store)
    assert (report.partitions, report.files, report.findings) == (2, 3, [])
