"""Worker processes: started, heard, told what to do, started again when they die, ended with their parent."""

from __future__ import annotations

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple

import msgspec

from skillstream.errors import RunError, UsageError
from skillstream.output import Chain
from skillstream.workers.cores import Place
from skillstream.workers.messages import Died, Ended, Failed, Job, Message, Order, Published, Ready, Tagged

__all__ = ["Pool"]

logger = logging.getLogger(__name__)

# A worker that dies so often without publishing anything in between has a reason that no start fixes.
MOST_DEATHS = 3

COMMAND = (sys.executable, "-P", "-m", "skillstream.workers.process")


class _Heard(NamedTuple):
    process: subprocess.Popen[bytes]
    number: int
    message: Message


class Pool:
    """The workers of one job: a context manager that leaves none of them behind.

    They end when this process does, even by SIGKILL: their stdin ends then. Ctrl-C in a terminal reaches this
    process only, as each is in a session of its own.

    Attributes:
        tagged: worker → the chunk that it is about to publish, or has published without saying so.
        restarts: how often one was started again.
    """

    def __init__(self, jobs: Mapping[int, Job], places: Mapping[int, Place]) -> None:
        self.tagged: dict[int, Tagged] = {}
        self.restarts = 0
        self._jobs = jobs
        self._places = places
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._heard: queue.SimpleQueue[_Heard] = queue.SimpleQueue()
        self._deaths: dict[int, int] = {}

    def start(self, number: int) -> None:
        """Starts the process of a worker; it says `Ready` once it can tag."""
        process = subprocess.Popen(  # noqa: S603 - a fixed command
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            env=os.environ | self._places[number].environment,
        )
        self._processes[number] = process
        self._write(number, self._jobs[number])
        threading.Thread(target=self._listen, args=(process, number), daemon=True).start()

    def send(self, number: int, order: Order) -> None:
        """Tells a worker what to do; one that has died will be heard of."""
        self._write(number, order)

    def next(self, timeout_s: float) -> tuple[int, Message] | None:
        """What a worker says, and which; `None` if none does within `timeout_s` seconds.

        Raises:
            RunError, UsageError: a worker says that the job fails.
        """
        try:
            process, number, message = self._heard.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if self._processes.get(number) is not process:
            return None
        if isinstance(message, Tagged):
            self.tagged[number] = message
        elif isinstance(message, Published):
            self._deaths.pop(number, None)
        elif isinstance(message, Failed):
            raise UsageError(message.message) if message.usage else RunError(message.message)
        elif isinstance(message, Ended):
            del self._processes[number]
        return number, message

    def wait_until_ready(self, number: int) -> Ready:
        """Waits for a worker that was just started, and starts it again if it dies."""
        while True:
            heard = self.next(1.0)
            if heard is not None and isinstance(heard[1], Ready):
                return heard[1]
            if heard is not None and isinstance(heard[1], Died):
                self.replace(number, heard[1])

    def replace(self, number: int, died: Died) -> None:
        """Starts a worker again that has died, and says so.

        Raises:
            RunError: it has died `MOST_DEATHS` times without publishing anything.
        """
        deaths = self._deaths[number] = self._deaths.get(number, 0) + 1
        how = _how(died.code)
        if deaths >= MOST_DEATHS:
            raise RunError(
                f"worker {number} {how}, {deaths} times without publishing anything; start again to resume "
                "where it stopped"
            )
        logger.warning("worker %d %s: started again (%d of %d)", number, how, deaths, MOST_DEATHS - 1)
        self.restarts += 1
        self.start(number)

    def last_published(self, number: int, output: str) -> Tagged | None:
        """The chunk that a worker, which has died, got into the output before it could say so."""
        tagged = self.tagged.pop(number, None)
        if tagged is None or (Chain(output, tagged.source, tagged.partition).head() or 0) < tagged.end:
            return None
        return tagged

    def _write(self, number: int, line: Job | Order) -> None:
        process = self._processes.get(number)
        if process is None or process.stdin is None:
            return
        with suppress(BrokenPipeError):
            process.stdin.write(msgspec.json.encode(line) + b"\n")
            process.stdin.flush()

    def _listen(self, process: subprocess.Popen[bytes], number: int) -> None:
        ended = False
        for line in process.stdout or ():
            if not line.endswith(b"\n"):
                break  # killed in the middle of a message
            message = msgspec.json.decode(line, type=Message)
            ended = isinstance(message, Ended | Failed)
            self._heard.put(_Heard(process, number, message))
        code = process.wait()
        if not ended:
            self._heard.put(_Heard(process, number, Died(code)))

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    with suppress(ValueError):
        return f"was killed ({signal.Signals(-code).name})"
    return f"was killed (signal {-code})"
