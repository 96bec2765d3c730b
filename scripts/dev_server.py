"""What the servers for tests and demos have in common: where their programs come from, how they end."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

__all__ = [
    "SERVERS",
    "ServerUnavailableError",
    "build_by_go",
    "end_process",
    "fetch_by_maven",
    "free_port",
    "installed",
]

SERVERS = Path(__file__).resolve().parent.parent / ".servers"
BUILD_TIMEOUT_S = 1200


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
            run = subprocess.run(
                [go, "install", module],
                capture_output=True,
                text=True,
                env=os.environ | {"GOBIN": folder},
                timeout=BUILD_TIMEOUT_S,
                check=False,
            )
            if run.returncode:
                raise ServerUnavailableError(f"{program.parent.name} could not be built: {run.stderr[-500:]}")
            Path(folder, program.name).rename(program)
    return program


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_process(process: subprocess.Popen[bytes], sig: signal.Signals) -> None:
    """Ends a server by a signal, and kills it if it has not ended 20 s later."""
    process.send_signal(sig)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
