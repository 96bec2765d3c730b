"""What the servers for tests and demos have in common: where their programs come from, how they end.

Standard library only: CI builds programs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

__all__ = [
    "SERVERS",
    "ServerUnavailableError",
    "build_by_go",
    "end_process",
    "fetch_by_maven",
    "free_port",
    "installed",
    "start_process",
    "until_told_to_end",
]

SERVERS = Path(__file__).resolve().parents[2] / ".servers"
BUILD_TIMEOUT_S = 1200

# By process id: what ends a server whose starter was killed (see `start_process`).
_guards: dict[int, subprocess.Popen[bytes]] = {}


class ServerUnavailableError(RuntimeError):
    """The server cannot be had or started here; the message says what is missing."""


def installed(name: str, why: str) -> str:
    """Where a program of this machine is."""
    found = shutil.which(name)
    if found is None:
        raise ServerUnavailableError(f"{name} is not installed ({why})")
    return found


def fetch_by_maven(folder: Path, pom: str, what: str, without: str = "") -> Path:
    """A folder of jars, fetched if it is not there yet; `without` names one that must not be in it."""
    if folder.is_dir():
        return folder
    maven = installed("mvn", f"Apache Maven fetches {what}")
    SERVERS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SERVERS) as work:
        Path(work, "pom.xml").write_text(pom)
        command = [maven, "-q", "-B", "-f", work, "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={work}/jars"]
        run = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if run.returncode:
            raise ServerUnavailableError(f"Maven could not fetch {what}: {run.stdout[-500:]}")
        if without:
            Path(work, "jars", without).unlink()
        with contextlib.suppress(OSError):  # another process was quicker
            Path(work, "jars").rename(folder)
    return folder


def build_by_go(module: str, program: Path) -> Path:
    """A program, built by Go if it is not there yet. Whoever comes meanwhile waits."""
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return program
        go = installed("go", f"it builds {program.parent.name}")
        with tempfile.TemporaryDirectory(dir=program.parent) as folder:
            try:
                run = subprocess.run(
                    [go, "install", module],
                    capture_output=True,
                    text=True,
                    env=os.environ | {"GOBIN": folder},
                    timeout=BUILD_TIMEOUT_S,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                name = program.parent.name
                raise ServerUnavailableError(
                    f"{name} was not built within {BUILD_TIMEOUT_S} s (Go goes on from there the next time)"
                ) from None
            if run.returncode:
                raise ServerUnavailableError(f"{program.parent.name} could not be built: {run.stderr[-500:]}")
            Path(folder, program.name).rename(program)
    return program


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_process(
    command: Sequence[str | Path],
    log: Path | None = None,
    *,
    orphan_signal: signal.Signals = signal.SIGKILL,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Starts a server, which appends to `log`; end it by `end_process`.

    It gets a session of its own: Ctrl-C in a terminal is for its starter. If this process ends without
    ending it, even by SIGKILL, it gets `orphan_signal` from a guard, a shell that waits for a pipe to close.
    """
    with contextlib.ExitStack() as stack:
        output = subprocess.DEVNULL if log is None else stack.enter_context(log.open("ab"))
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=env,
            start_new_session=True,
        )
    script = 'read -r _; kill -"$1" "$2"'
    guard = ["sh", "-c", script, "guard", str(int(orphan_signal)), str(process.pid)]
    _guards[process.pid] = subprocess.Popen(
        guard,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process


def end_process(process: subprocess.Popen[bytes], sig: signal.Signals, timeout_s: float = 20) -> None:
    """Ends a server by a signal, and kills it if it has not ended `timeout_s` later."""
    process.send_signal(sig)
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    guard = _guards.pop(process.pid, None)
    if guard is not None:  # before its number can belong to somebody else
        guard.kill()
        guard.communicate()


@contextlib.contextmanager
def until_told_to_end() -> Iterator[None]:
    """Around the servers of a command: SIGTERM, SIGINT or SIGHUP leaves the body, even while one starts.

    Later signals are ignored, so that nothing cuts the servers' orderly end short.
    """
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave(*_: object) -> None:
        for each in signals:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for each in signals:
        signal.signal(each, leave)
    with contextlib.suppress(KeyboardInterrupt):
        yield
