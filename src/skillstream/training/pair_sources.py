"""Raw data sets to training pairs. One reader a layout; bad rows come out as `BadRow`, never as an exception.

esco=FILE.csv            descriptions and alternative labels → label (ESCO's own columns, or ours)
onet=FOLDER              tasks → work activities, tools → their kind (O*NET text files)
sentences=FILE.csv       `sentence` and `skills`, a list literal or one label (SkillSkape)
spans=FILE.jsonl         BIO-tagged tokens (SkillSpan): sentence → the words that name a skill
phrases=FILE.csv         `phrase` and `label`; `phrases=builtin` is the phrasebook of this package
pairs=FILE:ANCHOR:POSITIVE   two columns of any CSV, JSONL or Parquet file
"""

from __future__ import annotations

import ast
import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq

from skillstream.delimited import CsvOptions, csv_table, filled_row
from skillstream.errors import SourceError
from skillstream.training.pairs import BadRow, Kind, TrainingPair, make_pair

__all__ = ["SOURCE_KINDS", "PairSource", "parse_source", "read_pairs"]

Made = TrainingPair | BadRow
Row = Mapping[str, Any]

# Labels of SkillSkape and of other annotations that stand for "none".
NO_LABELS = frozenset({"", "UNK", "LABEL NOT PRESENT", "UNDERSPECIFIED"})
BATCH_ROWS = 10_000
BLOCK_BYTES = 1 << 20

# "Sentences" of SkillSpan can be the whole head of a posting, of which an encoder sees the beginning alone.
MAX_SPAN_TOKENS = 60


class PairSource(msgspec.Struct, frozen=True):
    """One input of `skillstream training-data`, as parsed from `kind=path`."""

    kind: str
    path: str
    anchor: str = ""
    positive: str = ""

    @property
    def name(self) -> str:
        """Stated in every pair: kind and file name, without the folder, which is nobody's business."""
        return f"{self.kind}:{Path(self.path).name}"


def parse_source(spec: str) -> PairSource:
    """`kind=path`, or `pairs=path:anchor column:positive column`.

    Raises:
        SourceError: an unknown kind, a missing file, or `pairs` without two columns.
    """
    kind, equals, path = spec.partition("=")
    if not equals or kind not in SOURCE_KINDS:
        raise SourceError(f"--source {spec!r}: expected KIND=PATH with KIND one of {', '.join(SOURCE_KINDS)}")
    anchor = positive = ""
    if kind == "pairs":
        parts = path.rsplit(":", 2)
        if len(parts) != 3 or not all(parts):
            raise SourceError(f"--source {spec!r}: expected pairs=PATH:ANCHOR_COLUMN:POSITIVE_COLUMN")
        path, anchor, positive = parts
    if not (kind == "phrases" and path == "builtin") and not Path(path).exists():
        raise SourceError(f"--source {spec!r}: no such file or folder")
    return PairSource(kind, path, anchor, positive)


def read_pairs(source: PairSource) -> Iterator[Made]:
    """Every row of a source as one or more pairs or `BadRow`s, in the order of the file.

    Raises:
        SourceError: the file lacks the columns of its kind, or is no file of that kind at all.
    """
    yield from SOURCE_KINDS[source.kind](source)


def _esco(source: PairSource) -> Iterator[Made]:
    for row in _rows(source, {"preferred_label"}, {"preferredLabel"}):
        label = row.get("preferred_label") or row.get("preferredLabel")
        description = row.get("description")
        if description:
            yield make_pair(description, label, Kind.DESCRIPTION, source.name)
        names = row.get("alt_labels") or row.get("altLabels") or ""
        for name in str(names).replace("\n", "|").split("|"):
            if name.strip():
                yield make_pair(name, label, Kind.ALTERNATIVE, source.name)


def _onet(source: PairSource) -> Iterator[Made]:
    folder = Path(source.path)
    statements: dict[str, str] = {}
    for row in _rows(source, {"Task ID", "Task"}, file=folder / "Task Statements.txt"):
        statements[str(row["Task ID"])] = str(row["Task"])
    activities = {
        str(row["DWA ID"]): str(row["DWA Title"])
        for row in _rows(source, {"DWA ID", "DWA Title"}, file=folder / "DWA Reference.txt")
    }
    for row in _rows(source, {"Task ID", "DWA ID"}, file=folder / "Tasks to DWAs.txt"):
        task, activity = statements.get(str(row["Task ID"])), activities.get(str(row["DWA ID"]), "")
        yield make_pair(task, activity.rstrip("."), Kind.TASK, source.name)
    for row in _rows(source, {"Example", "Commodity Title"}, file=folder / "Technology Skills.txt"):
        yield make_pair(row["Example"], row["Commodity Title"], Kind.TOOL, source.name)


def _sentences(source: PairSource) -> Iterator[Made]:
    for row in _rows(source, {"sentence", "skills"}, {"sentence", "label"}):
        labels = _labels(row.get("skills", row.get("label")))
        if labels is None:
            yield BadRow(source.name, "labels are no list")
            continue
        sentence = row["sentence"]
        for label in labels:
            if label.strip() not in NO_LABELS:
                yield make_pair(sentence.strip(' "') if isinstance(sentence, str) else sentence, label,
                                Kind.SENTENCE, source.name)  # fmt: skip


def _labels(value: object) -> list[str] | None:
    """A list, the literal of one, or one label; `None` if it is nothing of that kind."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    return None


def _spans(source: PairSource) -> Iterator[Made]:
    for row in _rows(source, {"tokens"}):
        tokens = row["tokens"]
        if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
            yield BadRow(source.name, "tokens are no list of texts")
            continue
        if len(tokens) > MAX_SPAN_TOKENS:
            yield BadRow(source.name, f"longer than {MAX_SPAN_TOKENS} tokens")
            continue
        found = {
            span: None for name in ("tags_skill", "tags_knowledge") for span in _bio(tokens, row.get(name))
        }
        for span in found:
            yield make_pair(" ".join(tokens), span, Kind.SPAN, source.name)


def _bio(tokens: list[str], tags: object) -> list[str]:
    """The texts that BIO tags mark; none if there are not as many tags as tokens."""
    if not isinstance(tags, list) or len(tags) != len(tokens):
        return []
    spans: list[list[str]] = []
    inside = False
    for token, tag in zip(tokens, tags, strict=True):
        if tag == "B" or (tag == "I" and not inside):
            spans.append([token])
        elif tag == "I":
            spans[-1].append(token)
        inside = tag in ("B", "I")
    return [" ".join(span) for span in spans]


def _phrases(source: PairSource) -> Iterator[Made]:
    if source.path == "builtin":
        phrasebook = resources.files("skillstream") / "data" / "training" / "phrasebook.csv"
        rows = _table_rows(iter([phrasebook.read_bytes()]), CsvOptions())
    else:
        rows = _rows(source, {"phrase", "label"})
    for row in rows:
        yield make_pair(row["phrase"], row["label"], Kind.PHRASE, source.name)


def _pairs(source: PairSource) -> Iterator[Made]:
    for row in _rows(source, {source.anchor, source.positive}):
        yield make_pair(row.get(source.anchor), row.get(source.positive), Kind.ROLE, source.name)


SOURCE_KINDS: Mapping[str, Callable[[PairSource], Iterator[Made]]] = {
    "esco": _esco,
    "onet": _onet,
    "sentences": _sentences,
    "spans": _spans,
    "phrases": _phrases,
    "pairs": _pairs,
}


def _rows(source: PairSource, *column_sets: set[str], file: Path | None = None) -> Iterator[Row]:
    """Rows of a file by its ending; those that cannot be read are `{}`-like rows that make a `BadRow`.

    Raises:
        SourceError: not one of `column_sets` is there, or the file cannot be opened.
    """
    path = file or Path(source.path)
    try:
        reader = _READERS[path.suffix.lower()]
    except KeyError:
        raise SourceError(f"{path}: unknown ending; expected one of {', '.join(_READERS)}") from None
    try:
        for number, row in enumerate(reader(path)):
            if number == 0 and not any(columns <= row.keys() for columns in column_sets):
                wanted = " or ".join(", ".join(sorted(columns)) for columns in column_sets)
                raise SourceError(f"{path}: expected the columns {wanted}; it has {', '.join(map(str, row))}")
            yield row if any(columns <= row.keys() for columns in column_sets) else _Broken()
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error}") from error
    except ValueError as error:
        raise SourceError(f"{path}: {error}") from error


class _Broken(dict[str, Any]):
    """A row that could not be parsed: every column is missing, so that no pair comes of it."""

    def __missing__(self, key: str) -> None:
        return None


def _csv_rows(path: Path) -> Iterator[Row]:
    options = CsvOptions(delimiter="\t" if path.suffix.lower() in (".tsv", ".txt") else None)
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(BLOCK_BYTES), b"")
        texts = codecs.iterdecode(blocks, "utf-8-sig", errors="replace")
        yield from _table_rows((text.replace("\0", "").encode() for text in texts), options)


def _table_rows(blocks: Iterator[bytes], options: CsvOptions) -> Iterator[Row]:
    dialect, records = csv_table(blocks, options)
    columns = () if dialect is None else dialect.columns
    for record in records:
        whole = record.cells is not None and len(record.cells) == len(columns)
        yield filled_row(columns, record.cells or ()) if whole else _Broken()


def _json_rows(path: Path) -> Iterator[Row]:
    with path.open("rb") as lines:
        for line in lines:
            if line.strip():
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    row = None
                yield row if isinstance(row, dict) else _Broken()


def _parquet_rows(path: Path) -> Iterator[Row]:
    for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
        yield from batch.to_pylist()


_READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = {
    ".csv": _csv_rows,
    ".tsv": _csv_rows,
    ".txt": _csv_rows,
    ".jsonl": _json_rows,
    ".ndjson": _json_rows,
    ".parquet": _parquet_rows,
}
