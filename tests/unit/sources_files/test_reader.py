import csv
import gzip
import io
import json
import math
import os
import random
import tracemalloc
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.delimited import lines
from skillstream.errors import SourceError
from skillstream.rejections import RejectionCode
from skillstream.sources.files import decode, plan
from skillstream.sources.files.json_values import split_values
from skillstream.sources.files.plan import plan_files
from skillstream.sources.files.reader import SourceReadError, read_chunks

POSTINGS = [
    {"id": str(i), "title": f"Wärter {i}", "description": f'a "{i}"\nb,c;\t' * (i % 5)} for i in range(100)
]


def write(path, postings):
    """The postings in the format that the file's name says."""
    text = io.StringIO()
    kind = path.name.split(".")[1]
    if kind in ("csv", "tsv"):
        writer = csv.DictWriter(
            text, postings[0], delimiter="," if kind == "csv" else "\t", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(postings)
    elif kind == "json":
        json.dump(postings, text, indent=2)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(postings), path, row_group_size=30)
        return path
    else:
        text.write("".join(json.dumps(posting) + "\n" for posting in postings))
    data = text.getvalue().encode()
    if path.name.endswith(".gz"):
        data = gzip.compress(data)
    if path.name.endswith(".zst"):
        data = zstandard.compress(data)
    path.write_bytes(data)
    return path


def read(path, start=None, max_rows=7, **options):
    """All records of a file, its chunks checked to follow one another."""
    records = []
    for item in plan_files([str(path)], **options).ranges:
        at = item.start if start is None else start
        for chunk in read_chunks(item, at, max_rows):
            assert (chunk.source, chunk.partition, chunk.start) == (item.source, item.partition, at)
            assert [record.offset for record in chunk.records] == list(range(chunk.start, chunk.end))
            assert 0 < len(chunk.records) <= max_rows
            at = chunk.end
            records += chunk.records
    return records


def read_until_fault(item):
    """The records before the fault, and what is told about it."""
    records = []
    try:
        for chunk in read_chunks(item, item.start, 300):
            records += chunk.records
    except SourceReadError as error:
        return records, str(error)
    return records, ""


def payloads(path):
    return [record.payload for record in read(path)]


def codes(records):
    return [record.rejection and record.rejection.code for record in records]


NAMES = ["x.jsonl", "x.ndjson", "x.json", "x.csv", "x.tsv", "x.parquet"]
NAMES += [f"{name}{end}" for name in NAMES[:-1] for end in (".gz", ".zst")]


@pytest.mark.parametrize("name", NAMES)
def test_every_kind_of_file_gives_the_same_postings(tmp_path, name):
    records = read(write(tmp_path / name, POSTINGS))
    assert [json.loads(record.payload) for record in records] == POSTINGS
    assert codes(records) == [None] * 100


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", [1, 29, 30, 99, 100])
def test_reading_goes_on_from_any_row(tmp_path, name, start):
    path = write(tmp_path / name, POSTINGS)
    assert read(path, start) == read(path)[start:]


def test_a_line_is_its_bytes_as_they_came(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\r\n\n  \n\xff\xfe\x00{"b"\n[1]')
    assert payloads(path) == [b'{"a": 1}\r', b"", b"  ", b'\xff\xfe\x00{"b"', b"[1]"]


def test_nothing_after_the_last_newline_is_no_record(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"{}\n{}\n")
    assert len(read(path)) == 2
    path.write_bytes(b"{}\n\n")
    assert payloads(path) == [b"{}", b""]


def test_a_chunk_is_closed_by_rows_or_by_bytes(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join(b"x" * 100 for _ in range(50)))
    (item,) = plan_files([str(path)]).ranges
    assert [c.end - c.start for c in read_chunks(item, 0, 20)] == [20, 20, 10]
    assert [c.end - c.start for c in read_chunks(item, 0, 20, max_bytes=250)] == [3] * 16 + [2]
    assert [c.end - c.start for c in read_chunks(item, 0, 20, max_bytes=1)] == [1] * 50


def test_a_line_beyond_the_cap_keeps_its_beginning_only(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_PIECE_BYTES", 1000)
    monkeypatch.setattr(lines, "KEPT_BYTES", 10)
    monkeypatch.setattr(decode, "BLOCK_BYTES", 64)
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n".join([b"a" * 1000, b"b" * 1001, b"c" * 5000, b"d"]))
    records = read(path)
    assert [record.payload for record in records] == [b"a" * 1000, b"b" * 10, b"c" * 10, b"d"]
    assert codes(records) == [None, RejectionCode.TOO_LARGE, RejectionCode.TOO_LARGE, None]
    assert records[2].rejection.detail.startswith("5,000 bytes, over 1,000")


def test_memory_does_not_grow_with_the_length_of_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_PIECE_BYTES", 1 << 20)
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(b"x" * (64 << 20)) * 4)  # 2 KB a frame
    (item,) = plan_files([str(path)]).ranges
    tracemalloc.start()
    (chunk,) = read_chunks(item, 0, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert chunk.records[0].rejection.detail.startswith("268,435,456 bytes")
    assert peak < 80 << 20  # 1 KB of this hostile file is 32 MB, held twice while it is decoded


@settings(max_examples=100, deadline=None)
@given(st.lists(st.binary(max_size=20), max_size=8), st.integers(1, 9))
def test_lines_are_the_same_however_blocks_are_cut(parts, size):
    data = b"\n".join(parts)
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    assert [piece.data for piece in lines.split_lines(blocks)] == expected


# --- cut and damaged files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.jsonl.zst", "x.csv.gz", "x.json"])
def test_rows_before_a_cut_are_read_and_the_cut_is_told(tmp_path, name):
    rng = random.Random(0)
    postings = [{"id": str(i), "title": rng.randbytes(200).hex()} for i in range(5000)]
    path = write(tmp_path / name, postings)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (item,) = plan_files([str(path)]).ranges
    records, fault = read_until_fault(item)
    assert fault.startswith(f"{path}: ")
    assert "cut off" in fault
    assert 2000 < len(records) < 3000
    good = (
        records[:-1] if name == "x.json" else records
    )  # the cut element is a record of its own, and rejected
    assert [json.loads(record.payload) for record in good] == postings[: len(good)]


def test_a_damaged_gzip_file_is_told(tmp_path):
    path = write(tmp_path / "x.jsonl.gz", POSTINGS * 500)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) * 3 // 4] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(SourceReadError, match=r"damaged gzip|cut off"):
        read(path, max_rows=1000)


def test_several_members_and_padding_are_one_gzip_file(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(b"a\nb") + gzip.compress(b"") + gzip.compress(b"c\nd\n") + b"\0" * 100)
    assert payloads(path) == [b"a", b"bc", b"d"]


def test_several_frames_are_one_zstd_file(tmp_path):
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(zstandard.compress(b"a\nb") + zstandard.compress(b"c\n"))
    assert payloads(path) == [b"a", b"bc"]


def test_a_damaged_parquet_page_is_told_after_the_rows_before_it(tmp_path):
    path = tmp_path / "x.parquet"
    rng = random.Random(0)
    table = pa.table({"title": [rng.randbytes(50).hex() for _ in range(3000)]})
    pq.write_table(table, path, row_group_size=1000, write_page_checksum=True, use_dictionary=False)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    path.write_bytes(damaged)
    (item,) = plan_files([str(path)]).ranges
    records, fault = read_until_fault(item)
    assert f"damaged after row {len(records):,}" in fault
    assert len(records) > 700
    assert [json.loads(record.payload) for record in records] == table.slice(0, len(records)).to_pylist()


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_a_file_that_vanished_or_shrank_since_the_plan_is_told(tmp_path, name):
    path = write(tmp_path / name, POSTINGS)
    (item,) = plan_files([str(path)]).ranges
    write(path, POSTINGS[:50])
    with pytest.raises(SourceReadError, match="it has changed"):
        list(read_chunks(item, 0, 10))
    path.unlink()
    with pytest.raises(SourceReadError, match=name):
        list(read_chunks(item, 0, 10))


def read_while(item, change, max_rows=10):
    """The payloads read until the fault that a change after the first chunk brings, and the fault."""
    chunks = read_chunks(item, item.start, max_rows)
    found = [record.payload for record in next(chunks).records]
    change()
    try:
        for chunk in chunks:
            found += [record.payload for record in chunk.records]
    except SourceReadError as error:
        return found, str(error)
    return found, ""


def append(path, data):
    with path.open("ab") as file:
        file.write(data)


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.csv", "x.json", "x.parquet"])
def test_rows_read_after_a_change_are_not_published(tmp_path, name):
    path = write(tmp_path / name, POSTINGS)
    (item,) = plan_files([str(path)]).ranges
    found, message = read_while(item, lambda: write(path, POSTINGS + POSTINGS))
    assert [json.loads(payload) for payload in found] == POSTINGS[:10]
    assert message.startswith(f"{path}: it has changed")
    with pytest.raises(SourceReadError, match="it has changed"):
        next(read_chunks(item, 0, 10))


def test_a_half_written_line_at_the_end_is_not_published(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"title": "a"}\n{"title": "b"}')
    (item,) = plan_files([str(path)]).ranges
    found, message = read_while(item, lambda: append(path, b'\n{"title": "c'), max_rows=1)
    assert found == [b'{"title": "a"}']
    assert "it has changed" in message


def test_a_file_touched_or_rewritten_in_the_same_size_is_told(tmp_path):
    path = write(tmp_path / "x.jsonl", POSTINGS)
    (item,) = plan_files([str(path)]).ranges
    os.utime(path, ns=(item.mtime_ns, item.mtime_ns + 1))
    with pytest.raises(SourceReadError, match="it has changed"):
        next(read_chunks(item, 0, 10))


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv"])
def test_no_row_beyond_the_plan_is_given_whatever_the_file_says_of_its_age(tmp_path, name):
    """As where the file's server answers with old sizes and times."""
    path = write(tmp_path / name, POSTINGS)
    item = plan_files([str(path)], range_bytes=1000).ranges[-1]
    write(path, POSTINGS + POSTINGS)
    found = path.stat()
    item = msgspec.structs.replace(item, size=found.st_size, mtime_ns=found.st_mtime_ns)
    records, fault = read_until_fault(item)
    assert [json.loads(record.payload) for record in records] == POSTINGS[item.start :]
    assert "it has changed" in fault


def test_a_file_that_changes_while_it_is_planned_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "x.jsonl", POSTINGS)
    scan = plan._scan_lines

    def scan_of_a_log(path, etag, size, range_bytes):
        append(Path(path), b"{}\n")
        return scan(path, etag, size, range_bytes)

    monkeypatch.setattr(plan, "_scan_lines", scan_of_a_log)
    with pytest.raises(SourceError, match=r"x\.jsonl: it changed while it was read"):
        plan_files([str(path)])


# --- JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", []),
        (" \n", []),
        ("[]", []),
        (" [ ] ", []),
        ('{"a": 1}', ['{"a": 1}']),
        ('[{"a": [1, {"b": "]"}]}, 2 ,\n"x,y", null]', ['{"a": [1, {"b": "]"}]}', "2", '"x,y"', "null"]),
        ('{"a":\n 1}\n{"b": 2}{"c": 3}', ['{"a":\n 1}', '{"b": 2}', '{"c": 3}']),
        ('{"a": "\\"}{"}\n{}', ['{"a": "\\"}{"}', "{}"]),
        ('["\\\\", "\\""]', ['"\\\\"', '"\\""']),
        ("[1,,2]", ["1", "", "2"]),
        ("[1,]", ["1"]),
        ('junk {"a": 1} more', ["junk", '{"a": 1}', "more"]),
        ('[{"a": 1}] junk', ['{"a": 1}', "junk"]),
        ('{"a": {', ['{"a": {']),
        ("[1}, 2]", ["1}", "2"]),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_values_of_a_json_file(text, values, size):
    data = text.encode()
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    assert [piece.data.decode() for piece in split_values(blocks)] == values


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(json_values, max_size=6), st.integers(1, 20), st.sampled_from([None, 1]), st.booleans())
def test_any_array_comes_apart_however_blocks_are_cut(values, size, indent, ascii_only):
    data = json.dumps(values, indent=indent, ensure_ascii=ascii_only).encode()
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    assert [json.loads(piece.data) for piece in split_values(blocks)] == values


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=6), st.integers(1, 20))
def test_any_objects_one_after_another_come_apart(values, size):
    data = "\n".join(json.dumps(value, indent=1) for value in values).encode()
    blocks = (data[at : at + size] for at in range(0, len(data), size))
    assert [json.loads(piece.data) for piece in split_values(blocks)] == values


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(1, 20))
def test_no_bytes_get_lost_in_broken_json(data, size):
    """Whatever the bytes: all that are not between values come out, in order."""

    def pieces(block_size):
        found = []
        try:
            for piece in split_values(data[at : at + block_size] for at in range(0, len(data), block_size)):
                found.append(piece.data)
        except SourceReadError:
            found.append("cut")
        return found

    assert pieces(size) == pieces(1000)
    if not data.lstrip().startswith(b"["):
        between = b" \t\r\n\x1e,"
        assert b"".join(pieces(size)).translate(None, between) == data.translate(None, between)


# --- CSV ---------------------------------------------------------------------------------------------


def write_csv(tmp_path, data, name="x.csv"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def test_ragged_rows_are_rejected_with_their_bytes_and_the_rest_is_kept(tmp_path):
    path = write_csv(tmp_path, b'id,title\n1,a\n2,b,c\n3\n\n4,"x\ny",z\n5,e')
    records = read(path)
    ragged = RejectionCode.RAGGED_ROW
    assert codes(records) == [None, ragged, ragged, None, ragged, None]
    assert [record.payload for record in records] == [
        b'{"id":"1","title":"a"}',
        b"2,b,c",
        b"3",
        b"",
        b'4,"x\ny",z',
        b'{"id":"5","title":"e"}',
    ]
    assert records[1].rejection.detail == "expected 2 cells, got 3 (line 3)"


def test_a_row_with_invalid_utf8_keeps_its_bytes(tmp_path):
    records = read(write_csv(tmp_path, b'id,title\n1,caf\xe9\n2,"ok \xc3\xa9"\n'))
    assert records[0].payload == b'{"id":"1","title":"caf\xe9"}'
    assert json.loads(records[1].payload) == {"id": "2", "title": "ok é"}


@pytest.mark.parametrize(
    ("data", "row"),
    [
        (b"\xef\xbb\xbfid,title\n1,x\n", {"id": "1", "title": "x"}),
        (b"id;title\n1;x, y\n", {"id": "1", "title": "x, y"}),
        (b"id\ttitle\n1\tx, y\n", {"id": "1", "title": "x, y"}),
        (b"id,title\r\n1,x\r\n", {"id": "1", "title": "x"}),
        (b"id, title \n1,x\n", {"id": "1", "title": "x"}),
        (b'"id","title"\n1,"a ""b"" c"\n', {"id": "1", "title": 'a "b" c'}),
        (b"id,title\n1,a\x00b\n", {"id": "1", "title": "a\x00b"}),
        (b"id,title,title\n1,a,b\n", {"id": "1", "title": "a"}),
        (b"id,title,title\n1, ,b\n", {"id": "1", "title": "b"}),
        (b"id,title\n1," + b"x" * 200_000, {"id": "1", "title": "x" * 200_000}),
        (b'id,title\n1,6" nail\n', {"id": "1", "title": '6" nail'}),
    ],
)
def test_csv_as_it_is_found_in_the_wild(tmp_path, data, row):
    (record,) = read(write_csv(tmp_path, data))
    assert json.loads(record.payload) == row
    assert record.rejection is None


def test_what_the_csv_reader_refuses_is_one_rejected_row(tmp_path):
    records = read(write_csv(tmp_path, b"id,title\n1,a\rb\n2,c\n"))
    assert codes(records) == [RejectionCode.RAGGED_ROW, None]
    assert records[0].payload == b"1,a\rb"


def test_a_quote_without_end_costs_one_row(tmp_path, monkeypatch):
    monkeypatch.setattr("skillstream.delimited.csv_records.MAX_PIECE_BYTES", 1000)
    path = write_csv(tmp_path, b'id,title\n1,"a\n' + b"2,b\n" * 1000)
    records, fault = read_until_fault(plan_files([str(path)]).ranges[0])
    assert codes(records) == [RejectionCode.RAGGED_ROW] + [None] * 1000
    assert "a quote opened in row 1 (line 2) is not closed" in fault


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_characters="\r\0")) for _ in range(3)]),
        max_size=20,
    )
)
def test_any_table_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows([("id", "title", "text"), *rows])
    records = read(path, range_bytes=50)
    assert [tuple(json.loads(record.payload).values()) for record in records] == rows
    assert [record.offset for record in records] == list(range(len(rows)))


# --- Parquet -----------------------------------------------------------------------------------------


def test_values_of_any_type_become_json(tmp_path):
    path = tmp_path / "x.parquet"
    table = pa.table(
        {
            "title": pa.array(["é"]),
            "when": pa.array([datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)], pa.timestamp("ns", "UTC")),
            "odd": pa.array([1_234_567_891], pa.timestamp("ns")),
            "price": pa.array([Decimal("1.50")]),
            "ratio": pa.array([math.nan]),
            "tags": pa.array([["a", "b"]]),
            "nested": pa.array([{"x": {"y": 1}}]),
            "raw": pa.array([b"\xff"]),
            "none": pa.array([None], pa.string()),
        }
    )
    pq.write_table(table, path)
    (record,) = read(path)
    value = json.loads(record.payload)
    assert value["title"] == "é"
    assert value["when"] == "2030-01-02T03:04:05Z"
    assert value["odd"].startswith("1970-01-01T00:00:01.234567")
    assert value["price"] == "1.50"
    assert value["ratio"] is None
    assert value["tags"] == ["a", "b"]
    assert value["nested"] == {"x": {"y": 1}}
    assert value["none"] is None


def test_a_parquet_row_with_invalid_utf8_is_rejected_alone(tmp_path):
    path = tmp_path / "x.parquet"
    raw = pa.array([b"good", b"caf\xe9", b"fine"])
    titles = pa.StringArray.from_buffers(3, *raw.buffers()[1:])
    pq.write_table(
        pa.table({"id": [1, 2, 3], "title": titles}), path, use_dictionary=False, store_schema=False
    )
    records = read(path)
    assert codes(records) == [None, RejectionCode.INVALID_UTF8, None]
    assert b"caf\xe9" in records[1].payload
    assert json.loads(records[2].payload) == {"id": 3, "title": "fine"}
