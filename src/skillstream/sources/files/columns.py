"""Columns of tables: whether there are any to tag, told before the first row, and which hold text."""

from __future__ import annotations

from collections.abc import Sequence

from skillstream.errors import SourceError
from skillstream.postings import FieldMapping, has_posting_fields

__all__ = ["check_columns", "text_columns"]


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


def text_columns(columns: Sequence[str], fields: FieldMapping) -> tuple[str, ...]:
    """The columns that a posting's title, text or id is read from, as far as their names tell."""
    mapped = {
        name for path in (fields.id, fields.title, fields.text) if path for name in (path, path.split(".")[0])
    }
    return tuple(
        dict.fromkeys([*(name for name in columns if name in mapped), *filter(_is_well_known, columns)])
    )


def _is_well_known(name: str) -> bool:
    return has_posting_fields([name])


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(repr(name[:40]) for name in columns[:10])
    return shown if len(columns) <= 10 else f"{shown} and {len(columns) - 10} more"
