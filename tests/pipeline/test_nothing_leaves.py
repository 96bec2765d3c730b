"""Commands resolve no host, connect and listen nowhere, and leave nothing in the home folder.

Every Python process of a command tells what it does with sockets (PEP 578). The environment is bare: what
switches telemetry off in CI must not do so here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data import make_jsonl
from tests.encoder_models import make_model

# `sitecustomize` is imported at the start of every process, before anything of ours.
WATCH = """
import os, sys

def watch(event, arguments):
    if event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        with open(os.environ["SOCKET_LOG"], "a") as log:
            log.write(f"{event} {arguments!r}\\n")

sys.addaudithook(watch)
"""
TAXONOMY = "uri,label\nurn:1,Python\nurn:2,SQL\nurn:3,nursing\n"


class Watched:
    """Runs Python with an empty home folder; keeps what its processes did with sockets."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.log = folder / "sockets.log"
        (folder / "watch").mkdir()
        (folder / "watch" / "sitecustomize.py").write_text(WATCH)
        self._environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(folder / "watch"),
            "SKILLSTREAM_CACHE_DIR": str(folder / "cache"),
            "SKILLSTREAM_THREADS": "1",
            "SOCKET_LOG": str(self.log),
        }

    def python(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )

    def skillstream(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> None:
        done = self.python("-m", "skillstream", *arguments)
        assert done.returncode in codes, done.stderr
        assert self.sockets() == []
        assert list(self.home.rglob("*")) == []

    def sockets(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        # urllib3, which Beam imports, binds once to find out if there is IPv6. Nobody can send to that.
        return [line for line in lines if not (line.startswith("socket.bind") and "('::1', 0)" in line)]


@pytest.fixture
def watched(tmp_path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return make_model(tmp_path_factory.mktemp("model") / "tiny", max_length=64)


def test_the_watch_sees_sockets(watched):
    watched.python("-c", "import socket; socket.socket().connect_ex(('127.0.0.1', 9))")
    watched.python("-c", "import urllib.request; urllib.request.urlopen('http://localhost:9/')")
    seen = {line.split()[0] for line in watched.sockets()}
    assert {"socket.connect", "socket.getaddrinfo"} <= seen


@pytest.mark.slow
def test_index_tag_and_explain(watched, model, tmp_path):
    (tmp_path / "skills.csv").write_text(TAXONOMY)
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(5))
    (tmp_path / "one.json").write_bytes(make_jsonl(1))
    index = tmp_path / "index"
    watched.skillstream(
        "index", "build", "--taxonomy", tmp_path / "skills.csv", "--model", model, "--output", index
    )
    options = ("--model", model, "--index", index)
    watched.skillstream("tag", tmp_path / "a.jsonl", *options, "--output", tmp_path / "out")
    watched.skillstream("explain", tmp_path / "one.json", *options)
    watched.skillstream("doctor", "--output", tmp_path / "out")


@pytest.mark.slow
def test_model_export_and_doctor(watched, model, tmp_path):
    watched.skillstream("model", "export", model, "--output", tmp_path / "exported")
    watched.skillstream("doctor", "--model", tmp_path / "exported", codes=(0, 1))  # 1: no good model


@pytest.mark.slow
def test_torch_backend(watched, model, tmp_path):
    code = f"""
from skillstream import load_encoder
assert load_encoder({str(model)!r}, "torch").encode(["python"]).shape == (1, 24)
"""
    done = watched.python("-c", code)
    assert done.returncode == 0, done.stderr
    assert watched.sockets() == []
    assert list(watched.home.rglob("*")) == []
