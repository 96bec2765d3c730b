"""Record batches are checked by google-crc32c, and as well as before."""

from __future__ import annotations

import subprocess
import sys

import pytest
from kafka.record import _crc32c, util
from kafka.record.default_records import DefaultRecordBatch

from skillstream.sources.kafka import checksums
from tests.kafka_batches import packed


@pytest.mark.parametrize("size", [0, 1, 9, 1000, 70_001])
def test_it_is_the_checksum_of_kafka(size):
    data = bytes(number * 31 % 251 for number in range(size))
    expected = _crc32c.crc(data)
    assert checksums._crc32c(memoryview(data)) == checksums._crc32c(bytearray(data)) == expected


@pytest.mark.parametrize("codec", range(5), ids=["plain", "gzip", "snappy", "lz4", "zstd"])
def test_kafka_python_notices_a_damaged_batch(codec, monkeypatch):
    # What the client itself has found first is put aside: on this machine another package may be there.
    monkeypatch.setattr(util.calc_crc32c, "__defaults__", (util.crc32c_py,))
    whole = bytearray(packed(codec, [b"a posting" * 20] * 50))
    calls = []
    monkeypatch.setattr(checksums, "_crc32c", lambda data: calls.append(1) or _crc32c.crc(bytes(data)))
    checksums.use_fast_checksums()
    assert DefaultRecordBatch(bytes(whole)).validate_crc()
    whole[-1] ^= 1
    assert not DefaultRecordBatch(bytes(whole)).validate_crc()
    assert len(calls) == 2  # else kafka-python has changed, and computes in Python


def test_a_consumer_uses_it():
    code = """
import sys
from unittest import mock
sys.modules["crc32c"] = None  # as on a plain installation
from kafka.record import util
from skillstream.sources.kafka import checksums, client
class Settings:
    values = {}
    consumer = mock.Mock()
client.make_consumer(Settings())
print(util.calc_crc32c.__defaults__ == (checksums._crc32c,))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "True\n", done.stderr
