"""Records of Kafka's client as ours, and their values decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kafka.consumer.fetcher import ConsumerRecord

from skillstream.chunks import Record
from skillstream.rejections import Rejection, RejectionCode
from skillstream.sources.kafka.batches import MAX_BYTES, NOT_READ
from skillstream.sources.kafka.partition_buffer import size_of
from skillstream.times import readable_time

__all__ = ["decoded", "to_record"]


def to_record(record: ConsumerRecord) -> Record:
    """The client's record as ours; a time of -1 is none, nor is one that no reader could show.

    A record of a batch that was not read, because it is too large unpacked, comes with its rejection.
    """
    has_time = record.timestamp is not None and record.timestamp >= 0
    event_time = readable_time(record.timestamp) if has_time else None
    if record.headers is NOT_READ:
        detail = f"not read: its batch of records takes more than {MAX_BYTES:,} bytes unpacked"
        return Record(record.offset, None, None, event_time, Rejection(RejectionCode.TOO_LARGE, detail))
    # A header's name comes as text, no matter what its bytes were: what no text can hold is replaced.
    headers = [(name.encode(errors="replace").decode(), value) for name, value in record.headers or ()]
    return Record(record.offset, record.value, record.key, event_time, headers=headers or None)


def decoded(
    records: Iterable[Record], decode: Callable[[Record], Record], most_bytes: int
) -> tuple[list[Record], bool]:
    """The records with their values decoded, and whether that is all of them.

    Those that follow are left once they take more than `most_bytes` together: little may unpack to much.

    Raises:
        RegistryAwayError: one of them needs what the registry cannot be asked for now.
    """
    found: list[Record] = []
    size = 0
    for record in records:
        if size > most_bytes:
            return found, False
        found.append(decode(record))
        size += size_of(found[-1])
    return found, True
