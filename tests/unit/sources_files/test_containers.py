"""JSON files of one object, or several, that hold the postings in a list."""

import contextlib
import gzip
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.errors import SourceError
from skillstream.postings import FieldMapping, JobPosting, parse_record
from skillstream.rejections import Rejection
from skillstream.sources.files import SourceReadError, plan_files, read_chunks
from skillstream.sources.files.json_lists import lists_of, split_list_elements
from tests.unit.postings.test_containers import CONTAINERS, COOK, TWO, WELDER, schema_org


def records_of(path, fields=None, max_rows=200):
    plan = plan_files([str(path)], fields)
    return [
        record
        for file_range in plan.ranges
        for chunk in read_chunks(file_range, file_range.start, max_rows)
        for record in chunk.records
    ]


def write(path, value, indent=None):
    content = value if isinstance(value, bytes) else json.dumps(value, indent=indent).encode()
    path.write_bytes(gzip.compress(content) if path.name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize(("value", "path"), CONTAINERS, ids=[path for _, path in CONTAINERS])
def test_a_file_that_is_a_container_gives_its_postings(tmp_path, value, path, indent, name):
    file = write(tmp_path / name, value, indent)
    records = records_of(file)
    assert [record.offset for record in records] == [0, 1]
    for fields in (FieldMapping(), FieldMapping(records_path=path)):
        postings = [parse_record(record, fields) for record in records_of(file, fields)]
        assert len(postings) == 2
        assert all(isinstance(posting, JobPosting) for posting in postings), postings
        assert postings[0].title == "Cook"


def test_a_graph_of_postings_alone_is_opened_and_a_mixed_one_told(tmp_path):
    cook, welder = schema_org(COOK), schema_org(WELDER)
    assert len(records_of(write(tmp_path / "a.json", {"@graph": [cook, welder]}))) == 2
    [record] = records_of(write(tmp_path / "b.json", {"@graph": [cook, {"@type": "WebPage"}, welder]}))
    rejection = parse_record(record)
    assert isinstance(rejection, Rejection)
    assert "an @graph that holds 2 JobPosting objects" in rejection.detail


@pytest.mark.parametrize(
    "value", [COOK, COOK | {"skills": [{"name": "Knives"}]}, {"job": COOK}, {"jobs": []}]
)
def test_a_file_of_one_posting_stays_one_record(tmp_path, value):
    assert [json.loads(record.payload) for record in records_of(write(tmp_path / "a.json", value))] == [value]


@pytest.mark.parametrize("between", [b"", b"\n", b",\n \r\n"])
def test_pages_of_results_one_after_another(tmp_path, between):
    pages = [{"page": n, "results": [COOK | {"id": f"{n}-{i}"} for i in range(3)]} for n in range(4)]
    file = write(tmp_path / "a.json", between.join(json.dumps(page).encode() for page in pages))
    ids = [json.loads(record.payload).get("id") for record in records_of(file) if record.payload[:1] == b"{"]
    assert ids == [f"{n}-{i}" for n in range(4) for i in range(3)]


def test_a_page_without_the_list_is_a_row_that_says_so(tmp_path):
    pages = [{"jobs": TWO}, {"error": "too many requests"}, {"jobs": [COOK]}]
    records = records_of(write(tmp_path / "a.json", b"\n".join(json.dumps(page).encode() for page in pages)))
    parsed = [parse_record(record) for record in records]
    assert [type(item) for item in parsed] == [JobPosting, JobPosting, Rejection, JobPosting]
    assert "the record has 'error'" in parsed[2].detail


def test_json_lines_of_containers_are_one_row_each(tmp_path):
    records = records_of(
        write(tmp_path / "a.jsonl", b'{"jobs": [{"title": "a", "id": 1}, {"title": "b", "id": 2}]}\n')
    )
    assert len(records) == 1
    assert "the postings are in 'jobs' (2 objects)" in parse_record(records[0]).detail


def test_records_path_said(tmp_path):
    value = {"odd": {"list": [{"name": "Cook"}, {"name": "Welder"}]}, "jobs": TWO}
    file = write(tmp_path / "a.json", value)
    fields = FieldMapping(records_path="odd.list")
    assert [json.loads(record.payload) for record in records_of(file, fields)] == value["odd"]["list"]
    assert (
        len({plan_files([str(file)], f).files[0].source for f in (fields, None)}) == 2
    )  # rows of another kind
    with pytest.raises(SourceError, match=r"nothing is at 'job' \(--records-path\); .* has 'odd', 'jobs'"):
        plan_files([str(file)], FieldMapping(records_path="job"))


def test_a_path_to_one_posting_in_each_object_leaves_the_objects_records(tmp_path):
    lines = b'{"payload": {"ad": {"title": "Cook"}}}\n{"payload": {"ad": {"title": "Welder"}}}\n'
    fields = FieldMapping(records_path="payload.ad")
    records = records_of(write(tmp_path / "a.json", lines), fields)
    assert [parse_record(record, fields).title for record in records] == ["Cook", "Welder"]


def test_a_large_container_is_read_in_pieces_and_resumes(tmp_path):
    jobs = [COOK | {"id": n, "description": "You cook. " * 500} for n in range(1500)]
    file = write(tmp_path / "a.json", {"title_of_page": "Jobs", "jobs": jobs, "total": 1500})
    assert file.stat().st_size > 5 << 20
    [file_range] = plan_files([str(file)]).ranges
    chunks = list(read_chunks(file_range, 0, 200))
    assert [json.loads(r.payload)["id"] for chunk in chunks for r in chunk.records] == list(range(1500))
    later = [r for chunk in read_chunks(file_range, 777, 200) for r in chunk.records]
    assert (later[0].offset, json.loads(later[0].payload)["id"], len(later)) == (777, 777, 723)


@pytest.mark.parametrize("cut", [30, 150, -2])
def test_a_container_that_is_cut_off_is_told_after_what_came_before(tmp_path, cut):
    file = write(tmp_path / "a.json", json.dumps({"jobs": [COOK] * 9}).encode()[:cut])
    [file_range] = plan_files([str(file)], FieldMapping(records_path="jobs")).ranges
    chunks = read_chunks(file_range, 0, 2)
    with pytest.raises(SourceReadError, match="has no end"):
        for _ in chunks:
            pass


NAMES = st.sampled_from(["a", "b", 'c"{', ""])
json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=6) | st.just('a"]}\\'),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=25,
)  # fmt: skip
objects = st.dictionaries(NAMES, json_values, max_size=4)


def lists_by_hand(value, names=()):
    found = []
    for name, inner in value.items():
        if isinstance(inner, list):
            found.append((*names, name))
        elif isinstance(inner, dict):
            found += lists_by_hand(inner, (*names, name))
    return found


@settings(deadline=None)
@given(st.lists(objects, max_size=4), st.integers(1, 40), st.sampled_from([None, 1]))
def test_elements_are_those_that_a_json_parser_finds(values, size, indent):
    data = "\n".join(json.dumps(value, indent=indent) for value in values).encode()
    if values:
        found = list(lists_of(data))
        assert [item.names for item in found] == [*lists_by_hand(values[0]), ()]
    expected = []
    for value in values:
        inner = value.get("a")
        if isinstance(inner, dict) and isinstance(inner.get("b"), list | dict):
            inner = inner["b"]
        elif not isinstance(inner, list):
            inner = None
        expected += inner if isinstance(inner, list) else [value]
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    assert [json.loads(piece.data) for piece in split_list_elements(blocks, "a.b")] == expected


def test_any_bytes_end(tmp_path):
    chooser = random.Random(5)
    whole = json.dumps({"meta": {"x": [1, "]"]}, "jobs": TWO, "more": {"a": 'b"'}}).encode()
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(chooser.randint(1, 4)):
            at = chooser.randrange(len(data))
            data[at : at + chooser.randint(0, 3)] = bytes(chooser.choice(b'{}[]",:\\ ax') for _ in range(2))
        with contextlib.suppress(SourceReadError):
            list(split_list_elements(iter([bytes(data[:50]), bytes(data[50:])]), "jobs"))
