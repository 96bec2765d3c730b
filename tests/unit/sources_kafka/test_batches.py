"""Batches that are small packed and huge unpacked are not unpacked; all others are as before."""

from __future__ import annotations

import tracemalloc
from unittest import mock

import pytest
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import CorruptRecordError
from kafka.record import default_records
from kafka.record.default_records import DefaultRecordBatch

from skillstream.rejections import RejectionCode
from skillstream.sources.kafka import batches
from skillstream.sources.kafka.records import to_record
from tests.kafka_batches import packed

CODECS = pytest.mark.parametrize("codec", [1, 2, 3, 4], ids=["gzip", "snappy", "lz4", "zstd"])


@pytest.fixture(autouse=True)
def bounded(monkeypatch):
    monkeypatch.setattr(DefaultRecordBatch, "__iter__", DefaultRecordBatch.__iter__)
    batches.bound_batches()


def unpacked(data: bytes) -> list[ConsumerRecord]:
    return [
        ConsumerRecord("t", 0, -1, r.offset, r.timestamp, 0, r.key, r.value, r.headers, None, -1, -1, -1)
        for r in DefaultRecordBatch(data)
    ]


@pytest.mark.parametrize("codec", range(5))
def test_common_batches_are_read_as_they_are(codec):
    values = [b"", *(bytes([n]) * 1000 * n for n in range(1, 100))]
    found = [to_record(record) for record in unpacked(packed(codec, values))]
    assert [record.payload for record in found] == values
    assert {record.rejection for record in found} == {None}


@CODECS
def test_a_batch_just_within_the_bound_is_read_and_one_over_it_is_not(codec, monkeypatch):
    data = packed(codec, [b"x" * 5000])
    size = len(batches.unpack(data[DefaultRecordBatch.HEADER_STRUCT.size :], codec, 1 << 20))
    monkeypatch.setattr(batches, "MAX_BYTES", size)
    assert unpacked(data)[0].value == b"x" * 5000
    monkeypatch.setattr(batches, "MAX_BYTES", size - 1)
    assert unpacked(data)[0].value is None


@CODECS
def test_a_batch_that_would_fill_the_memory_is_rows_that_say_so(codec):
    data = packed(codec, [bytes(100_000_000)] + [b"good"] * 2)
    tracemalloc.start()
    try:
        found = [to_record(record) for record in unpacked(data)]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(record.offset, record.payload, record.event_time) for record in found] == [
        (0, None, 7),
        (1, None, 7),
        (2, None, 7),
    ]
    assert {record.rejection.code for record in found} == {RejectionCode.TOO_LARGE}
    assert "67,108,864 bytes" in found[0].rejection.detail
    assert most < 1.5 * batches.MAX_BYTES + 4 * len(data)


def test_nobody_can_send_the_mark():
    (record,) = unpacked(packed(0, [b"x"], []))
    assert record.headers == batches.NOT_READ
    assert to_record(record).rejection is None


@CODECS
def test_a_damaged_batch_is_still_an_error(codec):
    data = bytearray(packed(codec, [b"posting %d" % n for n in range(1000)]))
    data[-40:-20] = bytes(20)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each codec has its own
        unpacked(bytes(data))


def test_a_consumer_uses_it():
    from skillstream.sources.kafka import client

    class Settings:
        values = {}  # noqa: RUF012

        def consumer(self, **_: object) -> mock.Mock:
            return mock.Mock(spec_set=["_fetcher"])

    default_records.DefaultRecordBatch.__iter__ = batches._unbounded
    client.make_consumer(Settings())
    assert DefaultRecordBatch.__iter__ is batches._iterate


def test_a_name_of_a_header_that_is_no_text_ends_nothing():
    """Brokers do not look at it, and kafka-python would take it for a damaged batch again and again."""
    values = [b"one", b"two", b"three"]
    data = bytearray(packed(0, values, [("name", b"\xff")]))
    second = data.index(b"name", data.index(b"two"))
    data[second : second + 2] = b"\xff\xfe"
    found = [to_record(record) for record in unpacked(bytes(data))]
    assert [record.payload for record in found] == values
    assert [record.headers for record in found] == [
        [("name", b"\xff")],
        [("\N{REPLACEMENT CHARACTER}" * 2 + "me", b"\xff")],
        [("name", b"\xff")],
    ]


def test_a_record_that_is_damaged_is_still_an_error():
    data = bytearray(packed(0, [b"one", b"two"], [("name", b"x")]))
    data[data.index(b"name")] = 0xFF
    data[data.index(b"two") + 3] ^= 4  # the number of headers
    with pytest.raises(CorruptRecordError):
        unpacked(bytes(data))
