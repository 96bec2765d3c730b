"""`skillstream tag` killed at random moments, alone and two at once: every record exactly once.

By turns without Beam, as on one machine, and as a Beam pipeline; of two writers one each.

Into a folder, and into an object store whose server is killed meanwhile, too.

`SKILLSTREAM_KILLS` sets the number of kills (default 4; `make soak` runs more).
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once, published

KILLS = int(os.environ.get("SKILLSTREAM_KILLS", "4"))
RECORDS = 75 * max(4, KILLS)  # enough for the last kill to find something to do
OBJECT_STORE_2 = pytest.param("object store", 2, marks=pytest.mark.object_store)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]


def start(source, output, index, pause=0.02, *, beam=False):
    command = [
        sys.executable,
        "-m",
        "tests.faults.tag_process",
        str(source),
        str(output),
        str(index),
        str(pause),
        *(["DirectRunner"] if beam else []),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def kill_after(process, seconds):
    """SIGKILL after so many seconds, or earlier if it ends by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()


def finish(process):
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()


@pytest.mark.parametrize(
    ("place", "writers"), [("folder", 1), ("folder", 2), OBJECT_STORE_2], indirect=["place"]
)
def test_killed_at_random_moments_every_record_is_one_row(tmp_path, place, index_folder, writers):
    source = tmp_path / "postings.jsonl"
    source.write_bytes(make_jsonl(RECORDS - 1) + b"broken\n")
    output = place.root
    moments = random.Random(2026 + writers)
    killed = 0
    for number in range(KILLS):
        running = [start(source, output, index_folder, beam=(number + n) % 2 == 1) for n in range(writers)]
        time.sleep(moments.uniform(0.0, 0.4))
        if number % 4 == 1:
            place.restart()
        for process in running:
            kill_after(process, moments.uniform(0.0, 0.3))
            killed += process.returncode == -signal.SIGKILL
        done = published(output)
        assert all(count == 1 for count in done.values())
    assert killed > 0, "no kill fell into a run: the moments are wrong"
    for process in [start(source, output, index_folder, pause=0.0, beam=n == 1) for n in range(writers)]:
        finish(process)
    # Temporary files of killed writers are swept by a later start; make sure there is one.
    finish(start(source, output, index_folder, pause=0.0))
    assert_exactly_once(output, RECORDS)
    print(f"{killed} kills of {writers} at once, {place.restarts} of the store's server")
