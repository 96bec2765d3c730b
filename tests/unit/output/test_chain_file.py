import random

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.output.chain_file import (
    FileFormatError,
    FileHeader,
    decode_header,
    decode_table,
    encode_file,
)
from skillstream.rows import RowError, rows_to_table
from tests.chain_fakes import PARTITION, SOURCE, make_row, make_rows

FILE = encode_file(SOURCE, PARTITION, 10, 90, make_rows(10, 90))


def test_a_file_says_what_it_covers_and_holds_the_rows():
    assert decode_header(FILE) == FileHeader(SOURCE, PARTITION, 10, 90, 80, "1")
    assert decode_table(FILE).equals(rows_to_table(make_rows(10, 90)))


@settings(max_examples=30, deadline=None)
@given(st.text(st.characters(codec="utf-8"), min_size=1), st.integers(0, 2**31 - 1), st.integers(0, 2**62))
def test_any_source_and_offset_come_back(source, partition, start):
    data = encode_file(source, partition, start, start + 1, [])
    assert decode_header(data) == FileHeader(source, partition, start, start + 1, 0, "1")


@pytest.mark.parametrize(
    "source", ["skillstream.checksum", "skillstream.checksum\x18\x20" + "0" * 32, "0" * 32]
)
def test_names_and_payloads_that_look_like_the_checksum_do_no_harm(source):
    payload = b"skillstream.checksum\x18\x20" + b"0" * 32
    row = msgspec.structs.replace(make_row(0, source, 0), error=RowError("x", "y", payload))
    data = encode_file(source, 0, 0, 1, [row])
    assert decode_header(data).source == source
    assert decode_table(data)["error"][0].as_py()["payload"] == payload


def test_any_flipped_bit_is_found():
    rng = random.Random(0)  # the soak test in tests/faults flips more of them, on disk
    for position in rng.sample(range(len(FILE) * 8), 500):
        damaged = bytearray(FILE)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(FileFormatError):
            decode_header(bytes(damaged))


@pytest.mark.parametrize(
    "data", [b"", FILE[:-1], FILE[: len(FILE) // 2], FILE + b"x", FILE[1:], b"PAR1" * 10]
)
def test_torn_and_foreign_files_are_found(data):
    with pytest.raises(FileFormatError):
        decode_header(data)


def test_a_parquet_file_of_somebody_else_is_none_of_ours():
    buffer = pa.BufferOutputStream()
    pq.write_table(rows_to_table(make_rows(0, 3)), buffer)
    with pytest.raises(FileFormatError, match="not a file of skillstream"):
        decode_header(buffer.getvalue().to_pybytes())


def test_other_columns_are_found():
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.table({"offset": [1]}), buffer)
    with pytest.raises(FileFormatError, match="columns"):
        decode_table(buffer.getvalue().to_pybytes())


def test_damaged_pages_are_found_when_the_table_is_read():
    damaged = bytearray(FILE)
    damaged[40] ^= 1
    with pytest.raises(FileFormatError, match="unreadable"):
        decode_table(bytes(damaged))


def test_a_file_that_covers_nothing_is_refused():
    with pytest.raises(FileFormatError, match="covers no offsets"):
        decode_header(encode_file(SOURCE, 0, 5, 5, []))
