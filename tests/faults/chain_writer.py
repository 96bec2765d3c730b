"""Writers that publish random chunks, as workers after a restart do, and who starts and kills them.

Every writer is forked from one process that has imported everything, so that it is at work within
milliseconds, and most of the kills hit it in the middle of a publish.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import traceback
from pathlib import Path

from skillstream.errors import ChainError
from skillstream.output.chain import Chain, sweep
from skillstream.rows import rows_to_table
from tests.chain_fakes import SOURCE, make_rows

PARTITIONS = 2
_MAX_CHUNK_ROWS = 40


def write_chunks(root: Path | str, end_file: Path, seed: int) -> None:
    """Publishes from a little before the head until all partitions reach the number in `end_file`."""
    rng = random.Random(seed)
    sweep(root)
    chains = [Chain(root, SOURCE, partition, hole_wait_s=0.2) for partition in range(PARTITIONS)]
    for chain in chains:
        chain.claim(0)
    while not end_file.exists() or min(chain.head() or 0 for chain in chains) < int(end_file.read_text()):
        chain = rng.choice(chains)
        start = max((chain.head() or 0) - rng.choice([0, 0, 7, 60]), 0)
        for _ in range(rng.randint(1, 4)):  # several chunks in a row without a look at the head
            stop = start + rng.randint(1, _MAX_CHUNK_ROWS)
            chain.publish(start, stop, make_rows(start, stop, SOURCE, chain.partition))
            start = stop
        if rng.random() < 0.05:  # a runner that comes back too far ahead is refused
            try:
                chain.publish(start + 10_000, start + 10_001, [])
            except ChainError:
                continue
            raise AssertionError("a hole was published")


def serve(root: str, end_file: Path) -> None:
    """Answers `start SEED` with a process number, `kill PID` and `wait PID` with an exit status."""
    rows_to_table(make_rows(0, 1))  # pyarrow imports pandas here, which takes half a second
    import skillstream.storage.object_store  # noqa: F401 - imported, but not used: its threads do not live on in a fork

    for line in sys.stdin:
        command, number = line.split()
        if command == "start":
            pid = os.fork()
            if pid == 0:
                _work_and_exit(root, end_file, int(number))
            print(pid, flush=True)
        else:
            if command == "kill":
                os.kill(int(number), signal.SIGKILL)
            print(os.waitstatus_to_exitcode(os.waitpid(int(number), 0)[1]), flush=True)


def _work_and_exit(root: Path, end_file: Path, seed: int) -> None:
    try:
        write_chunks(root, end_file, seed)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], Path(sys.argv[2]))
