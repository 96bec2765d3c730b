"""The contract with readers: folders, files, run.json, and the chain that makes every row appear once."""

from __future__ import annotations

from skillstream.output.chain import Chain, PublishResult, sweep
from skillstream.output.chain_check import verify_chain
from skillstream.output.chain_file import FileFormatError, decode_header, decode_table
from skillstream.output.chain_tail import ChainTail
from skillstream.output.layout import (
    RUN_FILE,
    TAGS_FOLDER,
    Partition,
    PublishedFile,
    chain_name,
    check_layout,
    files,
    holds_output,
    restart_mark,
)
from skillstream.output.run_info import (
    RunInfo,
    open_run,
    read_run,
    source_paths,
    taxonomy_identity,
    versions,
    without_secrets,
    without_user,
)
from skillstream.output.summary import (
    RunSummary,
    SourceSummary,
    StreamSummary,
    title_only_line,
    unread_times_line,
)

__all__ = [
    "RUN_FILE",
    "TAGS_FOLDER",
    "Chain",
    "ChainTail",
    "FileFormatError",
    "Partition",
    "PublishResult",
    "PublishedFile",
    "RunInfo",
    "RunSummary",
    "SourceSummary",
    "StreamSummary",
    "chain_name",
    "check_layout",
    "decode_header",
    "decode_table",
    "files",
    "holds_output",
    "open_run",
    "read_run",
    "restart_mark",
    "source_paths",
    "sweep",
    "taxonomy_identity",
    "title_only_line",
    "unread_times_line",
    "verify_chain",
    "versions",
    "without_secrets",
    "without_user",
]
