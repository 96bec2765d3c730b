"""Whether a table has columns to tag, told before the first row."""

from __future__ import annotations

from collections.abc import Sequence

from skillstream.errors import SourceError
from skillstream.postings import FieldMapping, has_posting_fields

__all__ = ["check_columns"]


def check_columns(path: str, columns: Sequence[str], fields: FieldMapping) -> None:
    """Raises `SourceError` if a mapped field has no column, or if no column holds a title or text."""
    for option, name in (("id", fields.id), ("title", fields.title), ("text", fields.text)):
        if name is not None and name not in columns and name.split(".")[0] not in columns:
            raise SourceError(f"{path}: no column {name!r} for --{option}-field; it has {_listed(columns)}")
    if fields.title is not None or fields.text is not None or fields.records_path is not None:
        return
    if not has_posting_fields(columns):
        raise SourceError(
            f"{path}: no column with a title or description; it has {_listed(columns)}; "
            "name one with --title-field or --text-field"
        )


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in columns[:10])
    return shown if len(columns) <= 10 else f"{shown} and {len(columns) - 10} more"
