"""Disks that are full, read-only or too small, made by the kernel: one clear line, nothing half-written."""

from __future__ import annotations

import resource
import subprocess

import pytest

from skillstream.errors import OutputError, RunError
from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from skillstream.output.run_info import RunInfo, open_run
from skillstream.storage.store import LocalStore
from tests.chain_fakes import PARTITION, SOURCE, make_rows, published_offsets
from tests.servers import fixtures

pytestmark = pytest.mark.faults

INFO = RunInfo(identity={"taxonomy": "esco", "source": "files"}, created_at="2030-01-01T00:00:00Z")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 KB of our own."""
    with fixtures.small_disk(tmp_path / "disk", "256k") as folder:
        yield folder


def fill(chain, limit=1000):
    """Publishes until the disk says no; the error."""
    start = chain.head()
    for at in range(start, start + limit * 20, 20):
        try:
            chain.publish(at, at + 20, make_rows(at, at + 20))
        except RunError as error:
            return error
    raise AssertionError("the disk is not full")


def assert_whole_and_tidy(root, end):
    assert published_offsets(LocalStore(root), Chain(root, SOURCE, PARTITION)) == list(range(end))
    assert verify_chain(root).findings == []
    assert list(root.rglob(".*")) == []


def test_a_full_disk_stops_the_chain_and_room_mends_it(small_disk):
    root = small_disk / "out"
    open_run(root, INFO)
    chain = Chain(root, SOURCE, PARTITION)
    chain.claim(0)
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 100_000)
    error = fill(chain)
    assert "No space left on device; nothing is lost: make room and start again" in str(error)
    end = chain.head()
    assert end > 0
    assert_whole_and_tidy(root, end)

    ballast.unlink()
    Chain(root, SOURCE, PARTITION).publish(end, end + 20, make_rows(end, end + 20))
    assert_whole_and_tidy(root, end + 20)


def test_a_full_disk_is_refused_at_start(small_disk):
    with (small_disk / "ballast").open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass
    with pytest.raises(OutputError, match="No space left on device"):
        open_run(small_disk / "out", INFO)
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]


def test_a_disk_that_becomes_read_only_stops_the_chain(small_disk):
    root = small_disk / "out"
    open_run(root, INFO)
    chain = Chain(root, SOURCE, PARTITION)
    chain.claim(0)
    chain.publish(0, 20, make_rows(0, 20))
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(RunError, match="Read-only file system; choose a folder that this user can write"):
        chain.publish(20, 40, make_rows(20, 40))
    with pytest.raises(OutputError, match="Read-only file system"):
        open_run(root, INFO)
    with pytest.raises(OutputError, match="Read-only file system"):
        open_run(small_disk / "other", INFO)
    assert_whole_and_tidy(root, 20)
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    chain.publish(20, 40, make_rows(20, 40))
    assert_whole_and_tidy(root, 40)


def test_a_write_that_breaks_off_leaves_nothing(tmp_path):
    """The kernel writes the first 4 KB and refuses the rest, as a quota does; needs no rights."""
    chain = Chain(tmp_path, SOURCE, PARTITION)
    chain.claim(0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(RunError, match="File too large"):
            chain.publish(0, 500, make_rows(0, 500))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert_whole_and_tidy(tmp_path, 0)
    chain.publish(0, 500, make_rows(0, 500))
    assert_whole_and_tidy(tmp_path, 500)
