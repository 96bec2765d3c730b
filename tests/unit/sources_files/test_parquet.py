"""Parquet: no value of any type stops a run, and memory is bounded by bytes."""

import json
import math
from datetime import date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.postings import FieldMapping
from skillstream.rejections import RejectionCode
from skillstream.sources.files import SourceReadError, plan_files, read_chunks
from skillstream.sources.files.parquet_values import column_values, value_bytes

TEXT = "Bake bread and read recipes"
FAR = 9_000_000_000_000_000  # microseconds, year 2255; as milliseconds, year 287,000
STRUCT = pa.struct([("at", pa.timestamp("ns")), ("zone", pa.timestamp("us", "Mars/Olympus"))])

COLUMNS = {
    "duration_ns": pa.array([86_400 * 10**9 + 1], pa.duration("ns")),
    "duration_s": pa.array([2**62], pa.duration("s")),
    "nested_ns": pa.array([{"at": 1, "zone": 2}], STRUCT),
    "list_of_times": pa.array([[1, None, 2]], pa.list_(pa.timestamp("ns"))),
    "far_ms": pa.array([FAR], pa.timestamp("ms")),
    "far_s_utc": pa.array([FAR], pa.timestamp("s", "UTC")),
    "before_christ": pa.array([-FAR], pa.timestamp("ms")),
    "far_date": pa.array([100_000_000], pa.int32()).cast(pa.date32()),
    "far_date64": pa.array([FAR], pa.int64()).cast(pa.date64(), safe=False),
    "unknown_zone": pa.array([0], pa.timestamp("us", "Mars/Olympus")),
    "time_ns": pa.array([1], pa.time64("ns")),
    "time_ms": pa.array([1], pa.time32("ms")),
    "decimal": pa.array([Decimal("1.50")], pa.decimal128(3, 2)),
    "decimal256": pa.array([Decimal("1.50")], pa.decimal256(60, 2)),
    "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
    "map_of_dates": pa.array([[(date(2030, 1, 1), None)]], pa.map_(pa.date32(), pa.string())),
    "dictionary": pa.array(["x"]).dictionary_encode(),
    "dictionary_of_times": pa.DictionaryArray.from_arrays(pa.array([0]), pa.array([5], pa.timestamp("ns"))),
    "uuid": pa.array([b"0123456789abcdef"], pa.uuid()),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": 1}'])),
    "bytes": pa.array([b"\xff\x00"]),
    "fixed": pa.array([b"\xff\x00"], pa.binary(2)),
    "list_of_bytes": pa.array([[b"\xff", b"a", None]]),
    "view": pa.array(["x"], pa.string_view()),
    "not_a_number": pa.array([math.nan]),
    "infinite": pa.array([math.inf]),
    "half": pa.array([0.5], pa.float32()).cast(pa.float16()),
    "uint64": pa.array([2**64 - 1], pa.uint64()),
    "null": pa.array([None], pa.null()),
    "empty_list": pa.array([[]], pa.list_(pa.string())),
    "fixed_list": pa.array([["a", "b"]], pa.list_(pa.string(), 2)).cast(pa.list_(pa.string())),
    "deep": pa.array([[[{"a": [timedelta(1)]}]]]),
}


def records_of(path, fields=None):
    return [
        record
        for item in plan_files([str(path)], fields).ranges
        for chunk in read_chunks(item, item.start, 100)
        for record in chunk.records
    ]


def write(path, columns, **options):
    rows = len(next(iter(columns.values())))
    table = pa.table(
        {"id": list(range(rows)), "title": ["Baker"] * rows, "description": [TEXT] * rows} | columns
    )
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("with_schema", [True, False])
def test_no_value_of_any_type_stops_or_rejects_a_posting(tmp_path, name, with_schema):
    column = COLUMNS[name]
    column = pa.concat_arrays([column, pa.nulls(1, column.type), column])
    path = write(tmp_path / "x.parquet", {"odd": column}, store_schema=with_schema)
    records = records_of(path)
    values = [json.loads(record.payload) for record in records]
    assert [record.rejection for record in records] == [None] * 3
    assert [(value["id"], value["title"], value["description"]) for value in values] == [
        (number, "Baker", TEXT) for number in range(3)
    ]
    assert values[0]["odd"] == values[2]["odd"]
    assert values[1]["odd"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration_ns", "P1D"),
        ("nested_ns", {"at": "1970-01-01T00:00:00", "zone": "1970-01-01T00:00:00.000002Z"}),
        ("far_ms", "287168-08-24T16:00:00.000"),
        ("far_date", "275760-09-13"),
        ("unknown_zone", "1970-01-01T00:00:00Z"),
        ("decimal", "1.50"),
        ("map", {"a": 1}),
        ("map_of_dates", {"2030-01-01": None}),
        ("dictionary", "x"),
        ("json", '{"a": 1}'),
        ("bytes", "\\xff\x00"),
        ("list_of_bytes", ["\\xff", "a", None]),
        ("not_a_number", None),
        ("uint64", 2**64 - 1),
    ],
)
def test_values_are_shown_as_json_can(tmp_path, name, value):
    (record,) = records_of(write(tmp_path / "x.parquet", {"odd": COLUMNS[name]}))
    assert json.loads(record.payload)["odd"] == value


def test_int96_of_spark_nested(tmp_path):
    column = pa.array([{"at": datetime(2030, 1, 1)}, None], pa.struct([("at", pa.timestamp("ns"))]))
    path = write(tmp_path / "x.parquet", {"meta": column}, use_deprecated_int96_timestamps=True)
    metas = [json.loads(record.payload)["meta"] for record in records_of(path)]
    assert metas == [{"at": "2030-01-01T00:00:00"}, None]


def test_text_in_binary_columns_is_text_or_rejected_alone(tmp_path):
    path = tmp_path / "x.parquet"
    titles = pa.array([b"Baker", b"caf\xe9", "Bäcker".encode(), None])
    pq.write_table(pa.table({"title": titles, "description": pa.array([TEXT.encode()] * 4)}), path)
    records = records_of(path)
    assert [record.rejection and record.rejection.code for record in records] == [
        None,
        RejectionCode.INVALID_UTF8,
        None,
        None,
    ]
    assert json.loads(records[2].payload) == {"title": "Bäcker", "description": TEXT}
    assert records[1].payload == b'{"title":"caf\xe9","description":"%s"}' % TEXT.encode()
    assert "'title'" in records[1].rejection.detail


def test_a_mapped_column_must_be_utf8_and_others_need_not(tmp_path):
    path = write(tmp_path / "x.parquet", {"words": pa.array([b"caf\xe9"]), "thumb": pa.array([b"\xff\xd8"])})
    (record,) = records_of(path)
    assert record.rejection is None
    (record,) = records_of(path, FieldMapping(text="words"))
    assert record.rejection.code == RejectionCode.INVALID_UTF8


def test_lists_of_numbers_are_left_out(tmp_path):
    vectors = pa.array([[0.5, 1.5]], pa.list_(pa.float32()))
    (record,) = records_of(write(tmp_path / "x.parquet", {"vector": vectors, "tags": pa.array([["a"]])}))
    assert json.loads(record.payload) == {"id": 0, "title": "Baker", "description": TEXT, "tags": ["a"]}


def test_of_two_columns_of_one_name_the_filled_one_counts(tmp_path):
    path = tmp_path / "x.parquet"
    columns = [pa.array([None, "a"]), pa.array(["b", "c"])]
    pq.write_table(pa.Table.from_arrays(columns, names=["title", "title"]), path)
    assert [json.loads(record.payload) for record in records_of(path)] == [{"title": "b"}, {"title": "a"}]


@pytest.mark.parametrize("nested", [False, True])
def test_memory_is_bounded_by_bytes(tmp_path, nested):
    """A text of 3 MB that is in 400 rows takes a few KB on disk and would be 1.2 GB in memory."""
    long = "x" * (3 << 20)
    column = pa.array([[long]] * 400) if nested else pa.array([long] * 400)
    path = write(tmp_path / "x.parquet", {"body": column}, compression="zstd")
    del column
    assert path.stat().st_size < 100_000
    pool = pa.default_memory_pool()
    peak = count = 0
    for item in plan_files([str(path)]).ranges:
        for chunk in read_chunks(item, item.start, 100):
            peak = max(peak, pool.bytes_allocated())
            assert sum(len(record.payload) for record in chunk.records) < 24 << 20
            count += len(chunk.records)
    assert count == 400
    assert peak < 150 << 20


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.none() | st.lists(st.none() | st.text(max_size=4), max_size=3), min_size=1, max_size=6),
    st.integers(0, 5),
)
def test_nested_values_of_slices_are_those_of_arrow(rows, start):
    kind = pa.struct([("texts", pa.list_(pa.string())), ("map", pa.map_(pa.string(), pa.string()))])
    structs = pa.array([None if row is None else {"texts": row, "map": [("k", "v")]} for row in rows], kind)
    part = structs.slice(start)
    expected = [row and {"texts": row["texts"], "map": dict(row["map"])} for row in part.to_pylist()]
    assert column_values(part) == expected
    sizes = [
        0 if row is None else 2 + sum(len(text.encode()) for text in row["texts"] if text) for row in expected
    ]
    assert value_bytes(part).tolist() == sizes


def test_a_column_that_cannot_be_read_is_left_out_and_told(tmp_path):
    """Arrow writes a null in a list of fixed size, and cannot read it."""
    odd = pa.array([["a", "b"], None], pa.list_(pa.string(), 2))
    path = write(tmp_path / "x.parquet", {"odd": odd})
    (item,) = plan_files([str(path)]).ranges
    chunks = read_chunks(item, item.start, 100)
    assert [json.loads(record.payload)["title"] for record in next(chunks).records] == ["Baker"] * 2
    with pytest.raises(SourceReadError, match="all rows are read, but without columns that cannot be: 'odd'"):
        next(chunks)
