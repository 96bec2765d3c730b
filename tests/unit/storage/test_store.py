import errno
import os
import stat

import pytest

from skillstream.errors import OutputError, RunError
from skillstream.storage import local_store as store_module
from skillstream.storage.store import LocalStore, open_store


def everything_in(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


class FailAt(LocalStore):
    """A file system on which one step fails with an error number."""

    def __init__(self, root, step, number):
        super().__init__(root)
        self._fail = step, number

    def _check(self, step, *paths):
        if self._fail[0] == step:
            raise OSError(self._fail[1], os.strerror(self._fail[1]), str(paths[0]), None, str(paths[-1]))

    def _make_folder(self, folder):
        self._check("make_folder", folder)
        super()._make_folder(folder)

    def _write(self, temporary, data):
        temporary.write_bytes(data[: len(data) // 2])
        self._check("write", temporary)
        temporary.unlink()
        super()._write(temporary, data)

    def _link(self, temporary, target):
        self._check("link", temporary, target)
        return super()._link(temporary, target)


def test_a_file_is_created_once_and_read_whole(tmp_path):
    store = LocalStore(tmp_path / "new" / "folder")
    assert store.read("a/b/c") is None
    assert store.names("a/b") == []
    assert store.create("a/b/c", b"first")
    assert not store.create("a/b/c", b"second")
    assert store.read("a/b/c") == b"first"
    assert store.names("a") == ["b"]
    assert everything_in(tmp_path) == [tmp_path / "new/folder/a/b/c"]


def test_names_with_a_prefix_share_one_listing_for_a_while(tmp_path, monkeypatch):
    store = LocalStore(tmp_path)
    for name in ("t/a.1", "t/b.1", "t/b.2", "t/ba.1", "t/c.1"):
        store.create(name, b"")
    now = [100.0]
    monkeypatch.setattr(store_module.time, "monotonic", lambda: now[0])
    assert store.names_after("t", "b.") == ["b.1", "b.2"]
    assert store.names_after("t", "d.") == []
    assert store.names_after("none", "b.") == store.names_after("t", "c.1") == []
    store.create("t/b.3", b"")
    assert LocalStore(tmp_path).names_after("t", "b.") == ["b.1", "b.2"]
    assert store.names("t") == ["a.1", "b.1", "b.2", "b.3", "ba.1", "c.1"]
    now[0] += store_module.LISTING_AGE_S
    assert store.names_after("t", "b.") == ["b.1", "b.2", "b.3"]


def test_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_return(tmp_path, monkeypatch):
    events = []
    fsync, link = os.fsync, os.link

    def watched_fsync(descriptor):
        events.append("fsync folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "fsync file")
        fsync(descriptor)

    def watched_link(source, target):
        events.append("link")
        link(source, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "link", watched_link)
    for name in ("a", "b"):
        events.clear()
        LocalStore(tmp_path).create(name, b"x")
        assert events[-3:] == ["fsync file", "link", "fsync folder"]
    assert len(events) == 3


@pytest.fixture
def synced(monkeypatch):
    """Folders in the order in which they were flushed to disk."""
    folders = []
    sync = store_module._sync

    def watched(folder):
        folders.append(folder)
        sync(folder)

    monkeypatch.setattr(store_module, "_sync", watched)
    return folders


def test_folders_made_on_the_way_are_durable(tmp_path, synced):
    LocalStore(tmp_path / "new").create("a/b/c", b"")
    assert synced[-4:] == [tmp_path, tmp_path / "new", tmp_path / "new/a", tmp_path / "new/a/b"]


def test_folders_that_others_made_are_durable_too(tmp_path, synced):
    """Whoever made them may have died before it synced the folders above."""
    (tmp_path / "new/a").mkdir(parents=True)
    LocalStore(tmp_path / "new").create("a/c", b"")
    assert synced[-3:] == [tmp_path, tmp_path / "new", tmp_path / "new/a"]
    assert tmp_path.parent in synced
    synced.clear()
    LocalStore(tmp_path / "new").create("a/d", b"")
    assert synced == [tmp_path / "new/a"]
    (tmp_path / "new/a").rename(tmp_path / "new/b")
    (tmp_path / "new/a").mkdir()  # another folder by that name
    LocalStore(tmp_path / "new").create("a/c", b"")
    assert tmp_path / "new" in synced


def test_folders_above_the_output_that_may_not_be_opened_are_passed_over(tmp_path, monkeypatch):
    sync = store_module._sync

    def refuses(folder):
        if folder == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        sync(folder)

    monkeypatch.setattr(store_module, "_sync", refuses)
    closed = tmp_path
    assert LocalStore(tmp_path / "new").create("a/b", b"")
    closed = tmp_path / "new"
    with pytest.raises(RunError, match="Permission denied"):
        LocalStore(tmp_path / "new").create("c/b", b"")


def test_no_reader_of_a_folder_ever_sees_a_temporary_file_in_it(tmp_path):
    seen = []

    class Watched(LocalStore):
        def _link(self, temporary, target):
            seen.append((temporary.parent, list((tmp_path / "tags").rglob("*.*"))))
            return super()._link(temporary, target)

    Watched(tmp_path).create("tags/a/b.parquet", b"x")
    assert seen == [(tmp_path, [])]


def test_a_lost_race_is_durable_too(tmp_path):
    """The winner may have died between link and fsync of the folder."""
    synced = []

    class Watched(LocalStore):
        def _sync_folder(self, folder):
            synced.append(folder)
            super()._sync_folder(folder)

    LocalStore(tmp_path).create("a", b"")
    Watched(tmp_path).create("a", b"")
    assert synced == [tmp_path]


def test_a_repeated_link_request_of_nfs_is_a_success(tmp_path, monkeypatch):
    link = os.link

    def link_twice(source, target):
        link(source, target)
        link(source, target)

    monkeypatch.setattr(os, "link", link_twice)
    assert LocalStore(tmp_path).create("a", b"mine")


@pytest.mark.parametrize(
    ("step", "number", "message"),
    [
        ("write", errno.ENOSPC, r"cannot write .*/t/x: No space left on device; nothing is lost: make room"),
        ("write", errno.EDQUOT, "make room and start again"),
        ("write", errno.EIO, "Input/output error"),
        ("link", errno.EPERM, "this file system has no hard links"),
        ("link", errno.ENOTSUP, "this file system has no hard links"),
        ("link", errno.ENOSPC, "make room"),
        ("make_folder", errno.EROFS, "Read-only file system; choose a folder that this user can write"),
        ("make_folder", errno.EACCES, "Permission denied; choose"),
    ],
)
def test_a_failing_disk_is_told_in_one_line_and_leaves_nothing(tmp_path, step, number, message):
    store = FailAt(tmp_path, step, number)
    with pytest.raises(RunError, match=message) as caught:
        store.create("t/x", b"0123456789")
    assert "\n" not in str(caught.value)
    assert everything_in(tmp_path) == []
    assert LocalStore(tmp_path).create("t/x", b"mended")


@pytest.mark.parametrize(
    ("step", "number"), [("write", errno.ENOSPC), ("link", errno.EPERM), ("make_folder", errno.EROFS)]
)
def test_a_probe_refuses_at_start_and_leaves_nothing(tmp_path, step, number):
    with pytest.raises(OutputError, match="cannot"):
        FailAt(tmp_path / "new", step, number).probe()
    assert list(tmp_path.iterdir()) == []


def test_a_probe_of_a_good_folder_leaves_it_empty(tmp_path):
    LocalStore(tmp_path / "new").probe()
    assert list((tmp_path / "new").iterdir()) == []


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Not a directory"):
        LocalStore(tmp_path / "file").probe()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="choose a folder"):
        LocalStore(tmp_path / "new").probe()


def test_an_address_of_an_unknown_kind_is_refused():
    with pytest.raises(OutputError, match="expected a folder"):
        open_store("ftp://host/folder")


def test_a_swept_temporary_file_publishes_nothing(tmp_path):
    class Swept(LocalStore):
        def _write(self, temporary, data):
            super()._write(temporary, data)
            temporary.unlink()

    with pytest.raises(RunError, match="cannot write"):
        Swept(tmp_path).create("a", b"x")
    assert LocalStore(tmp_path).create("a", b"y")


def test_the_mode_of_files_and_folders_is_the_umasks(tmp_path):
    before = os.umask(0o027)
    try:
        LocalStore(tmp_path / "new").create("a/b", b"x")
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / "new" / name).stat().st_mode) for name in ("", "a", "a/b")]
    assert modes == [0o750, 0o750, 0o640]


def test_shared_listings_of_folders_no_longer_asked_for_are_forgotten(tmp_path, monkeypatch):
    now = [1e6]
    monkeypatch.setattr(store_module.time, "monotonic", lambda: now[0])
    for number in range(1000):
        LocalStore(tmp_path / str(number)).names_after("t", "a.")
        now[0] += store_module.LISTING_AGE_S / 10
    assert len(store_module._LISTINGS) < 20


def test_what_was_synced_is_remembered_for_so_many_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "_MOST_SYNCED", 10)
    for number in range(50):
        LocalStore(tmp_path / str(number)).create("a", b"")
    assert len(store_module._SYNCED) <= 10
