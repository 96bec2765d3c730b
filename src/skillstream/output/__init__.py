"""The contract with readers: folders, files, run.json, and the chain that makes every row appear once."""

from __future__ import annotations

from skillstream.output.chain import Chain, PublishResult, sweep
from skillstream.output.chain_check import verify_chain
from skillstream.output.chain_file import FileFormatError, decode_header, decode_table
from skillstream.output.layout import FILE_NAME, RUN_FILE, TAGS_FOLDER, partition_folder
from skillstream.output.run_info import (
    RunInfo,
    open_run,
    read_run,
    taxonomy_identity,
    versions,
    without_secrets,
)
from skillstream.output.summary import RunSummary, SourceSummary, StreamSummary

__all__ = [
    "FILE_NAME",
    "RUN_FILE",
    "TAGS_FOLDER",
    "Chain",
    "FileFormatError",
    "PublishResult",
    "RunInfo",
    "RunSummary",
    "SourceSummary",
    "StreamSummary",
    "decode_header",
    "decode_table",
    "open_run",
    "partition_folder",
    "read_run",
    "sweep",
    "taxonomy_identity",
    "verify_chain",
    "versions",
    "without_secrets",
]
