"""Where skillstream keeps what it can make again."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "check_writable", "temporary_folder", "writable_folder"]

logger = logging.getLogger(__name__)


def cache_folder() -> Path:
    """The user's cache folder for skillstream; `SKILLSTREAM_CACHE_DIR` overrides it. It may not exist yet."""
    chosen = os.environ.get("SKILLSTREAM_CACHE_DIR")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("skillstream")


def check_writable(folder: Path) -> None:
    """Makes the folder if it is missing and writes to it, leaving nothing.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"0")


def writable_folder(folder: Path) -> Path:
    """`folder`, or one of the same name in `temporary_folder` if it cannot be written."""
    try:
        check_writable(folder)
    except OSError:
        folder = temporary_folder() / folder.name
        folder.mkdir(exist_ok=True)
    return folder


@cache
def temporary_folder() -> Path:
    """A private folder of this process, for when the cache cannot be written; removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="skillstream-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    logger.warning(
        "the cache folder %s cannot be written: using %s while this process runs; "
        "set SKILLSTREAM_CACHE_DIR to a folder that can be written",
        cache_folder(),
        folder,
    )
    return folder
