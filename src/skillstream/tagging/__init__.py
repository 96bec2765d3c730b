"""Where all rooms meet: configuration, the tagger, what a worker holds, replay."""

from __future__ import annotations

from skillstream.tagging.config import FilesConfig, TagConfig, taxonomy_names
from skillstream.tagging.made_rows import model_version, taxonomy_version
from skillstream.tagging.start import Start, start_job
from skillstream.tagging.stream_config import StreamConfig
from skillstream.tagging.tagger import Explanation, PostingRejectedError, Tagger
from skillstream.tagging.worker import TagWorker

__all__ = [
    "Explanation",
    "FilesConfig",
    "PostingRejectedError",
    "Start",
    "StreamConfig",
    "TagConfig",
    "TagWorker",
    "Tagger",
    "model_version",
    "start_job",
    "taxonomy_names",
    "taxonomy_version",
]
