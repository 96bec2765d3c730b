"""docs/reference/schema.md: columns, sections and error codes with their meanings, all from the source code.

A column's meaning is its line below `Attributes:` in `skillstream.rows`, a section's or a code's the comment
behind it. What has none is an error, so the page cannot fall behind.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from enum import StrEnum

import pyarrow as pa

from skillstream.postings.sections import Section
from skillstream.rejections import RejectionCode
from skillstream.rows import ROW_SCHEMA, Row, RowError, Tag

__all__ = ["attribute_meanings", "member_meanings", "schema_page"]

# Columns that hold structs, and the class whose docstring tells of their fields.
NESTED = {"skills": Tag, "error": RowError}


def attribute_meanings(described: type) -> dict[str, str]:
    """What a docstring of Google's style says below `Attributes:`, by name; `start, end: ...` is for both."""
    _, _, section = inspect.cleandoc(described.__doc__ or "").partition("Attributes:\n")
    found = {}
    for entry in re.split(r"\n(?= {4}\S)", section.partition("\n\n")[0].rstrip()):
        names, _, meaning = entry.strip().partition(": ")
        for name in names.split(", "):
            found[name] = " ".join(meaning.split())
    return found


def member_meanings(described: type[StrEnum]) -> dict[str, str]:
    """The comments behind an enumeration's members, by value."""
    lines = re.findall(r'^ +[A-Z_0-9]+ = "(\w+)" +# (.+)$', inspect.getsource(described), re.MULTILINE)
    return dict(lines)


def columns() -> Iterator[tuple[str, pa.DataType, bool, str]]:
    """Name, type, whether it may be null, and meaning of every column and nested field.

    Raises:
        KeyError: one has no meaning.
    """
    meanings = attribute_meanings(Row)
    for column in ROW_SCHEMA:
        yield column.name, column.type, column.nullable, meanings[column.name]
        is_list = pa.types.is_list(column.type)
        inner = column.type.value_type if is_list else column.type
        if pa.types.is_struct(inner):
            dotted = {f"{column.name}.{name}": text for name, text in _nested(column.name).items()}
            for item in inner:
                text = (dotted | meanings)[f"{column.name}.{item.name}"]
                yield f"{column.name}{'[]' if is_list else ''}.{item.name}", item.type, item.nullable, text


def schema_page() -> str:
    """The page, but for the note that it is generated."""
    lines = ["# The Parquet files\n\nOne row per record, tagged or rejected.\n\n## Columns\n"]
    lines += ["| column | type | null? | meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | {_type(kind)} | {'yes' if nullable else ''} | {_cell(meaning)} |"
        for name, kind, nullable, meaning in columns()
    ]
    for title, described in (
        ("## Sections\n\nValues of `skills[].section`.", Section),
        ("## Error codes\n\nValues of `error.code`.", RejectionCode),
    ):
        meanings = member_meanings(described)
        lines += [
            f"\n{title}\n",
            f"| {'section' if described is Section else 'code'} | meaning |",
            "|---|---|",
        ]
        lines += [f"| `{member}` | {_cell(meanings[member])} |" for member in described]
    return "\n".join(lines) + "\n"


def _nested(column: str) -> dict[str, str]:
    return attribute_meanings(NESTED[column]) if column in NESTED else {}


def _type(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return "struct"
    if pa.types.is_list(kind):
        return f"list of {_type(kind.value_type)}s"
    return str(kind)


def _cell(meaning: str) -> str:
    return meaning.replace("`None`", "null").replace("|", r"\|")
