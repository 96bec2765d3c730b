"""What a job is told to do, as frozen dataclasses: one declaration for the CLI, Beam's flags and Python.

Every field carries its help text. `skillstream.cli.options` makes click options of them,
`skillstream.pipelines.options` makes Beam flags of them, and both end up here, where values are checked.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from skillstream.errors import UsageError
from skillstream.options import at_least, option
from skillstream.postings import FieldMapping

__all__ = ["FilesConfig", "TagConfig"]


@dataclass(frozen=True, kw_only=True)
class TagConfig:
    """How postings are tagged, wherever they come from and go to.

    Raises:
        UsageError: a value is out of its range.
    """

    model: str = option(
        "default", "Encoder: 'default', 'base', a sentence-transformers folder (also s3://...) or a hub id."
    )
    backend: str = option(
        "auto",
        "What runs the encoder; auto: OpenVINO on CPU, torch on CUDA.",
        choices=("auto", "openvino", "torch"),
    )
    taxonomy: str = option("esco", "Skills: 'esco' or a file or folder (ESCO, O*NET, CSV, Parquet, JSONL).")
    index: str | None = option(
        None, "Prebuilt skills index, also s3://... (see `skillstream index build`); wins over --taxonomy."
    )
    top_k: int = option(20, "At most so many tags a posting.")
    min_confidence: float | None = option(
        None, "Drop tags below this confidence, in [0, 1]; default: where F1 was best on development data."
    )
    granularity: str = option(
        "sentence",
        "sentence: the best sentence for each skill; posting: the first 256 tokens of the posting.",
        choices=("sentence", "posting"),
    )
    id_field: str | None = option(None, "Field that holds the posting's id, dotted for nested ones.")
    title_field: str | None = option(None, "Field that holds the title.")
    text_field: str | None = option(None, "Field that holds the description, plain or HTML.")
    max_record_bytes: int = option(10_000_000, "Larger records become rejected rows.")
    cache_sentences: int = option(100_000, "Sentences whose result is kept in memory (under 1 KB each).")

    def __post_init__(self) -> None:
        if self.index is not None and not self.index.strip():
            raise UsageError("--index is empty: name the folder of an index, or leave the option out")
        if not self.taxonomy.strip():
            raise UsageError("--taxonomy is empty: give 'esco' or a path")
        at_least("top-k", self.top_k, 1)
        at_least("max-record-bytes", self.max_record_bytes, 1)
        at_least("cache-sentences", self.cache_sentences, 0)
        if self.min_confidence is not None and not 0.0 <= self.min_confidence <= 1.0:
            raise UsageError(f"--min-confidence must lie in [0, 1], got {self.min_confidence}")
        for item in dataclasses.fields(self):
            choices = item.metadata.get("choices")
            if choices and getattr(self, item.name) not in choices:
                raise UsageError(
                    f"--{item.name.replace('_', '-')} must be one of {', '.join(choices)}, "
                    f"got {getattr(self, item.name)!r}"
                )

    @property
    def fields(self) -> FieldMapping:
        """Which fields of a record hold id, title and text."""
        return FieldMapping(id=self.id_field, title=self.title_field, text=self.text_field)


@dataclass(frozen=True, kw_only=True)
class FilesConfig(TagConfig):
    """`skillstream tag`: files in, Parquet out."""

    output: str = option(
        None,
        "Folder, or s3://, gs://, az:// address, for the Parquet files; the same one again resumes.",
    )
    max_chunk_rows: int = option(
        200, "Rows a published file holds at most; also what a kill can cost in work."
    )
    force: bool = option(
        False, "Go on although run.json in the output says it was made with another taxonomy."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output:
            raise UsageError("--output is missing: name a folder for the Parquet files")
        at_least("max-chunk-rows", self.max_chunk_rows, 1)
