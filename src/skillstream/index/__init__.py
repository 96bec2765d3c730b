"""The skills index: vectors of a taxonomy's labels for one model, in a versioned folder."""

from __future__ import annotations

from skillstream.index.cached import default_index, default_index_folder, index_folder
from skillstream.index.package import IndexPackage, load_package, pack_index, unpack_index
from skillstream.index.skills_index import (
    SkillsIndex,
    build_index,
    check_fingerprint,
    check_model,
    index_summary,
    load_index,
    save_index,
)
from skillstream.index.versions import IndexInfo, current_version, read_info

__all__ = [
    "IndexInfo",
    "IndexPackage",
    "SkillsIndex",
    "build_index",
    "check_fingerprint",
    "check_model",
    "current_version",
    "default_index",
    "default_index_folder",
    "index_folder",
    "index_summary",
    "load_index",
    "load_package",
    "pack_index",
    "read_info",
    "save_index",
    "unpack_index",
]
