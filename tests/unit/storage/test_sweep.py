"""What dead writers left is swept, and never what a live one still wants, whatever host or clock it has."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from skillstream.storage import local_store, temporary_names
from skillstream.storage.local_store import TEMPORARY_MAX_AGE_S, LocalStore
from skillstream.storage.temporary_names import is_temporary, temporary_name, writer_is_alive


@pytest.fixture
def fresh_host():
    """The host's digest is computed again, in the test and after it."""
    temporary_names._host.cache_clear()
    yield
    temporary_names._host.cache_clear()


@pytest.fixture
def dead_name():
    """The name of a temporary file of a process that is gone."""
    code = "from skillstream.storage.temporary_names import temporary_name; print(temporary_name())"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def put(folder, name, age_s=0.0):
    path = folder / name
    path.touch()
    written = path.stat().st_mtime - age_s
    os.utime(path, (written, written))


def test_files_of_dead_writers_are_swept_and_all_others_kept(tmp_path, dead_name):
    old, young = TEMPORARY_MAX_AGE_S + 60, TEMPORARY_MAX_AGE_S - 60
    names = {
        dead_name: (0, True),
        temporary_name(): (old, False),  # this process's: it lives
        f".{'0' * 16}-1-1-{'3' * 16}.tmp": (young, False),
        f".{'0' * 16}-1-1-{'4' * 16}.tmp": (old, True),
        f".elsewhere-0-1-{'5' * 16}.tmp": (young, False),  # of an earlier version
        f".elsewhere-0-1-{'6' * 16}.tmp": (old, True),
        ".hidden": (old, False),
        "run.json": (old, False),
    }
    for name, (age, _) in names.items():
        put(tmp_path, name, age)
    assert LocalStore(tmp_path).sweep() == 3
    assert {path.name for path in tmp_path.iterdir()} == {n for n, (_, swept) in names.items() if not swept}


@pytest.mark.parametrize("ahead_s", [-1e6, 1e6])
def test_age_is_by_the_file_systems_clock_alone(tmp_path, monkeypatch, ahead_s):
    """The clocks of a file server and of this host may be days apart."""
    young, old = f".{'0' * 16}-1-1-{'3' * 16}.tmp", f".{'0' * 16}-1-1-{'4' * 16}.tmp"
    put(tmp_path, young)
    put(tmp_path, old, TEMPORARY_MAX_AGE_S + 60)
    there = time.time()
    monkeypatch.setattr(time, "time", lambda: there + ahead_s)
    assert LocalStore(tmp_path).sweep() == 1
    assert [path.name for path in tmp_path.iterdir()] == [young]


def test_without_temporary_files_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(local_store, "temporary_name", pytest.fail)
    assert LocalStore(tmp_path).sweep() == 0
    assert LocalStore(tmp_path / "none").sweep() == 0


def test_a_name_says_whether_its_writer_lives(dead_name):
    assert writer_is_alive(temporary_name()) is True
    assert writer_is_alive(dead_name) is False
    assert writer_is_alive(f".elsewhere-0-{os.getpid()}-{'1' * 16}.tmp") is None


def test_a_number_that_another_process_got_since_is_not_its_writer():
    host, pid, start, rest = temporary_name().split("-")
    assert writer_is_alive(f"{host}-{pid}-{int(start) + 1}-{rest}") is False


@pytest.mark.parametrize(
    ("fact", "name"),
    [("the host's name", "gethostname"), ("the machine's start", "_text"), ("the namespace", "_namespace")],
)
def test_a_host_is_another_by_each_of_its_facts(fresh_host, monkeypatch, dead_name, fact, name):
    """Hosts share namespace numbers, clones share names, containers share both with others' starts."""
    module = temporary_names.socket if name == "gethostname" else temporary_names
    monkeypatch.setattr(module, name, lambda *_: "another")
    assert writer_is_alive(dead_name) is None, fact


@pytest.mark.parametrize(("one", "two"), [(("tm-1", "11"), ("tm-11", "1")), (("a", "bc"), ("ab", "c"))])
def test_facts_run_together_make_no_other_host(fresh_host, monkeypatch, one, two):
    digests = set()
    for host, namespace in (one, two):
        temporary_names._host.cache_clear()
        monkeypatch.setattr(temporary_names.socket, "gethostname", lambda host=host: host)
        monkeypatch.setattr(temporary_names, "_text", lambda _: "")
        monkeypatch.setattr(temporary_names, "_namespace", lambda namespace=namespace: namespace)
        monkeypatch.setattr(temporary_names.uuid, "getnode", lambda: "")
        digests.add(temporary_names._host())
    assert len(digests) == 2


def test_names_are_unique_and_known():
    names = {temporary_name() for _ in range(100)}
    assert len(names) == 100
    assert all(map(is_temporary, names))
    assert not is_temporary(".tmp")
