"""How many workers a machine gets, and which cores are whose."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import skillstream.cores
import skillstream.workers.cores
from skillstream.cores import usable_cores
from skillstream.workers.cores import Place, places, workers_for_files, workers_for_stream


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes a machine of so many cores, with gigabytes of memory, maybe within a container's limits."""

    def make(count: int, gigabytes: int = 1000, **limits: str) -> None:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(10, 10 + count)), raising=False)

        def read(path: Path) -> str:
            memory = f"MemTotal: 9 kB\nMemAvailable: {gigabytes * 1_000_000} kB\n"
            return memory if path.name == "meminfo" else limits.get(path.name.replace(".", "_"), "")

        for module in (skillstream.cores, skillstream.workers.cores):
            monkeypatch.setattr(module, "CGROUP", tmp_path)
            monkeypatch.setattr(module, "read_or_empty", read)

    return make


def test_for_files_a_worker_for_every_two_cores_as_far_as_there_is_work(machine):
    machine(32)
    assert workers_for_files(ranges=100, input_bytes=10**9) == 16
    assert workers_for_files(ranges=3, input_bytes=10**9) == 3
    assert workers_for_files(ranges=100, input_bytes=5_500_000) == 5
    assert workers_for_files(ranges=0, input_bytes=0) == 1
    machine(2)
    assert workers_for_files(ranges=100, input_bytes=10**9) == 1


def test_for_a_stream_a_worker_a_core_as_far_as_there_are_partitions(machine):
    machine(32)
    assert workers_for_stream(partitions=4) == 4
    assert workers_for_stream(partitions=64) == 32
    machine(2)
    assert workers_for_stream(partitions=64) == 2
    assert workers_for_stream(partitions=1) == 1


def test_memory_bounds_the_number_of_workers(machine):
    machine(32, gigabytes=5)
    assert workers_for_stream(partitions=64) == 5
    machine(32, memory_max="2500000000\n")
    assert workers_for_stream(partitions=64) == 2
    machine(32, memory_max="max\n")
    assert workers_for_stream(partitions=64) == 32
    machine(32, gigabytes=5)
    assert workers_for_files(ranges=100, input_bytes=10**9) == 5


def test_a_quota_leaves_fewer_cores_and_none_is_anybodys(machine):
    machine(16, cpu_max="400000 100000\n")
    assert usable_cores() == (4, [])
    assert places(2) == [Place(2)] * 2
    machine(16, cpu_max="max 100000\n")
    assert usable_cores()[0] == 16
    machine(16, cpu_cfs_quota_us="200000\n", cpu_cfs_period_us="100000\n")
    assert usable_cores() == (2, [])


def test_cores_are_dealt_out_evenly(machine):
    machine(5)
    assert places(2) == [Place(2, (10, 11)), Place(2, (12, 13))]
    assert places(5) == [Place(1, (core,)) for core in range(10, 15)]
    assert places(8) == [Place(1)] * 8


def test_every_library_is_told_its_threads():
    assert Place(3).environment["SKILLSTREAM_THREADS"] == Place(3).environment["OMP_NUM_THREADS"] == "3"
