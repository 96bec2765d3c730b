"""What only some installations have: one clear line where it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from skillstream.errors import ModelError, UsageError
from skillstream.offline import offline

__all__ = ["needs_extra", "needs_torch"]


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Around imports that need the extra by this name, for `what`.

    Raises:
        UsageError: it is not installed.
    """
    try:
        yield
    except ImportError as error:
        raise UsageError(f"{what} needs pip install 'skillstream[{extra}]' ({error})") from error


@contextmanager
def needs_torch(what: str, instead: str = "") -> Iterator[None]:
    """Around imports that need the extra `torch`: `what` needs it, and `instead` is another way.

    They ask no hub (`offline`).

    Raises:
        ModelError: the extra, or a part of it, is not installed.
    """
    try:
        with offline():
            yield
    except ImportError as error:
        remedy = "pip install 'skillstream[torch]'" + (f", or {instead}" if instead else "")
        raise ModelError(f"{what} needs torch: {remedy} ({error})") from error
