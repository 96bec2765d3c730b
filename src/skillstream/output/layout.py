"""The layout of an output folder: names of its folders and files."""

from __future__ import annotations

import re
from urllib.parse import quote

__all__ = ["FILE_NAME", "ROOT_NAME", "RUN_FILE", "TAGS_FOLDER", "file_name", "partition_folder"]

TAGS_FOLDER = "tags"


RUN_FILE = "run.json"
ROOT_NAME = "_start"


FILE_NAME = re.compile(r"^(\d{20})\.parquet$")


def partition_folder(source: str, partition: int) -> str:
    """The folder of a partition's files, relative to the output folder, hive-partitioned."""
    if not source:
        raise ValueError("expected a source's name, got an empty one")
    return f"{TAGS_FOLDER}/source={quote(source, safe='')}/partition={partition:05d}"


def file_name(start: int) -> str:
    return f"{start:020d}.parquet"
