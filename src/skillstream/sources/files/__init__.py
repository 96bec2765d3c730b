"""Files as chunks of records: inputs, the plan that cuts them, a decoder and a reader for each format."""

from __future__ import annotations

from skillstream.delimited import CsvOptions
from skillstream.sources.files.first_records import check_named_fields
from skillstream.sources.files.formats import ReadOptions
from skillstream.sources.files.inputs import input_kind
from skillstream.sources.files.inspect_files import Dialect, FileReport, FilesReport, inspect_files
from skillstream.sources.files.one_record import read_record
from skillstream.sources.files.plan import RANGE_BYTES, FilePlan, FileRange, plan_files
from skillstream.sources.files.reader import SourceReadError, read_chunks
from skillstream.sources.files.standard_input import STANDARD_INPUT, spooled

__all__ = [
    "RANGE_BYTES",
    "STANDARD_INPUT",
    "CsvOptions",
    "Dialect",
    "FilePlan",
    "FileRange",
    "FileReport",
    "FilesReport",
    "ReadOptions",
    "SourceReadError",
    "check_named_fields",
    "input_kind",
    "inspect_files",
    "plan_files",
    "read_chunks",
    "read_record",
    "spooled",
]
