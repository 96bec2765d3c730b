"""Names of temporary files that say whose they are, so that a sweep knows whether their writer is alive.

    .<host>-<pid>-<start>-<random>.tmp

`host` is a digest of all that a process number needs to mean one process: machine, start of the machine,
namespace of process numbers. All plain Linux hosts have the same number of a namespace, cloned ones the same
name, and containers of one host may have different ones: so it is all of these. `start` tells a process from
an earlier one with its number.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets
import socket
import uuid
from pathlib import Path

__all__ = ["is_temporary", "temporary_name", "writer_is_alive"]

_NAME = re.compile(r"\.(?P<host>[0-9a-f]{16})-(?P<pid>\d+)-(?P<start>\d+)-[0-9a-f]{16}\.tmp")
# As earlier versions named them; of these no more is known than that they are temporary.
_EARLIER = re.compile(r"\..+-\d+-[0-9a-f]{16}\.tmp")


def temporary_name() -> str:
    """A new name for a file of this process."""
    pid = os.getpid()
    return f".{_host()}-{pid}-{_start(pid)}-{secrets.token_hex(8)}.tmp"


def is_temporary(name: str) -> bool:
    """Whether a file was named by `temporary_name`, here or elsewhere, in this or an earlier version."""
    return bool(_NAME.fullmatch(name) or _EARLIER.fullmatch(name))


def writer_is_alive(name: str) -> bool | None:
    """Whether the process that named a file is still there; `None` if that cannot be known from here."""
    match = _NAME.fullmatch(name)
    if match is None or match["host"] != _host():
        return None
    pid = int(match["pid"])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # somebody else's, or no process number at all
        return None
    if match["start"] == "0":
        return None
    return match["start"] == str(_start(pid))


@functools.cache
def _host() -> str:
    facts = (
        socket.gethostname(),
        _text("/proc/sys/kernel/random/boot_id") or str(uuid.getnode()),
        _namespace(),
    )
    return hashlib.sha256("\0".join(facts).encode()).hexdigest()[:16]


def _namespace() -> str:
    """The namespace of process numbers, as the kernel names it."""
    try:
        return os.readlink("/proc/self/ns/pid")  # noqa: PTH115 (no file there)
    except OSError:
        return ""


def _start(pid: int) -> int:
    """When the process began, in ticks since the machine did; 0 where that is not known."""
    stat = _text(f"/proc/{pid}/stat")
    # The program's name comes in parentheses and may hold anything.
    return int(stat.rpartition(")")[2].split()[19]) if stat else 0


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace").strip()
    except OSError:
        return ""
