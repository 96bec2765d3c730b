"""`skillstream` whose workers have the HashEncoder: `python -m tests.faults.shared_job ARGUMENTS...`.

`SharedJob` starts it and knows its worker processes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import psutil

COMMAND = (sys.executable, "-m", "tests.faults.shared_worker")


class SharedJob:
    """A job with several workers, as a process of its own; stderr goes to the file `log`."""

    def __init__(self, *arguments: object, log: Path, **environment: str) -> None:
        self.log = log
        command = [sys.executable, "-m", "tests.faults.shared_job", *map(str, arguments), "--json"]
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, env=os.environ | environment
            )

    def workers(self) -> list[psutil.Process]:
        """Its worker processes now."""
        try:
            return psutil.Process(self.process.pid).children()
        except psutil.NoSuchProcess:
            return []

    def await_workers(self, count: int, limit_s: float = 120) -> list[psutil.Process]:
        """Waits until there are so many."""
        deadline = time.monotonic() + limit_s
        while len(found := self.workers()) < count:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return found

    def end(self, sig: signal.Signals | None = None, limit_s: float = 200) -> tuple[int, dict[str, object]]:
        """Sends the signal, if any, and waits: exit code and summary."""
        if sig is not None:
            self.process.send_signal(sig)
        output, _ = self.process.communicate(timeout=limit_s)
        return self.process.returncode, json.loads(output) if output.strip() else {}


def main() -> int:
    from skillstream.cli import main as cli
    from skillstream.testing import HashEncoder

    with (
        mock.patch("skillstream.workers.pool.COMMAND", COMMAND),
        mock.patch("skillstream.tagging.start.resolve_model", return_value=HashEncoder()),
    ):
        return cli(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
