"""How many worker processes a machine should have, and which of its cores each gets.

For files a process for every two cores: it keeps nearly both busy. The encoder would use more, but what is
around it (parsing, matching, ranking, Parquet) runs on one core of each process. For a stream a process a
core: its chunks are single postings, of which one process does one after another, and postings would wait.
See docs/how-to/use-all-cores.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skillstream.cores import CGROUP, read_or_empty, usable_cores

__all__ = [
    "Place",
    "available_memory",
    "most_workers",
    "places",
    "workers_for_files",
    "workers_for_stream",
]

# What a worker holds with the default model and index, at the most.
WORKER_BYTES = 1_000_000_000

# Loading takes a worker as long as tagging about so much input.
WORTH_BYTES = 1_000_000

# What one process keeps busy with files: 1.8 of two, measured.
CORES_PER_FILES_WORKER = 2


@dataclass(frozen=True)
class Place:
    """Where a worker runs: on `threads` cores, those numbered `cores`, or any if these are not its own."""

    threads: int
    cores: tuple[int, ...] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that keep every library of the process to its threads."""
        names = ("SKILLSTREAM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
        return dict.fromkeys(names, str(self.threads))


def workers_for_files(ranges: int, input_bytes: int) -> int:
    """The number of workers that end soonest: never more than ranges, cores or what fits into memory."""
    return max(1, min(ranges, input_bytes // WORTH_BYTES, most_workers()))


def workers_for_stream(partitions: int) -> int:
    """The number of workers: never more than partitions, cores or what fits into memory."""
    return max(1, min(partitions, _fitting(1)))


def most_workers() -> int:
    """The number of workers for files that cores and memory allow, however many files there are."""
    return max(1, _fitting(CORES_PER_FILES_WORKER))


def _fitting(cores_per_worker: int) -> int:
    return min(usable_cores()[0] // cores_per_worker, available_memory() // WORKER_BYTES)


def places(workers: int) -> list[Place]:
    """A place for each worker: cores are dealt out evenly; if there are too few, nobody has one alone."""
    count, numbers = usable_cores()
    threads = max(1, count // workers)
    if workers * threads > len(numbers):
        return [Place(threads)] * workers
    return [Place(threads, tuple(numbers[n * threads : (n + 1) * threads])) for n in range(workers)]


def available_memory() -> int:
    """Bytes that can be had without swapping, by the machine and by the container's limit."""
    facts = read_or_empty(Path("/proc/meminfo"))
    found = [int(line.split()[1]) * 1024 for line in facts.splitlines() if line.startswith("MemAvailable:")]
    limit = read_or_empty(CGROUP / "memory.max").strip()  # what is used of it is mostly cached files
    if limit.isdecimal():
        found.append(int(limit))
    return min(found, default=1 << 40)
