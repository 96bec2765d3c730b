"""Whether the first records of each file have the fields that the user names, told before the first row."""

from __future__ import annotations

from skillstream.errors import SourceError
from skillstream.postings import FieldMapping, missing_fields
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.plan import FilePlan
from skillstream.sources.files.reader import read_chunks

__all__ = ["check_named_fields"]


def check_named_fields(plan: FilePlan, fields: FieldMapping, max_rows: int) -> None:
    """Reads the first chunk of each file if a field is named. Rejected rows are not looked at.

    Raises:
        SourceError: no record of a file's first chunk has a field that `fields` names.
    """
    if fields.id is None and fields.title is None and fields.text is None:
        return
    for file_range in plan.ranges:
        if file_range.partition != 0:
            continue
        try:
            chunk = next(read_chunks(file_range, file_range.start, max_rows), None)
        except SourceReadError:
            continue  # the run itself will tell
        records = () if chunk is None else chunk.records
        for line in missing_fields((r.payload for r in records if r.rejection is None), fields):
            raise SourceError(f"{file_range.path}: {line}")
