"""The options of a job, as frozen dataclasses: one declaration for the CLI, Beam's flags and Python.

Every field carries its help text. `skillstream.cli.options` makes click options of them,
`skillstream.pipelines.command` makes Beam flags of them, and both end up here, where values are checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skillstream.encoder.load import BACKENDS, PRECISIONS
from skillstream.errors import UsageError
from skillstream.options import at_least, check_options, option
from skillstream.postings import FEED_NAMES, FieldMapping, language_code
from skillstream.sources.files import CsvOptions, ReadOptions
from skillstream.taxonomy import DEFAULT_TAXONOMIES

__all__ = ["FilesConfig", "TagConfig", "taxonomy_names"]

BUILT_IN_MODELS = frozenset({"default", "base"})  # English


def taxonomy_names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Names and paths of taxonomies, each once; "esco,technologies" names two, unless there is such a file.

    Raises:
        UsageError: one of them is empty, or none is given.
    """
    several = [given] if isinstance(given, str) else given
    names = [name for one in several for name in ([one] if Path(one).exists() else one.split(","))]
    if not names or not all(name.strip() for name in names):
        raise UsageError("--taxonomy is empty: give 'esco', 'technologies' or a path")
    return tuple(dict.fromkeys(name.strip() for name in names))


@dataclass(frozen=True, kw_only=True)
class TagConfig:
    """How postings are tagged, wherever they come from and go to.

    Raises:
        UsageError: a value is out of its range.
    """

    model: str = option(
        "default",
        "Encoder model: 'default', 'base', a sentence-transformers folder (local or s3://...) or a hub id.",
    )
    backend: str = option(
        "auto",
        "Library that runs the encoder; 'auto' is the fastest one on a CPU, and torch on a CUDA GPU.",
        choices=("auto", *BACKENDS),
    )
    precision: str = option(
        "auto",
        "Numeric precision of the encoder; 'auto' is the most exact of the fastest ones, measured on this "
        "machine.",
        choices=PRECISIONS,
    )
    taxonomy: tuple[str, ...] = option(
        DEFAULT_TAXONOMIES,
        "Skill taxonomy: 'esco', 'technologies', or a file or folder (ESCO, O*NET, CSV, Parquet or JSONL). "
        "Repeat the option, or separate names by commas, to tag with several.",
    )
    index: str | None = option(
        None,
        "Folder or address of a prebuilt skills index (see `skillstream index build`); overrides --taxonomy.",
    )
    top_k: int = option(20, "Maximum number of tags per posting.")
    min_confidence: float | None = option(
        None,
        "Drop tags whose confidence is below this value, in [0, 1]. The default of the default model is 0.6, "
        "where 88 % of the tags were right on judged postings.",
    )
    granularity: str = option(
        "sentence",
        "Text that is compared with each skill: 'sentence' takes the posting's best sentence, 'posting' its "
        "first 256 tokens.",
        choices=("sentence", "posting"),
    )
    languages: str | None = option(
        None,
        "Languages (ISO 639 codes, separated by commas) that the model and the taxonomy serve; postings in "
        "another language get technologies named word for word and nothing else. The default is 'en' for the "
        "built-in models and any language for others.",
    )
    id_field: str | None = option(
        None, "Field that holds the posting's id, such as job.id if it is nested; default: well-known names."
    )
    title_field: str | None = option(None, "Field that holds the posting's title; default: well-known names.")
    text_field: str | None = option(
        None, "Field that holds the posting's description, plain or HTML; default: well-known names."
    )
    feed: str | None = option(
        None,
        "Feed that the records are of, such as lever (see docs/reference/feeds.md); default: each record's "
        "own fields tell.",
    )
    records_path: str | None = option(
        None,
        "Path of the list that holds the postings of a .json file, such as jobs or data.items; default: "
        "found where it is certain. In other sources a record may hold one posting there.",
    )
    max_record_bytes: int = option(
        10_000_000, "Maximum bytes per record; a larger record becomes a rejected row."
    )
    cache_sentences: int = option(
        100_000, "Maximum number of sentences whose results are cached in memory (under 1 KB each)."
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.index is not None and not self.index.strip():
            raise UsageError("--index is empty: name the folder of an index, or leave the option out")
        object.__setattr__(self, "taxonomy", taxonomy_names(self.taxonomy))
        if self.feed is not None and self.feed not in FEED_NAMES:
            raise UsageError(f"--feed must be one of {', '.join(FEED_NAMES)}, got {self.feed!r}")
        for name, path in (("records-path", self.records_path), ("text-field", self.text_field)):
            if path is not None and not path.strip():
                raise UsageError(f"--{name} is empty: name a field, or leave the option out")
        at_least("top-k", self.top_k, 1)
        at_least("max-record-bytes", self.max_record_bytes, 1)
        at_least("cache-sentences", self.cache_sentences, 0)
        codes = () if self.languages is None else self.languages.split(",")
        if not all(language_code(code) for code in codes):
            raise UsageError(f"--languages must be codes such as 'en,de', got {self.languages!r}")
        if self.min_confidence is not None and not 0.0 <= self.min_confidence <= 1.0:
            raise UsageError(f"--min-confidence must lie in [0, 1], got {self.min_confidence}")

    @property
    def served_languages(self) -> frozenset[str] | None:
        """ISO 639 codes of the languages that are served; `None`: all."""
        if self.languages is not None:
            return frozenset(filter(None, map(language_code, self.languages.split(","))))
        return frozenset({"en"}) if self.model in BUILT_IN_MODELS else None

    @property
    def fields(self) -> FieldMapping:
        """Where in a record the posting is, and which of its fields hold id, title and text."""
        return FieldMapping(
            id=self.id_field,
            title=self.title_field,
            text=self.text_field,
            feed=self.feed,
            records_path=self.records_path,
        )


@dataclass(frozen=True, kw_only=True)
class FilesConfig(TagConfig):
    """`skillstream tag`: files in, Parquet out."""

    output: str = option(
        "",
        "Folder or address (s3://, gs://, az://) to write Parquet files to; an existing output is resumed.",
        required=True,
    )
    encoding: str | None = option(
        None,
        "Encoding of the text files, such as cp1252 or utf-16; default: UTF-8, or what an XML file says.",
    )
    csv_delimiter: str | None = option(
        None, "Character between the cells of CSV files; default: found in their first lines."
    )
    csv_quote: str | None = option(
        None, "Character around quoted cells, '' if there is none; default: found in the first lines."
    )
    csv_escape: str | None = option(
        None,
        "Character that makes a quote within quotes one of the text, beside doubling it; '' if there is none "
        "but that; default: found in the first lines.",
    )
    max_chunk_rows: int = option(
        200, "Maximum rows per Parquet file, which is also the most work that a kill can cost."
    )
    force: bool = option(
        False, "Resume although run.json in the output says that it was made with another taxonomy."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("max-chunk-rows", self.max_chunk_rows, 1)
        self.reading.check()

    @property
    def reading(self) -> ReadOptions:
        """How files are read."""
        return ReadOptions(self.encoding, CsvOptions(self.csv_delimiter, self.csv_quote, self.csv_escape))
