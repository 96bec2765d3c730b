"""An index as one value: packed, unpacked once per machine, damage and leftovers dealt with."""

import os
import shutil
import threading

import pytest

from skillstream.errors import IndexFormatError
from skillstream.index import package as index_package
from skillstream.index.package import pack_index, unpack_index
from skillstream.index.skills_index import load_index


@pytest.fixture
def package(index_folder):
    return pack_index(index_folder)


def names(cache):
    return sorted(path.name for path in cache.iterdir() if path.name != ".lock")


def test_what_is_unpacked_is_what_was_packed(package, index_folder, tmp_path):
    folder = unpack_index(package, tmp_path / "cache")
    assert load_index(folder).version == load_index(index_folder).version == package.version
    before = (folder / "vectors.npy").stat().st_mtime_ns
    assert unpack_index(package, tmp_path / "cache") == folder
    assert (folder / "vectors.npy").stat().st_mtime_ns == before


def test_a_folder_without_an_index_is_not_packed(tmp_path):
    with pytest.raises(IndexFormatError, match="holds no skills index"):
        pack_index(tmp_path)


@pytest.mark.parametrize("name", ["index.json", "skills.parquet", "vectors.npy"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_folder_is_unpacked_again(package, tmp_path, name, damage):
    file = unpack_index(package, tmp_path) / name
    file.unlink() if damage == "gone" else os.truncate(file, 10)
    assert load_index(unpack_index(package, tmp_path)).version == package.version


def test_another_format_has_a_folder_of_its_own(package, tmp_path, monkeypatch):
    ours = unpack_index(package, tmp_path)
    monkeypatch.setattr(index_package, "FORMAT_VERSION", 99)
    assert unpack_index(package, tmp_path) != ours


def test_files_are_on_the_disk_before_the_folder_has_its_name(package, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        "skillstream.storage.whole.sync", lambda path: synced.append((path.name, names(tmp_path)))
    )
    folder = unpack_index(package, tmp_path)
    assert {name for name, visible in synced if folder.name not in visible} >= set(package.files)
    assert synced[-1] == (tmp_path.name, [folder.name])


def test_a_full_disk_leaves_nothing(package, tmp_path, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("skillstream.storage.whole.sync", full)
    with pytest.raises(OSError, match="No space left"):
        unpack_index(package, tmp_path)
    assert names(tmp_path) == []


def test_leftovers_of_dead_processes_are_swept(package, tmp_path):
    (tmp_path / ".tmp-dead").mkdir()
    (tmp_path / ".tmp-dead" / "vectors.npy").write_bytes(b"x")
    folder = unpack_index(package, tmp_path)
    assert names(tmp_path) == [folder.name]


def test_old_versions_go_and_young_ones_stay(package, tmp_path):
    """A folder's age is that of its last use; a young one may be about to be loaded."""
    folder = unpack_index(package, tmp_path)
    for number in range(8):
        copy = shutil.copytree(folder, tmp_path / f"copy{number}")
        age = (number - 3) * 3 * 86_400 if number > 3 else 60 * number
        os.utime(copy, (copy.stat().st_atime, copy.stat().st_mtime - age))
    os.utime(folder, (0, 0))
    assert unpack_index(package, tmp_path) == folder
    assert names(tmp_path) == sorted([folder.name, "copy0", "copy1", "copy2", "copy3"])


def test_processes_that_race_get_one_whole_folder(package, tmp_path):
    (tmp_path / "cache").mkdir()
    found, start = [], threading.Barrier(6)

    def unpack():
        start.wait()
        found.append(load_index(unpack_index(package, tmp_path / "cache")).version)

    threads = [threading.Thread(target=unpack) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [package.version] * 6
    assert len(names(tmp_path / "cache")) == 1
