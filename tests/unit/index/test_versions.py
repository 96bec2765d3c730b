"""Versions on disk: whole or not there, whoever else writes, whatever is damaged."""

import os
import re
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest

from skillstream.errors import IndexFormatError, OutputError
from skillstream.index import versions as index_files
from skillstream.index.skills_index import build_index, load_index, save_index
from skillstream.index.versions import current_version
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

ENCODER = HashEncoder(dim=32)


def make_index(number):
    skills = [Skill(f"u/{i}", f"skill {number} {i}") for i in range(20)]
    return build_index(Taxonomy("own", str(number), skills), ENCODER)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_newest_version_is_current_and_few_are_kept(tmp_path):
    indexes = [make_index(number) for number in range(6)]
    for number, index in enumerate(indexes):
        folder = save_index(index, tmp_path)
        os.utime(folder, (number, number))
        assert current_version(tmp_path) == index.version
        assert load_index(tmp_path).version == index.version
    assert visible(tmp_path) == sorted(["CURRENT", *(index.version for index in indexes[-3:])])
    assert not list(tmp_path.glob(".tmp*"))


def test_older_version_can_be_read_by_its_own_folder(tmp_path):
    old, new = make_index(1), make_index(2)
    folder = save_index(old, tmp_path)
    save_index(new, tmp_path)
    assert load_index(folder).version == current_version(folder) == old.version
    assert load_index(tmp_path).version == new.version


def test_saving_an_old_version_again_makes_it_current(tmp_path):
    old, new = make_index(1), make_index(2)
    for index in (old, new, old):
        save_index(index, tmp_path)
    assert load_index(tmp_path).version == old.version


def test_current_version_is_never_pruned(tmp_path):
    """Its folder is the oldest by the clock, as after a restored backup."""
    indexes = [make_index(number) for number in range(5)]
    for index in indexes[:3]:
        os.utime(save_index(index, tmp_path), (9e9, 9e9))
    folder = save_index(indexes[3], tmp_path)
    os.utime(folder, (1, 1))
    save_index(indexes[3], tmp_path)
    assert load_index(tmp_path).version == indexes[3].version


def test_damaged_version_is_replaced_by_saving_it_again(tmp_path):
    index = make_index(1)
    folder = save_index(index, tmp_path)
    (folder / "vectors.npy").write_bytes(b"")
    save_index(index, tmp_path)
    np.testing.assert_array_equal(load_index(tmp_path).vectors, index.vectors)


@pytest.mark.parametrize("step", ["_write_files", "remove_whole", "whole_file"])
def test_failed_write_leaves_what_was(tmp_path, monkeypatch, step):
    old = make_index(1)
    save_index(old, tmp_path)
    whole = getattr(index_files, step)

    def fail(*arguments):
        if step == "_write_files":
            whole(*arguments)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_files, step, fail)
    with pytest.raises(OutputError, match=r"cannot be written.*No space left"):
        save_index(make_index(2), tmp_path)
    assert load_index(tmp_path).version == old.version
    assert not list(tmp_path.glob(".tmp*"))


def test_what_dead_writers_left_is_swept(tmp_path):
    (tmp_path / ".tmp-0123").mkdir()
    (tmp_path / ".tmp-0123" / "vectors.npy").write_bytes(b"half")
    save_index(make_index(1), tmp_path)
    assert not list(tmp_path.glob(".tmp*"))


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        save_index(make_index(1), tmp_path / "file")


def test_no_index(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        for read in (load_index, current_version):
            with pytest.raises(
                IndexFormatError, match=r"holds no skills index.*'skillstream index build --output"
            ):
                read(folder)


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def change_info(path, **values):
    content = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(content | values))


DAMAGES = {
    "truncated vectors": (lambda v: os.truncate(v / "vectors.npy", 500), r"vectors\.npy is damaged"),
    "flipped bit in vectors": (lambda v: flip(v / "vectors.npy"), r"vectors\.npy is damaged"),
    "flipped bit in skills": (lambda v: flip(v / "skills.parquet"), r"skills\.parquet is damaged"),
    "no skills": (lambda v: (v / "skills.parquet").unlink(), r"lacks .*skills\.parquet: build it again"),
    "no info": (lambda v: (v / "index.json").unlink(), r"lacks .*index\.json: build it again"),
    "truncated info": (lambda v: os.truncate(v / "index.json", 50), r"index\.json is damaged"),
    "info of something else": (lambda v: (v / "index.json").write_text("[1]"), r"index\.json is damaged"),
    "another format": (
        lambda v: change_info(v / "index.json", format_version=99),
        "format version 99.* reads 2",
    ),
    "another dimension": (
        lambda v: change_info(v / "index.json", dim=16),
        r"states 20 skills of 16 .*\[20, 32\]",
    ),
    "another count": (lambda v: change_info(v / "index.json", count=19), "states 19 skills"),
    "pointer to nowhere": (lambda v: (v.parent / "CURRENT").write_text("abc"), r"lacks .*index\.json"),
    "pointer out of the folder": (lambda v: (v.parent / "CURRENT").write_text("../x"), "CURRENT is damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told_in_one_line(tmp_path, damage):
    folder = save_index(make_index(1), tmp_path)
    do, message = DAMAGES[damage]
    do(folder)
    with pytest.raises(IndexFormatError, match=message) as error:
        load_index(tmp_path)
    assert "\n" not in str(error.value)
    assert re.search(r"build (it|the index) again", str(error.value))


def test_reader_survives_the_pruning_of_its_version(tmp_path, monkeypatch):
    """The version is removed between reading the pointer and reading the files."""
    old, new = make_index(1), make_index(2)
    old_folder = save_index(old, tmp_path)
    read = index_files._read_files

    def racing_read(version):
        if version == old_folder and old_folder.exists():
            save_index(new, tmp_path)
            shutil.rmtree(old_folder)
        return read(version)

    monkeypatch.setattr(index_files, "_read_files", racing_read)
    assert load_index(tmp_path).version == new.version


def test_opened_index_outlives_its_version(tmp_path):
    index = make_index(1)
    folder = save_index(index, tmp_path)
    opened = load_index(tmp_path)
    shutil.rmtree(folder)
    np.testing.assert_array_equal(opened.vectors, index.vectors)


@pytest.mark.slow
def test_writers_and_readers_race(tmp_path):
    """Three writers of five versions beside two readers: every reader always gets one whole version."""
    indexes = [make_index(number) for number in range(5)]
    versions = {index.version: index.vectors for index in indexes}
    save_index(indexes[0], tmp_path)
    done = threading.Event()

    def write(first):
        for round_ in range(8):
            save_index(indexes[(first + round_) % 5], tmp_path)

    def read():
        seen = 0
        while not done.is_set():
            index = load_index(tmp_path)
            np.testing.assert_array_equal(index.vectors, versions[index.version])
            seen += 1
        return seen

    with ThreadPoolExecutor(5) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        writers = [pool.submit(write, first) for first in range(3)]
        try:
            for writer in writers:
                writer.result(60)
        finally:
            done.set()
        assert all(reader.result(60) > 0 for reader in readers)
    assert load_index(tmp_path).version in versions
    assert not list(tmp_path.glob(".tmp*"))
