"""Record batches of Kafka as a broker sends them."""

from __future__ import annotations

from collections.abc import Sequence

from kafka.record.default_records import DefaultRecordBatchBuilder

__all__ = ["packed"]


def packed(
    codec: int, values: Sequence[bytes], headers: Sequence[tuple[str, bytes]] = (), first: int = 0
) -> bytes:
    """One batch of format 2 of these values; codecs 0 to 4: none, gzip, snappy, lz4, zstd."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for number, value in enumerate(values):
        builder.append(number, timestamp=7, key=b"k", value=value, headers=list(headers))
    data = builder.build()
    data[:8] = first.to_bytes(8, "big")
    return bytes(data)
