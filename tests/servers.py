"""Servers that a test needs, and disks of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scripts.dev_server import ServerUnavailableError

__all__ = ["needed", "small_disk"]


@contextmanager
def needed() -> Iterator[None]:
    """Around the start of a server: in CI it must run, elsewhere what is missing is the reason for a skip."""
    try:
        yield
    except ServerUnavailableError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory at `folder`, `size` as mount writes it; a skip where none may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
    mounted = subprocess.run(command, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"cannot mount a tmpfs here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
