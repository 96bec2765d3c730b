"""Records between Kafka and chunks: when a chunk is closed, and which partition's is next.

A chunk is closed at a number of rows or bytes, or by time.

By time: the first record after a quiet while waits for the rest of its batch only (`GATHER_S`), later ones
until the linger has passed since the chunk before. So a record alone is published at once, none waits longer
than the linger, and a partition that is not busy never makes more files than one in each linger.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from skillstream.chunks import Chunk, Record
from skillstream.sources.kafka.resume import ChainEnd

__all__ = ["GATHER_S", "ChunkLimits", "PartitionBuffer", "PartitionBuffers", "size_of"]

# A producer's batch comes within this: it should be one chunk.
GATHER_S = 0.05

# What Python keeps for a header beside its bytes: with many empty ones, all of the memory that they take.
HEADER_BYTES = 150


def size_of(record: Record) -> int:
    """Bytes of payload, value, key and headers; not the few hundred of the record itself."""
    size = len(record.payload or b"") + len(record.value or b"") + len(record.key or b"")
    if record.headers:
        size += sum(HEADER_BYTES + len(name) + len(value or b"") for name, value in record.headers)
    return size


@dataclass(frozen=True)
class ChunkLimits:
    """A chunk is closed by whichever comes first. No record waits for longer than `linger_s`.

    `bytes` are those of payloads, values, keys and headers (see `size_of`).
    """

    rows: int
    bytes: int
    linger_s: float


class PartitionBuffer:
    """Records of one partition on their way into chunks, in order and without gaps between chunks.

    The chunks' ends come from the position that the source tells, so that offsets without records
    (compaction, transaction markers) belong to a chunk too; one may hold no records at all.
    """

    def __init__(self, source: str, partition: int, start: int, limits: ChunkLimits) -> None:
        self.source = source
        self.partition = partition
        self.closed: deque[Chunk] = deque()  # complete, not yet handed out
        self.position = start  # everything before it is in `closed` or buffered
        self.rows = limits.rows  # closes a chunk; may be lowered at any time
        # Of the newest record read, which may come after a chunk's end: a log that still has the later one
        # has the earlier ones, and of a log that has lost it the broker tells where the two part.
        self.leader_epoch: int | None = None
        self._limits = limits
        self._start = start
        self._records: list[Record] = []
        self._bytes = 0
        self._opened_at: float | None = None
        self._closed_at = float("-inf")  # the last chunk that was closed by time

    @property
    def bytes(self) -> int:
        """Bytes of payloads, values, keys and headers in the open chunk."""
        return self._bytes

    @property
    def handed_out(self) -> int:
        """The offset that the next chunk to be handed out starts at."""
        return self.closed[0].start if self.closed else self._start

    def extend(self, records: Iterable[Record], position: int, now: float) -> None:
        """Takes in records; the source's next one has an offset of `position` or more.

        Args:
            records: in order of offset, from `self.position` on.
            position: exclusive end of what was read, holes behind the last record included.
            now: when they came, on the clock that `close_if_due` is asked with.
        """
        for record in records:
            size = size_of(record)
            if self._records and (len(self._records) >= self.rows or self._bytes + size > self._limits.bytes):
                self._close(self._records[-1].offset + 1)
            if self._opened_at is None:
                self._opened_at = now
            self._records.append(record)
            self._bytes += size
        self.position = max(position, self.position)
        if self._opened_at is None and self.position > self._start:
            self._opened_at = now
        if len(self._records) >= self.rows or self._bytes >= self._limits.bytes:
            self.flush()

    def close_if_due(self, now: float) -> None:
        """Closes the open chunk if its time has come."""
        due_in = self.due_in(now)
        if due_in is not None and due_in <= 0:
            self._closed_at = now
            self.flush()

    def due_in(self, now: float) -> float | None:
        """Seconds until the open chunk is due; `None` if there is nothing buffered."""
        if self._opened_at is None:
            return None
        linger = self._limits.linger_s
        due_at = self._opened_at + linger
        if self._records:  # offsets without records are in no hurry: they would be a file of no rows
            due_at = min(due_at, max(self._opened_at + GATHER_S, self._closed_at + linger))
        return max(0.0, due_at - now)

    def flush(self) -> None:
        """Closes the open chunk, if there is anything in it."""
        if self.position > self._start:
            self._close(self.position)

    def _close(self, end: int) -> None:
        self.closed.append(
            Chunk(self.source, self.partition, self._start, end, self._records, self.leader_epoch)
        )
        self._start = end
        self._records = []
        self._bytes = 0
        self._opened_at = None


class PartitionBuffers(dict[int, PartitionBuffer]):
    """The buffers of all partitions of one reader; the one whose turn it is comes first.

    Args:
        topic: the source of their chunks.
        chain_of: the chain of a partition.
        limits: of each chunk.
    """

    def __init__(self, topic: str, chain_of: Callable[[int], ChainEnd], limits: ChunkLimits) -> None:
        super().__init__()
        self._topic = topic
        self._chain_of = chain_of
        self._limits = limits

    @property
    def handed_out(self) -> dict[int, int]:
        """The offset that the next chunk of each partition starts at."""
        return {partition: buffer.handed_out for partition, buffer in self.items()}

    def resume_position(self, partition: int, first: int) -> int:
        """Where to read on: behind what is buffered, else at the chain's end, else at the beginning.

        A chain without a root means a partition that was added after the first start (that one rooted
        all there were): all its records are new, whatever `--start` says.
        """
        if partition not in self:
            chain = self._chain_of(partition)
            head = chain.head()
            if head is None:
                head = chain.claim(first)
            buffer = PartitionBuffer(self._topic, partition, head, self._limits)
            buffer.leader_epoch = chain.leader_epoch
            self[partition] = buffer
        return self[partition].position

    def next_chunk(self) -> Chunk | None:
        """The next complete chunk; `take` removes it."""
        for buffer in self.values():
            if buffer.closed:
                return buffer.closed[0]
        return None

    def take(self, chunk: Chunk) -> None:
        """Removes the chunk that `next_chunk` gave."""
        # To the end of the line: a busy partition must not keep the others waiting.
        buffer = self.pop(chunk.partition)
        self[chunk.partition] = buffer
        buffer.closed.popleft()

    def wait_s(self, most_s: float, now: float) -> float:
        """How long it is until a chunk is due, at most `most_s`; 0 with one ready."""
        if any(buffer.closed for buffer in self.values()):
            return 0.0
        due = (buffer.due_in(now) for buffer in self.values())
        return min([most_s, *(seconds for seconds in due if seconds is not None)])

    def close_due(self, now: float) -> None:
        """Closes the open chunks whose time has come."""
        for buffer in self.values():
            buffer.close_if_due(now)

    def bound(self, most_bytes: int) -> None:
        """Closes the largest open chunk if all of them together hold more than `most_bytes`."""
        if sum(buffer.bytes for buffer in self.values()) > most_bytes:
            max(self.values(), key=lambda buffer: buffer.bytes).flush()

    def flush(self) -> None:
        """Closes all open chunks."""
        for buffer in self.values():
            buffer.flush()
