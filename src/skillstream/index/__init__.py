"""The skills index: vectors of a taxonomy's labels for one model, in a versioned folder."""

from __future__ import annotations

from skillstream.index.cached import default_index, default_index_folder
from skillstream.index.package import IndexPackage, pack_index, unpack_index
from skillstream.index.skills_index import (
    SkillsIndex,
    build_index,
    check_model,
    index_summary,
    load_index,
    save_index,
)
from skillstream.index.versions import current_version

__all__ = [
    "IndexPackage",
    "SkillsIndex",
    "build_index",
    "check_model",
    "current_version",
    "default_index",
    "default_index_folder",
    "index_summary",
    "load_index",
    "pack_index",
    "save_index",
    "unpack_index",
]
