"""Which skills does every job posting ask for? Ranked, with evidence, exactly once.

    >>> import skillstream
    >>> tagger = skillstream.Tagger.load()                                      # doctest: +SKIP
    >>> tagger.tag({"title": "Data engineer", "description": "Python, SQL"})    # doctest: +SKIP

The names below are the public Python API; the Beam component is `skillstream.transforms`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from skillstream.version import __version__

if TYPE_CHECKING:
    from skillstream.encoder import Encoder, load_encoder
    from skillstream.errors import RunError, SkillstreamError, UsageError
    from skillstream.index import SkillsIndex, build_index, load_index, save_index
    from skillstream.postings import JobPosting
    from skillstream.rejections import Rejection, RejectionCode
    from skillstream.rows import ROW_SCHEMA, Row, Tag
    from skillstream.tagging import Explanation, FilesConfig, PostingRejectedError, TagConfig, Tagger
    from skillstream.taxonomy import Skill, Taxonomy, load_taxonomy

# Imported on first use: `import skillstream` stays quick and loads neither torch nor OpenVINO.
_HOME = {
    "Encoder": "encoder",
    "Explanation": "tagging",
    "FilesConfig": "tagging",
    "JobPosting": "postings",
    "PostingRejectedError": "tagging",
    "ROW_SCHEMA": "rows",
    "Rejection": "rejections",
    "RejectionCode": "rejections",
    "Row": "rows",
    "RunError": "errors",
    "Skill": "taxonomy",
    "SkillsIndex": "index",
    "SkillstreamError": "errors",
    "Tag": "rows",
    "TagConfig": "tagging",
    "Tagger": "tagging",
    "Taxonomy": "taxonomy",
    "UsageError": "errors",
    "build_index": "index",
    "load_encoder": "encoder",
    "load_index": "index",
    "load_taxonomy": "taxonomy",
    "save_index": "index",
}

__all__ = [  # noqa: RUF022 - grouped by what they are for
    "Tagger",
    "TagConfig",
    "FilesConfig",
    "Tag",
    "Row",
    "ROW_SCHEMA",
    "JobPosting",
    "Explanation",
    "Rejection",
    "RejectionCode",
    "Encoder",
    "load_encoder",
    "Taxonomy",
    "Skill",
    "load_taxonomy",
    "SkillsIndex",
    "build_index",
    "save_index",
    "load_index",
    "SkillstreamError",
    "UsageError",
    "RunError",
    "PostingRejectedError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'skillstream' has no attribute {name!r}")
    return getattr(import_module(f"skillstream.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
