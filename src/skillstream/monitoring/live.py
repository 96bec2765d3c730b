"""What a running stream tells of itself: figures of this process, for the status line and for metrics.

Written by the steps of the pipeline, read by other threads. Also the flag that asks it to drain.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from skillstream.storage import WAITS, Waits

__all__ = ["DRAIN", "LIVE", "Live", "Reading", "Snapshot"]

# Set: publish what is buffered and end. Looked at before each poll.
DRAIN = threading.Event()

# Rates and ages are those of the last minute.
WINDOW_S = 60.0

# Chunks that were published within so long of each other are one entry: on a cluster nobody asks for figures,
# so what is kept must be bounded by time alone.
ENTRY_S = 0.5

# Kafka has not answered for so long, or one chunk has taken so long: the reader is stuck. Not if it knows why
# and tries again (Kafka or the store is away): starting it anew would help nothing.
NO_ANSWER_S = 30.0
NO_CHUNK_S = 120.0

# Ages kept for the percentiles.
AGES = 10_000

# Names of fields and warnings kept: they come from the records, which may be anything.
NAMES = 20

# Upper bounds, in seconds, of the histogram of ages; the last one is without bound.
AGE_BOUNDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, float("inf"))


@dataclass(frozen=True)
class Reading:
    """How far one reader is: by partition, `positions` handed out and published, and `lag` in offsets.

    `problem` is the error that is being retried, `contact_at` when a broker last answered (monotonic).
    """

    positions: Mapping[int, int]
    lag: Mapping[int, int]
    contact_at: float
    problem: str | None


@dataclass(frozen=True)
class Snapshot:
    """Figures at one moment: rates and percentiles over the last minute, the rest since the start.

    Ages in seconds, by the records' own time when their file was published; `age_buckets` are pairs of
    an upper bound and the number of records not older. `title_only` postings had no description; `fields` are
    names of the fields that they have. `unread_times` postings state a time that cannot be read, such as
    `unread_time`. `waiting_s` is for how long the store has been away, 0 if it is not.
    `problem`, `stuck` and `not_ready` say why, if so. `restarts` of workers that died; `resident` is worker →
    bytes of memory, of workers that are processes of their own.
    """

    records: int
    rejected: Mapping[str, int]
    title_only: int
    fields: Sequence[str]
    unread_times: int
    unread_time: str | None
    warnings: Sequence[str]
    tags: int
    sentences: int
    cached: int
    tokens: int
    rate: float
    age_p50: float | None
    age_p99: float | None
    age_buckets: Sequence[tuple[float, int]]
    age_sum: float
    lag: Mapping[int, int]
    positions: Mapping[int, int]
    model_version: str
    taxonomy_version: str
    waiting_s: float
    problem: str | None
    stuck: str | None
    not_ready: str | None
    restarts: int
    resident: Mapping[int, int]


@dataclass
class Live:
    """The figures, safe to write and read from several threads."""

    now: Callable[[], float] = time.monotonic
    waits: Waits = field(default_factory=lambda: WAITS)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _readings: dict[int, Reading] = field(default_factory=dict)
    _heard_at: dict[int, float] = field(default_factory=dict)
    _counts: Counter[str] = field(default_factory=Counter)
    _rejected: Counter[str] = field(default_factory=Counter)
    _fields: dict[str, None] = field(default_factory=dict)
    _unread_time: str | None = None
    _warnings: dict[str, None] = field(default_factory=dict)
    _published: deque[tuple[float, int]] = field(default_factory=deque)
    _ages: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=AGES))
    _age_counts: list[int] = field(default_factory=lambda: [0] * len(AGE_BOUNDS))
    _age_sum: float = 0.0
    _versions: tuple[str, str] = ("", "")
    _readers: int = 1
    _phase: str = "nothing is being read"
    _resident: dict[int, int] = field(default_factory=dict)

    def clear(self) -> None:
        """Forgets everything: another stream begins in this process."""
        fresh = Live(self.now, self.waits)
        with self._lock:
            for item in dataclasses.fields(self):
                if item.name != "_lock":
                    setattr(self, item.name, getattr(fresh, item.name))

    def expect(self, readers: int) -> None:
        """Only with so many readers at work everything is read."""
        with self._lock:
            self._readers = readers

    def phase(self, doing: str) -> None:
        """What the job does before it can tag, or until it can again."""
        with self._lock:
            self._phase = doing

    def lost(self, reader: int) -> None:
        """A reader died with its process, and another takes its place."""
        with self._lock:
            self._heard_at.pop(reader, None)
            self._resident.pop(reader, None)
            self._counts["restarts"] += 1

    def holds(self, reader: int, resident: int) -> None:
        """A reader's process tells how much memory it has, in bytes."""
        with self._lock:
            self._resident[reader] = resident

    def read(self, reader: int, reading: Reading) -> None:
        """A reader tells where it is."""
        with self._lock:
            self._readings[reader] = reading
            self._heard_at[reader] = self.now()

    def ended(self, reader: int) -> None:
        """A reader has come to its end."""
        with self._lock:
            self._heard_at.pop(reader, None)

    def tagged(
        self,
        rejected: Mapping[str, int],
        tags: int,
        sentences: int,
        cached: int,
        tokens: int,
        versions: tuple[str, str] | None,
        title_only: int = 0,
        fields: Sequence[str] = (),
        warnings: Sequence[str] = (),
        unread_times: int = 0,
        unread_time: str | None = None,
    ) -> None:
        """A chunk was tagged. `versions` of model and taxonomy, if it had any rows.

        `title_only` postings had no description, `fields` are names of the fields that one of them has.
        `unread_times` state a time that cannot be read, such as `unread_time`.
        """
        with self._lock:
            self._rejected.update(rejected)
            self._counts.update(tags=tags, sentences=sentences, cached=cached, tokens=tokens)
            self._counts.update(title_only=title_only, unread_times=unread_times)
            self._unread_time = self._unread_time or unread_time
            for kept, new in ((self._fields, fields), (self._warnings, warnings)):
                kept.update(dict.fromkeys(new[: max(0, NAMES - len(kept))]))
            self._versions = versions or self._versions

    def published(self, records: int, ages_s: Sequence[float]) -> None:
        """A chunk's file is there; `ages_s`: how old its records were then."""
        with self._lock:
            now = self.now()
            self._counts["records"] += records
            self._forget(now)
            if self._published and now - self._published[-1][0] < ENTRY_S:
                begun, before = self._published.pop()
                self._published.append((begun, before + records))
            else:
                self._published.append((now, records))
            self._ages.extend((now, age) for age in ages_s)
            self._age_sum += sum(ages_s)
            for age in ages_s:
                self._age_counts[bisect_left(AGE_BOUNDS, age)] += 1

    def snapshot(self) -> Snapshot:
        """The figures now."""
        with self._lock:
            now = self.now()
            self._forget(now)
            ages = sorted(age for _, age in self._ages)
            wait = self.waits.longest()
            problem = self._problem(wait)
            return Snapshot(
                records=self._counts["records"],
                rejected=dict(self._rejected),
                title_only=self._counts["title_only"],
                fields=list(self._fields),
                unread_times=self._counts["unread_times"],
                unread_time=self._unread_time,
                warnings=list(self._warnings),
                tags=self._counts["tags"],
                sentences=self._counts["sentences"],
                cached=self._counts["cached"],
                tokens=self._counts["tokens"],
                rate=self._rate(now),
                age_p50=_percentile(ages, 0.50),
                age_p99=_percentile(ages, 0.99),
                age_buckets=list(zip(AGE_BOUNDS, accumulate(self._age_counts), strict=True)),
                age_sum=self._age_sum,
                lag={p: lag for reading in self._readings.values() for p, lag in reading.lag.items()},
                positions={
                    p: at for reading in self._readings.values() for p, at in reading.positions.items()
                },
                model_version=self._versions[0],
                taxonomy_version=self._versions[1],
                waiting_s=0.0 if wait is None else wait[0],
                problem=problem,
                stuck=None if wait else self._stuck(now),
                not_ready=problem if len(self._heard_at) >= self._readers else self._phase,
                restarts=self._counts["restarts"],
                resident=dict(self._resident),
            )

    def _forget(self, now: float) -> None:
        for entries in (self._published, self._ages):
            while entries and entries[0][0] < now - WINDOW_S:
                entries.popleft()

    def _rate(self, now: float) -> float:
        if not self._published:
            return 0.0
        seconds = max(1.0, now - self._published[0][0])
        return sum(records for _, records in self._published) / seconds

    def _stuck(self, now: float) -> str | None:
        for reader, at in self._heard_at.items():
            working = now - max(at, self.waits.ended_at)
            if working > NO_CHUNK_S:
                return f"reader {reader} has been at one chunk for {working:.0f} s"
            reading = self._readings[reader]
            silent = at - reading.contact_at
            if silent > NO_ANSWER_S and reading.problem is None:
                return f"reader {reader} has had no answer from Kafka for {silent:.0f} s"
        return None

    def _problem(self, wait: tuple[float, str] | None) -> str | None:
        if wait is not None:
            return f"waiting for the store for {wait[0]:.0f} s: {wait[1]}"
        return next((reading.problem for reading in self._readings.values() if reading.problem), None)


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


# The figures of this process.
LIVE = Live()
