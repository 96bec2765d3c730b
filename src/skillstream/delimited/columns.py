"""Rows by the names of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["filled_row"]


def filled_row(names: Sequence[str], values: Iterable[Any]) -> dict[str, Any]:
    """A row by column names; of columns with the same name the first that is not blank counts."""
    row: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        if name not in row or _is_blank(row[name]):
            row[name] = value if name not in row or not _is_blank(value) else row[name]
    return row


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
