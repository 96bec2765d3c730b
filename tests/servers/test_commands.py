"""The commands that start a server for people: it ends with them, whatever ends them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.servers.common import free_port
from tests.servers.fixtures import needed
from tests.servers.flink_jars import fetch_flink
from tests.servers.kafka import fetch_jars
from tests.servers.minio import MinioServer, fetch_minio

SCRIPTS = Path(__file__).parents[2] / "scripts"

TERM, INT, KILL = signal.SIGTERM, signal.SIGINT, signal.SIGKILL
KAFKA = ("dev_kafka.py", fetch_jars, ["--topic=t"], "listens on", ["java"])
MINIO = ("dev_minio.py", fetch_minio, ["--bucket=bucket"], "AWS_REGION", ["minio"])
FLINK = ("dev_flink.py", fetch_flink, [], "Beam flags", ["java", "python"])


@pytest.mark.parametrize(
    ("command", "sig"),
    [
        pytest.param(KAFKA, TERM, id="kafka SIGTERM", marks=pytest.mark.kafka),
        pytest.param(MINIO, TERM, id="minio SIGTERM", marks=pytest.mark.object_store),
        pytest.param(MINIO, INT, id="minio SIGINT", marks=pytest.mark.object_store),
        pytest.param(MINIO, KILL, id="minio SIGKILL", marks=pytest.mark.object_store),
        pytest.param(FLINK, TERM, id="flink SIGTERM", marks=[pytest.mark.flink, pytest.mark.timeout(900)]),
    ],
)
def test_the_server_ends_with_the_command(command, sig, tmp_path):
    script, fetch, flags, ready, programs = command
    with needed():
        fetch()  # not in the command, whose children are looked at
    port = [] if script == "dev_flink.py" else [f"--port={free_port()}"]
    log = tmp_path / "log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [sys.executable, SCRIPTS / script, *port, *flags],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        ) as process,
    ):
        assert any(ready in line for line in process.stdout), log.read_text()
        children = psutil.Process(process.pid).children(recursive=True)
        try:
            assert {*programs} <= {child.name().rstrip("0123456789.") for child in children}
            process.send_signal(sig)
            _, alive = psutil.wait_procs(children, timeout=60)
            assert alive == []
            assert process.wait(30) == (-KILL if sig == KILL else 0), log.read_text()
            assert sig == KILL or not list(tmp_path.glob("skillstream-*"))
        finally:
            for child in children:
                if child.is_running():
                    child.kill()
            process.kill()


@pytest.mark.object_store
def test_a_signal_while_the_server_starts_ends_it_too(tmp_path, monkeypatch):
    started = []

    def interrupted(server):
        started.append(psutil.Process(server.process.pid))
        raise KeyboardInterrupt

    with needed():
        fetch_minio()
    monkeypatch.setattr(MinioServer, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        MinioServer(tmp_path).start()
    assert not started[0].is_running()
