"""Chunks: contiguous records of one partition of one source, the element of every PCollection.

A chunk makes batches for the encoder, makes the sink exactly once (one chunk, one file) and keeps
Beam's cost per element out of the way. For a file the partition is a row range of the file and the
offset is the row number; for Kafka they are Kafka's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["Chunk", "Record", "as_record"]


class Record(msgspec.Struct, frozen=True, array_like=True):
    """One record as it came: bytes plus where and when.

    Attributes:
        offset: position in the partition, from 0; unique there.
        payload: the bytes as they came; `None` for a Kafka tombstone.
        key: Kafka key, `None` for files.
        event_time: milliseconds since the epoch, UTC; `None` if the source does not know.
        headers: Kafka headers in order, names may repeat; `None` if there are none.
        rejection: set by a source that already knows the record is bad (a ragged CSV row).
        value: the posting as JSON where the payload says it in another way (Avro, an envelope ...).
    """

    offset: int
    payload: bytes | None
    key: bytes | None = None
    event_time: int | None = None
    rejection: Rejection | None = None
    headers: list[tuple[str, bytes | None]] | None = None
    value: bytes | None = None

    @property
    def document(self) -> bytes | None:
        """What is read: `value`, or else the payload."""
        return self.payload if self.value is None else self.value


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Records of [start, end) of one partition, in order of offset.

    `end` is where the next chunk starts. It comes from the source's position, not from the last
    record: compacted and transactional topics have holes, so `len(records) <= end - start`.
    `leader_epoch` is Kafka's, of the newest record read when the chunk was closed; `None` if not known.
    """

    source: str
    partition: int
    start: int
    end: int
    records: list[Record]
    leader_epoch: int | None = None


def as_record(offset: int, posting: Mapping[str, object] | bytes) -> Record:
    """A posting from somebody's own code as a record: bytes as they are, a mapping as JSON. Never raises."""
    if isinstance(posting, bytes):
        return Record(offset, posting)
    try:
        for name, value in posting.items():
            if isinstance(value, bytes | bytearray | memoryview):
                raise TypeError(f"{name!r} holds bytes")
        return Record(offset, msgspec.json.encode(posting))
    except RecursionError:
        return _unreadable(offset, posting, RejectionCode.TOO_DEEP, "nested deeper than the encoder goes")
    except Exception as error:  # noqa: BLE001 - whatever an element's own methods raise concerns it alone
        return _unreadable(offset, posting, RejectionCode.WRONG_TYPE, f"expected JSON values: {error}")


def _unreadable(offset: int, posting: object, code: RejectionCode, detail: str) -> Record:
    try:
        payload = repr(posting)[:10_000]
    except Exception:  # noqa: BLE001 - the same
        payload = f"<{type(posting).__name__}>"
    clean = detail[:500].encode(errors="replace").decode()
    return Record(offset, payload.encode(errors="replace"), rejection=Rejection(code, clean))
