"""A worker's index: picked up, refreshed, and kept when the new one cannot be used."""

import os
import shutil
from pathlib import Path

import pytest

from skillstream.errors import IndexFormatError, RunError
from skillstream.index.package import pack_index
from skillstream.index.skills_index import build_index, load_index, save_index
from skillstream.storage import user_cache
from skillstream.tagging.config import TagConfig
from skillstream.tagging.worker import REFRESH_S, TagWorker
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder

pytestmark = pytest.mark.usefixtures("hash_model")


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(index_folder, tmp_path):
    return Path(shutil.copytree(index_folder, tmp_path / "index"))


@pytest.fixture
def worker(folder, clock):
    return TagWorker(TagConfig(index=str(folder)), now=clock)


def make_index(encoder, label="polish lenses"):
    return build_index(Taxonomy("test", "2", [Skill("urn:new", label)]), encoder)


def labels(tagger, text="You write Python and polish lenses."):
    return [tag.label for tag in tagger.tag(text)]


def test_a_new_version_is_picked_up_between_two_looks(worker, folder, clock, encoder):
    first = worker.tagger()
    assert "Python" in labels(first)
    assert worker.tagger() is first
    index = make_index(encoder)
    save_index(index, folder)
    clock.now = REFRESH_S - 1
    assert worker.tagger() is first
    clock.now = REFRESH_S
    second = worker.tagger()
    assert (labels(second), second.index.version) == (["polish lenses"], index.version)
    assert second.encoder is first.encoder
    clock.now = 3 * REFRESH_S
    assert worker.tagger() is second


def point_to(folder, content):
    (folder / "CURRENT").write_bytes(content)


def cut_new_version(folder):
    version = save_index(make_index(HashEncoder()), folder)
    os.truncate(version / "vectors.npy", 200)


def no_longer_there(folder):
    shutil.rmtree(folder)


def a_folder_for_the_pointer(folder):
    (folder / "CURRENT").unlink()
    (folder / "CURRENT").mkdir()


def a_folder_for_the_vectors(folder):
    version = save_index(make_index(HashEncoder()), folder)
    (version / "vectors.npy").unlink()
    (version / "vectors.npy").mkdir()


DAMAGES = {
    "pointer is no text": lambda folder: point_to(folder, b"\xff\xfe"),
    "pointer is empty": lambda folder: point_to(folder, b""),
    "pointer to nowhere": lambda folder: point_to(folder, b"abc"),
    "pointer cannot be read": a_folder_for_the_pointer,
    "new version is cut": cut_new_version,
    "new version cannot be read": a_folder_for_the_vectors,
    "folder is gone": no_longer_there,
    "of another taxonomy": lambda folder: save_index(
        build_index(Taxonomy("other", "2", [Skill("urn:o", "polish lenses")]), HashEncoder()), folder
    ),
    "of another model": lambda folder: save_index(make_index(HashEncoder(dim=32)), folder),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_an_index_that_cannot_be_used_leaves_the_old_one_in_force(worker, folder, clock, caplog, damage):
    first = worker.tagger()
    DAMAGES[damage](folder)
    clock.now += REFRESH_S
    assert worker.tagger() is first
    assert "Python" in labels(first)
    assert f"staying with version {first.index.version}" in caplog.text
    folder.mkdir(exist_ok=True)
    pointer = folder / "CURRENT"
    pointer.rmdir() if pointer.is_dir() else pointer.unlink(missing_ok=True)
    save_index(make_index(HashEncoder(), "grind lenses"), folder)
    clock.now += REFRESH_S
    assert worker.tagger() is not first


@pytest.mark.parametrize(
    "error", [OSError(116, "Stale file handle"), PermissionError(13, "Permission denied")]
)
def test_errors_of_the_file_system_leave_the_old_one_in_force(
    worker, folder, clock, monkeypatch, error, encoder
):
    first = worker.tagger()
    save_index(make_index(encoder), folder)

    def fails(_):
        raise error

    clock.now += REFRESH_S
    with monkeypatch.context() as patch:
        patch.setattr("skillstream.index.versions._read_files", fails)
        assert worker.tagger() is first
        with pytest.raises(IndexFormatError, match=error.strerror):
            load_index(folder)
    clock.now += REFRESH_S
    assert worker.tagger() is not first


def test_an_index_that_cannot_be_used_is_refused_at_the_start(worker, folder):
    point_to(folder, b"\xff\xfe")
    with pytest.raises(IndexFormatError, match="CURRENT is damaged"):
        worker.tagger()


def test_packages_replace_one_another(tmp_path, encoder, index_folder, clock, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    worker = TagWorker(TagConfig(), now=clock)
    save_index(make_index(encoder), tmp_path / "new")
    one, two = pack_index(index_folder), pack_index(tmp_path / "new")
    first = worker.tagger(one)
    assert "Python" in labels(first)
    assert worker.tagger(one) is first
    second = worker.tagger(two)
    assert labels(second) == ["polish lenses"]
    assert (first.index.version, second.index.version) == (one.version, two.version)


def test_packages_work_where_the_cache_cannot_be_written(tmp_path, index_folder, clock, monkeypatch, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "file" / "cache"))
    user_cache.temporary_folder.cache_clear()
    for _ in range(2):
        worker = TagWorker(TagConfig(), now=clock)
        assert "Python" in labels(worker.tagger(pack_index(index_folder)))
    assert caplog.text.count("SKILLSTREAM_CACHE_DIR") == 1


@pytest.mark.parametrize("error", [RunError("the store is away"), ValueError("a bug"), MemoryError()])
def test_whatever_goes_wrong_at_a_refresh_leaves_the_old_one_in_force(
    worker, folder, clock, monkeypatch, caplog, encoder, error
):
    first = worker.tagger()
    save_index(make_index(encoder), folder)

    def fails(*_):
        raise error

    clock.now += REFRESH_S
    with monkeypatch.context() as patch:
        patch.setattr("skillstream.tagging.worker.Tagger", fails)
        assert worker.tagger() is first
    assert f"staying with version {first.index.version}" in caplog.text
    clock.now += REFRESH_S
    assert worker.tagger() is not first


def test_another_taxonomy_than_the_runs_is_refused_in_plain_words(worker, folder, clock, caplog):
    worker.tagger()
    DAMAGES["of another taxonomy"](folder)
    clock.now += REFRESH_S
    worker.tagger()
    assert "is of the taxonomy 'other', this run's is 'test'" in caplog.text


@pytest.mark.parametrize("damage", ["of another taxonomy", "of another model"])
def test_a_package_that_cannot_be_used_leaves_the_old_one_in_force(
    tmp_path, index_folder, clock, monkeypatch, caplog, damage
):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    DAMAGES[damage](tmp_path / "new")
    worker = TagWorker(TagConfig(), now=clock)
    first = worker.tagger(pack_index(index_folder))
    package = pack_index(tmp_path / "new")
    for _ in range(3):
        assert worker.tagger(package) is first
    assert caplog.text.count("staying with version") == 1
    assert "Python" in labels(first)


def test_a_first_package_that_cannot_be_used_is_refused(tmp_path, clock, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    DAMAGES["of another model"](tmp_path / "new")
    with pytest.raises(IndexFormatError):
        TagWorker(TagConfig(), now=clock).tagger(pack_index(tmp_path / "new"))
