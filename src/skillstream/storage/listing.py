"""Listings by pages: what a store gives in one answer, and how a reader of pages knows the end."""

from __future__ import annotations

import bisect
from collections.abc import Sequence

__all__ = ["PAGE", "first_after"]

# Names in one answer to a listing: what the object stores give at most.
PAGE = 1000


def first_after(names: Sequence[str], prefix: str, after: str = "") -> list[str]:
    """Of sorted names the first ones that begin with `prefix`, are longer, and come after `after`.

    At most `PAGE`; fewer are all that there are.

    Args:
        names: in order.
        prefix: what they begin with.
        after: the last name that is not wanted.
    """
    first = bisect.bisect_right(names, max(prefix, after))
    found = []
    for name in names[first : first + PAGE]:
        if not name.startswith(prefix):
            break
        found.append(name)
    return found
