"""Checksums of record batches by google-crc32c.

kafka-python looks for the package `crc32c`, which is LGPL, and else computes in Python: a thousand times as
slow.
"""

from __future__ import annotations

import google_crc32c
from kafka.record import util

__all__ = ["use_fast_checksums"]


def use_fast_checksums() -> None:
    """Give kafka-python a fast CRC-32C, for this process, unless it has found one itself."""
    # Modules of kafka-python hold the function itself, so what changes is what it calls.
    if util.calc_crc32c.__defaults__ == (util.crc32c_py,):
        util.calc_crc32c.__defaults__ = (_crc32c,)


def _crc32c(data: memoryview | bytes | bytearray) -> int:
    return int(google_crc32c.value(bytes(data)))  # it takes nothing that could change meanwhile
