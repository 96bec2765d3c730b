"""Nobody sees half a folder: not while it is written, not after a kill at any step, not in a race."""

from __future__ import annotations

import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skillstream.storage import prune, remove_whole, sweep, taking_turns, whole_file, whole_folder

FILES = {"a": b"one", "below/b": b"two" * 1000}


def write(target: Path, files: dict[str, bytes] = FILES) -> None:
    with whole_folder(target) as folder:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def replace(target: Path) -> None:
    with whole_folder(target) as folder:
        (folder / "c").write_bytes(b"new")
        remove_whole(target)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def killed_at(step: int, work) -> bool:
    """Whether a process was killed at its n-th step in the file system before `work` was done."""
    child = os.fork()
    if not child:
        left = step

        def count(event, _):
            nonlocal left
            if event == "open" or event.startswith(("os.", "shutil.")):
                left -= 1
                if not left:
                    os._exit(9)

        sys.addaudithook(count)
        work()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.slow
def test_killed_at_every_step_there_is_all_or_nothing(tmp_path):
    step = 1
    while killed_at(step, lambda: write(tmp_path / "target")):
        assert content(tmp_path / "target") in ({}, FILES), step
        assert {path.name[:5] for path in tmp_path.iterdir()} <= {"targe", ".tmp-"}
        sweep(tmp_path)
        assert {path.name for path in tmp_path.iterdir()} <= {"target"}
        remove_whole(tmp_path / "target")
        step += 1
    assert step > 8  # else the steps were not seen
    assert content(tmp_path / "target") == FILES


@pytest.mark.slow
def test_killed_while_it_is_replaced_there_is_old_new_or_nothing(tmp_path):
    step = 1
    write(tmp_path / "target")
    while killed_at(step, lambda: replace(tmp_path / "target")):
        assert content(tmp_path / "target") in ({}, FILES, {"c": b"new"}), step
        sweep(tmp_path)
        remove_whole(tmp_path / "target")
        write(tmp_path / "target")
        step += 1
    assert step > 8
    assert content(tmp_path / "target") == {"c": b"new"}


def test_a_file_killed_at_every_step_is_the_old_or_the_new_one(tmp_path):
    target = tmp_path / "file"

    def work():
        with whole_file(target) as path:
            path.write_bytes(b"new" * 1000)

    step = 1
    target.write_bytes(b"old")
    while killed_at(step, work):
        assert target.read_bytes() in (b"old", b"new" * 1000)
        sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["file"]
        target.write_bytes(b"old")
        step += 1
    assert step > 4
    assert target.read_bytes() == b"new" * 1000


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), whole_folder(tmp_path / "x" / "target") as folder:  # noqa: PT012
        (folder / "a").write_bytes(b"half")
        raise KeyError
    with pytest.raises(KeyError), whole_file(tmp_path / "x" / "file") as path:  # noqa: PT012
        path.write_bytes(b"half")
        raise KeyError
    assert list((tmp_path / "x").iterdir()) == []


def test_everything_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    synced = []

    def fsync(descriptor):
        synced.append((Path(f"/proc/self/fd/{descriptor}").resolve().name, (tmp_path / "target").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    write(tmp_path / "target")
    hidden = next(name for name, _ in synced if name.startswith(".tmp-"))
    assert sorted(synced) == sorted(
        [(hidden, False), ("a", False), ("below", False), ("b", False), (tmp_path.name, True)]
    )


def test_of_two_writers_the_first_wins(tmp_path):
    target = tmp_path / "target"
    with pytest.raises(FileExistsError), whole_folder(target) as folder:  # noqa: PT012
        write(target)
        (folder / "other").write_bytes(b"")
    assert content(target) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_many_writers_leave_one_folder(tmp_path):
    def attempt(number: int) -> int:
        try:
            write(tmp_path / "target", {"a": b"%d" % number, "b": b"%d" % number})
        except FileExistsError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(32))) == 1
    a, b = content(tmp_path / "target").values()
    assert a == b
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_a_turn_ends_with_its_block(tmp_path):
    for _ in range(2):
        with taking_turns(tmp_path / "new" / ".lock"):
            pass


def test_other_errors_of_the_disk_stay_what_they_are(tmp_path, monkeypatch):
    def rename(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left") as caught:
        write(tmp_path / "target")
    assert not isinstance(caught.value, FileExistsError)


def test_sweep_spares_the_young_and_the_others(tmp_path):
    for name in (".tmp-a-1", ".tmp-a-2", ".tmp-b-1", "a"):
        (tmp_path / name).mkdir()
    os.utime(tmp_path / ".tmp-a-1", (0, 0))
    os.utime(tmp_path / ".tmp-b-1", (0, 0))
    sweep(tmp_path, "a", unchanged_s=60.0)
    assert {path.name for path in tmp_path.iterdir()} == {".tmp-a-2", ".tmp-b-1", "a"}


def test_prune_keeps_the_newest_and_the_used(tmp_path):
    for age, name in enumerate(("new", "middle", "old", "oldest")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (9e8 - age, 9e8 - age))
    (tmp_path / "used").mkdir()
    prune([*tmp_path.iterdir(), tmp_path / "gone"], unused_s=60.0, newest=3)
    assert {path.name for path in tmp_path.iterdir()} == {"used", "new", "middle"}
