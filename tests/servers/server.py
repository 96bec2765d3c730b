"""The life of a server program on loopback: started, asked until it answers, stopped or killed, and again."""

from __future__ import annotations

import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

from tests.servers.common import ServerUnavailableError, end_process, start_process

__all__ = ["Server"]


class Server(ABC):
    """One server, whose log is `folder/server.log`; with `with`, stopped at the end.

    Attributes:
        name: for messages.
        start_timeout_s: how long a cold one on a loaded machine may take to answer.
        process: while it runs.
    """

    name: ClassVar[str]
    start_timeout_s: ClassVar[float]
    folder: Path
    process: subprocess.Popen[bytes] | None

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @abstractmethod
    def start(self) -> Self:
        """Start, or start again, and wait until it answers."""

    @abstractmethod
    def ask(self) -> None:
        """Ask for anything: raises an error as long as nothing answers."""

    def stop(self) -> None:
        """Stop in order; kill after 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(
        self,
        command: Sequence[str | Path],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        not_yet: tuple[type[Exception], ...] = (),
    ) -> Self:
        """Start the program and wait until it answers.

        Args:
            command: the program and its arguments.
            cwd, env: as of `subprocess.Popen`.
            not_yet: what `ask` raises beside `OSError` as long as nothing answers.

        Raises:
            ServerUnavailableError: it ended, or did not answer in time; the message has the end of its log.
        """
        self.process = start_process(command, self.log, cwd=cwd, env=env)
        try:
            self._wait_until_it_answers(self.process, (OSError, *not_yet))
        except BaseException:
            self.kill()
            raise
        return self

    def _end(self, sig: signal.Signals) -> None:
        if self.process is not None:
            end_process(self.process, sig)
            self.process = None

    def _wait_until_it_answers(
        self, process: subprocess.Popen[bytes], not_yet: tuple[type[Exception], ...]
    ) -> None:
        deadline = time.monotonic() + self.start_timeout_s
        while time.monotonic() < deadline:
            if process.poll() is not None:
                tail = self.log.read_text(errors="replace")[-2000:]
                raise ServerUnavailableError(f"{self.name} ended with code {process.returncode}: ...{tail}")
            try:
                self.ask()
            except not_yet:
                time.sleep(0.1)
            else:
                return
        raise ServerUnavailableError(
            f"{self.name} did not answer within {self.start_timeout_s} s; see {self.log}"
        )
