"""`skillstream tag --workers`: workers and parent killed, poison, full disks; every record is one row.

`SKILLSTREAM_KILLS` sets the number of kills (default 3; `make soak` runs more).
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from skillstream.output.chain_check import verify_chain
from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once, published
from tests.faults.shared_job import SharedJob
from tests.servers.fixtures import small_disk

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "3"))
FILES = 4
RECORDS = 30 * max(4, KILLS)  # of each file: enough for the last kill to find something to do

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]


@pytest.fixture
def tag(tmp_path: Path, index_folder: Path) -> Iterator[Callable[..., SharedJob]]:
    """Starts a job over four files; what a failed test leaves is killed."""
    started: list[SharedJob] = []
    inputs = tmp_path / "in"
    inputs.mkdir()
    for number in range(FILES):
        broken = b"broken\n" if number == 0 else b""
        records = RECORDS - (number == 0)
        (inputs / f"{number}.jsonl").write_bytes(make_jsonl(records, seed=number) + broken)

    def start(output: Path, *more: object, **environment: str) -> SharedJob:
        options = ("--workers", 2, "--max-chunk-rows", 5, "--index", index_folder, *more)
        job = SharedJob("tag", inputs, "--output", output, *options, log=tmp_path / "log", **environment)
        started.append(job)
        return job

    yield start
    for job in started:
        job.process.kill()


def await_more(output: Path, than: int, job: SharedJob, limit_s: float = 120) -> int:
    """Waits for further rows; how many there are."""
    deadline = time.monotonic() + limit_s
    while (rows := sum(published(output).values())) <= than and job.process.poll() is None:
        assert time.monotonic() < deadline, job.log.read_text()
        time.sleep(0.05)
    return rows


def gone(processes: list[psutil.Process], limit_s: float = 30) -> bool:
    """Whether all of them end by themselves."""
    _, alive = psutil.wait_procs(processes, limit_s)
    return not alive


def test_killed_workers_start_again_and_every_record_is_one_row_and_counted_once(tag, tmp_path):
    output = tmp_path / "out"
    job = tag(output, SKILLSTREAM_TEST_PAUSE="0.05")
    moments = random.Random(2026)
    rows = kills = 0
    while kills < KILLS:
        rows = await_more(output, rows, job)  # a worker that publishes nothing before it dies is given up
        time.sleep(moments.uniform(0, 0.2))
        victims = job.workers()
        if job.process.poll() is not None or not victims:
            break
        min(victims, key=psutil.Process.create_time).kill()  # the other one may not have begun again
        kills += 1
    code, summary = job.end()
    assert code == 0, job.log.read_text()
    assert kills > 0
    assert_exactly_once(output, FILES * RECORDS)
    assert (summary["records"], summary["rejected"]) == (FILES * RECORDS, {"invalid_json": 1})
    assert 0 < summary["restarts"] <= kills  # one that had nothing left to do is not missed
    assert summary["workers"] == 2
    assert "was killed (SIGKILL): started again" in job.log.read_text()
    print(f"{kills} kills of workers, {summary['restarts']} restarts")


def test_workers_end_with_their_parent_and_the_next_run_resumes(tag, tmp_path):
    output = tmp_path / "out"
    done = 0
    for _ in range(max(1, KILLS // 3)):
        job = tag(output, SKILLSTREAM_TEST_PAUSE="0.05")
        workers = job.await_workers(2)
        done = await_more(output, done, job)
        job.end(signal.SIGKILL)
        assert gone(workers)
    code, summary = tag(output).end()
    assert code == 0
    assert summary["records"] + summary["resumed"] == FILES * RECORDS
    assert 0 < summary["records"] < FILES * RECORDS
    assert_exactly_once(output, FILES * RECORDS)


def test_ctrl_c_ends_all_of_them_in_one_line(tag, tmp_path):
    output = tmp_path / "out"
    job = tag(output, SKILLSTREAM_TEST_PAUSE="0.1")
    workers = job.await_workers(2)
    await_more(output, 0, job)
    assert job.end(signal.SIGINT)[0] == 1
    assert gone(workers)
    assert job.log.read_text().splitlines()[-1].endswith("interrupted; run again to resume where it stopped")


def test_a_record_that_kills_every_time_ends_the_job(tag, tmp_path):
    output = tmp_path / "out"
    (tmp_path / "in" / "3.jsonl").write_bytes(make_jsonl(6) + b'{"description": "hemlock"}\n')
    job = tag(output, SKILLSTREAM_TEST_POISON="hemlock")
    assert job.end()[0] == 1
    assert "was killed (SIGKILL), 3 times without publishing anything" in job.log.read_text()
    assert verify_chain(output).findings == []


def test_a_full_disk_ends_the_job_in_one_line_and_room_mends_it(tag, tmp_path):
    with small_disk(tmp_path / "disk", "300k") as disk:
        output = disk / "out"
        job = tag(output)
        assert job.end()[0] == 1
        assert "No space left on device" in job.log.read_text().splitlines()[-1]
        assert verify_chain(output).findings == []
        os.system(f"mount -o remount,size=50m {disk}")
        assert tag(output).end()[0] == 0
        assert_exactly_once(output, FILES * RECORDS)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (("--runner", "FlinkRunner"), "--workers is for the local runner"),
        (("--workers", "0"), "--workers"),
        (("--index", "nowhere"), "nowhere"),
        (("--top-k", "0"), "--top-k must be at least 1"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_touched(tag, tmp_path, more, why):
    job = tag(tmp_path / "out", *more)
    assert job.end()[0] == 2
    [line] = job.log.read_text().splitlines()
    assert why in line
    assert not (tmp_path / "out").exists()
