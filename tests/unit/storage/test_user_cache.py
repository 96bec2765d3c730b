"""Where things are kept, also on a machine where nothing can be written."""

import subprocess
import sys
from pathlib import Path

from skillstream.storage.user_cache import writable_folder


def test_a_folder_that_can_be_written_is_used_and_stays_empty(tmp_path):
    assert writable_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_the_temporary_folder_is_private_and_goes_with_its_process(tmp_path):
    (tmp_path / "file").write_text("")
    code = (
        "import pathlib, sys; from skillstream.storage.user_cache import writable_folder; "
        "folder = writable_folder(pathlib.Path(sys.argv[1]) / 'indexes'); "
        "(folder / 'x').write_text('y'); print(folder, oct(folder.parent.stat().st_mode)[-3:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "file")], capture_output=True, text=True, check=True
    )
    folder, mode = done.stdout.split()
    assert (Path(folder).name, mode) == ("indexes", "700")
    assert not Path(folder).parent.exists()
    assert "SKILLSTREAM_CACHE_DIR" in done.stderr
