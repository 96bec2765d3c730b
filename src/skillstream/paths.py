"""Where skillstream keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """The user's cache folder for skillstream; `SKILLSTREAM_CACHE_DIR` overrides it. It may not exist yet."""
    chosen = os.environ.get("SKILLSTREAM_CACHE_DIR")
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path("skillstream")
