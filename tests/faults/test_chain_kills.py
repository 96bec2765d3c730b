"""Real processes race on one chain and are killed at random moments: every record stands in one file.

SKILLSTREAM_KILLS and SKILLSTREAM_FLIPS set how many (defaults: 25 kills a test, 30 flipped bits).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from skillstream.output.chain import Chain, sweep
from skillstream.output.chain_check import verify_chain
from skillstream.output.layout import chain_name, claimed
from skillstream.storage import whole_file
from skillstream.storage.store import open_store
from tests.chain_fakes import SOURCE, published_offsets
from tests.faults.chain_writer import PARTITIONS, write_chunks

pytestmark = pytest.mark.faults

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "25"))
OBJECT_STORE_6 = pytest.param("object store", 6, marks=pytest.mark.object_store)
FLIPS = int(os.environ.get("SKILLSTREAM_FLIPS", "30"))


class Writers:
    """The writers of one test (see `tests.faults.chain_writer`)."""

    def __init__(self, root, end_file):
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.chain_writer", root, end_file],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, seed):
        return self._ask("start", seed)

    def kill(self, pid):
        return self._ask("kill", pid)

    def wait(self, pid):
        return self._ask("wait", pid)

    def close(self):
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.communicate()

    def _ask(self, command, number):
        print(command, number, file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())


class Reader(threading.Thread):
    """Somebody who queries the output all the while: sees whole chains only, and they only grow."""

    def __init__(self, root):
        super().__init__()
        self.root = root
        self.stopped = threading.Event()
        self.looks = 0
        self.problems = []

    def run(self):
        ends = [0] * PARTITIONS
        while not self.stopped.wait(0.2):
            for partition in range(PARTITIONS):
                store = open_store(self.root)
                if (SOURCE, partition) not in claimed(store):
                    continue
                offsets = published_offsets(store, Chain(self.root, SOURCE, partition))
                if offsets != list(range(len(offsets))) or len(offsets) < ends[partition]:
                    self.problems.append((partition, ends[partition], offsets))
                ends[partition] = len(offsets)
            self.looks += 1


@pytest.mark.parametrize(
    ("place", "writers"), [("folder", 2), ("folder", 6), OBJECT_STORE_6], indirect=["place"]
)
def test_killed_and_racing_writers_publish_every_record_once(place, tmp_path, writers):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    root, end_file = place.root, tmp_path / "end"
    process = Writers(root, end_file)
    reader = Reader(root)
    reader.start()
    left = 0
    try:
        running = [process.start(rng.randrange(2**32)) for _ in range(writers)]
        for kill in range(KILLS):
            if kill == KILLS // 2:
                place.restart()
            time.sleep(rng.uniform(0.0, 0.15))
            number = rng.randrange(writers)
            assert process.kill(running[number]) == -signal.SIGKILL, "a writer had failed before"
            left += any(f"-{running[number]}-" in name for name in place.names() if name.endswith(".tmp"))
            running[number] = process.start(rng.randrange(2**32))
        with whole_file(end_file) as file:  # the writers look at it all the while
            file.write_text(str(100 + max(head(root, partition) for partition in range(PARTITIONS))))
        statuses = [process.wait(pid) for pid in running]
    finally:
        process.close()
        reader.stopped.set()
        reader.join()

    assert statuses == [0] * writers
    assert reader.problems == []
    report = verify_chain(root)
    assert report.findings == []
    for partition in range(PARTITIONS):
        chain = Chain(root, SOURCE, partition)
        assert published_offsets(open_store(root), chain) == list(range(chain.head()))
    sweep(root)
    others = [name for name in place.names() if not name.endswith(".parquet")]
    assert others == [f"{chain_name(SOURCE, partition)}.start" for partition in range(PARTITIONS)]
    print(
        f"{KILLS} kills, {left} of them left a temporary file; {report.files} files, {report.rows} rows; ",
        end="",
    )
    print(f"{reader.looks} looks at the output meanwhile")


def head(root, partition):
    return Chain(root, SOURCE, partition).head() or 0


def test_flipped_bits_in_published_files_are_found(tmp_path):
    root, end_file = tmp_path / "out", tmp_path / "end"
    end_file.write_text("60")
    write_chunks(root, end_file, seed=1)
    files = sorted(root.rglob("*.parquet"))
    assert verify_chain(root).findings == []
    rng = random.Random(1)
    for _ in range(FLIPS):
        path = rng.choice(files)
        data = path.read_bytes()
        position = rng.randrange(len(data) * 8)
        path.write_bytes(
            data[: position // 8]
            + bytes([data[position // 8] ^ (1 << position % 8)])
            + data[position // 8 + 1 :]
        )
        findings = verify_chain(root).findings
        path.write_bytes(data)
        assert [(finding.kind, finding.path) for finding in findings] == [
            ("unreadable", str(path.relative_to(root)))
        ], f"bit {position} of {path}"
