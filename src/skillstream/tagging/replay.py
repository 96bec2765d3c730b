"""Tag rows of an output again, into a new output: rejected ones, or those of some offsets or times.

A rejected row holds its record as it came; the record of a tagged row is read from Kafka again. The new
output has chains of its own that cover the same offsets, so a replay that was killed resumes where it
stopped, and every selected row is in it exactly once.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import msgspec

from skillstream.chunks import Chunk, Record
from skillstream.errors import ChainError, OutputError, RunError, UsageError
from skillstream.options import at_least, option
from skillstream.output import (
    Chain,
    FileFormatError,
    RunInfo,
    check_layout,
    decode_header,
    decode_table,
    files,
    read_run,
    source_paths,
)
from skillstream.rejections import RejectionCode
from skillstream.rows import TaggedChunk
from skillstream.sources.kafka import VALUE_FORMATS, check_registry_url, parse_start
from skillstream.sources.kafka.fetch import TopicAgain
from skillstream.sources.kafka.values import RegistryAwayError, ValueDecoder, value_decoder
from skillstream.storage import Store, folder_name, open_store
from skillstream.tagging.config import TagConfig
from skillstream.tagging.start import start_job

__all__ = [
    "PartitionReader",
    "ReplayConfig",
    "ReplaySummary",
    "Selection",
    "replay",
    "replay_rows",
    "selected_chunks",
]

# Reads the records at some offsets of a partition: (partition, offsets) -> records by offset.
PartitionReader = Callable[[int, list[int]], Mapping[int, Record]]


@dataclass(frozen=True, kw_only=True)
class ReplayConfig(TagConfig):
    """`skillstream replay`.

    Raises:
        UsageError: a value is missing or out of its range.
    """

    output: str = option(
        "",
        "Folder or address (s3://, gs://, az://) to write the new Parquet files to; not the one that is "
        "replayed.",
        required=True,
    )
    select: str = option(
        "rejected",
        "Rows to tag again: 'rejected' are those with an error; 'all' are all, read from Kafka again.",
        choices=("rejected", "all"),
    )
    code: str | None = option(None, "Select only rows rejected with these codes, separated by commas.")
    offsets: str | None = option(
        None, "Select only these offsets: PARTITION:FIRST-LAST, several separated by commas."
    )
    since: str | None = option(
        None, "Select only records with this event time or a later one (2026-01-31T12:00:00Z)."
    )
    until: str | None = option(
        None, "Select only records with an event time before this one (2026-01-31T12:00:00Z)."
    )
    bootstrap_servers: str = option(
        "",
        "Kafka brokers to read tagged records from, as HOST:PORT separated by commas; default: those in "
        "run.json.",
    )
    kafka_config: str | None = option(
        None, "Properties or JSON file with Kafka client settings, such as SASL or SSL."
    )
    value_format: str | None = option(
        None,
        f"How the values of Kafka records are written: {', '.join(VALUE_FORMATS)} (see `stream`); "
        "default: that in run.json.",
    )
    schema_registry: str | None = option(
        None, "Address of the schema registry that describes them; default: that in run.json."
    )
    max_chunk_rows: int = option(
        200, "Maximum rows per Parquet file, which is also the most work that a kill can cost."
    )
    force: bool = option(
        False,
        "Resume although run.json in the new output says that it was made from something else.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least("max-chunk-rows", self.max_chunk_rows, 1)
        check_registry_url(self.schema_registry)
        if self.value_format is not None and self.value_format not in VALUE_FORMATS:
            known = ", ".join(VALUE_FORMATS)
            raise UsageError(f"--value-format must be one of {known}, got {self.value_format!r}")
        _ = self.selection

    @property
    def selection(self) -> Selection:
        """Which rows are meant."""
        # Sorted, not a set: the selection is part of the identity of the output, in every process.
        codes = tuple(sorted(set(self.code.split(",")))) if self.code else None
        unknown = set(codes or ()) - set(RejectionCode)
        if unknown:
            raise UsageError(f"--code {', '.join(sorted(unknown))}: there are {', '.join(RejectionCode)}")
        return Selection(
            rejected_only=self.select == "rejected" or codes is not None,
            codes=codes,
            ranges=_ranges(self.offsets) if self.offsets else None,
            since=_milliseconds("--since", self.since),
            until=_milliseconds("--until", self.until),
        )


@dataclass(frozen=True)
class Selection:
    """Rows that satisfy everything that is set. `ranges`: (partition, first, last), last included."""

    rejected_only: bool = True
    codes: tuple[str, ...] | None = None
    ranges: tuple[tuple[int, int, int], ...] | None = None
    since: int | None = None
    until: int | None = None

    def wants(self, row: Mapping[str, Any]) -> bool:
        """Whether the row (as a dict, times as datetimes) is meant."""
        code = row["error"]["code"] if row["error"] else None
        time = None if row["event_time"] is None else int(row["event_time"].timestamp() * 1000)
        return (
            (code is not None or not self.rejected_only)
            and (self.codes is None or code in self.codes)
            and (
                self.ranges is None
                or any(p == row["partition"] and a <= row["offset"] <= z for p, a, z in self.ranges)
            )
            and (self.since is None or (time is not None and time >= self.since))
            and (self.until is None or (time is not None and time < self.until))
        )


class ReplaySummary(msgspec.Struct, frozen=True):
    """What a replay did: records tagged again, of these rejected by code, tags written."""

    output: str
    records: int
    rejected: dict[str, int]
    tags: int


def replay(source: str, config: ReplayConfig) -> ReplaySummary:
    """Tags the selected rows of the output `source` again, into `config.output`: all of `skillstream replay`.

    Raises:
        UsageError: refused: `source` is no output, or tagged rows of files are selected.
        RunError: a file of `source` is damaged, or records cannot be read again. Run again to resume.
    """
    old = read_run(source)
    if old is None:
        raise OutputError(f"{source} is no output of skillstream: it has no run.json")
    if folder_name(source) == folder_name(config.output):
        raise UsageError("--output must be another folder than the one that is replayed")
    check_layout(config.output)
    config = _with_values_of(old, config)
    decode = (
        value_decoder(config.value_format, config.schema_registry, config.kafka_config)
        if config.value_format
        else None  # rows of files
    )
    selection = sorted(dataclasses.asdict(config.selection).items(), key=str)
    identity = {"source": "replay", "of": folder_name(source), "selection": str(selection)}
    start = start_job(config, identity, here=True, sources=source_paths(source))
    assert start.worker is not None, "this process tags"  # noqa: S101
    tagger = start.worker.tagger()
    with ExitStack() as stack:
        topics: dict[str, TopicAgain] = {}

        def reader_of(topic: str) -> PartitionReader:
            if old.identity.get("source") != "kafka":
                raise UsageError("`skillstream tag` tags rows of files again; here only --select rejected")
            if topic not in topics:
                servers = config.bootstrap_servers or str(old.options.get("bootstrap_servers", ""))
                topics[topic] = stack.enter_context(TopicAgain(servers, topic, config.kafka_config))
            return topics[topic].read

        return replay_rows(source, config, lambda chunk: tagger.tag_chunk(_decoded(chunk, decode)), reader_of)


def _with_values_of(old: RunInfo, config: ReplayConfig) -> ReplayConfig:
    """The configuration with how values are written; a replay of this replay finds it there again."""
    value_format, registry = (old.options.get(name) for name in ("value_format", "schema_registry"))
    return dataclasses.replace(
        config,
        value_format=config.value_format or (str(value_format) if value_format else None),
        schema_registry=config.schema_registry or (str(registry) if registry else None),
    )


def _decoded(chunk: Chunk, decode: ValueDecoder | None) -> Chunk:
    if decode is None:
        return chunk
    try:
        return msgspec.structs.replace(chunk, records=list(map(decode, chunk.records)))
    except RegistryAwayError as error:
        raise RunError(f"{error}; run again to resume") from error


def replay_rows(
    root: str,
    config: ReplayConfig,
    tag: Callable[[Chunk], TaggedChunk],
    reader_of: Callable[[str], PartitionReader],
) -> ReplaySummary:
    """Tags the selected rows of `root` again, into `config.output`.

    Args:
        root: the output to replay.
        config: what to select, and where to write.
        tag: tags a chunk (`Tagger.tag_chunk`).
        reader_of: how to read the records of a source again; asked only if tagged rows are selected.

    Raises:
        RunError: a file of `root` is damaged, or records cannot be read again.
    """
    store = open_store(root)
    records = tags = 0
    rejected: Counter[str] = Counter()
    for (source, partition), published in files(store).items():
        chain = Chain(config.output, source, partition)
        paths = [file.path for file in published]
        chunks = selected_chunks(
            store, paths, config.selection, config.max_chunk_rows, chain.head() or 0, reader_of
        )
        for chunk in chunks:
            chain.claim(chunk.start)
            tagged = tag(chunk)
            chain.publish(tagged.start, tagged.end, tagged.rows)
            records += len(tagged.rows)
            tags += sum(len(row.skills) for row in tagged.rows)
            rejected.update(row.error.code for row in tagged.rows if row.error is not None)
    return ReplaySummary(config.output, records, dict(rejected), tags)


def selected_chunks(
    store: Store,
    paths: Iterable[str],
    selection: Selection,
    max_rows: int,
    head: int,
    reader_of: Callable[[str], PartitionReader],
) -> Iterator[Chunk]:
    """The selected rows of a partition's files from `head` on, as contiguous chunks of their records."""
    start: int | None = None
    end = head
    held: list[Record] = []
    source, partition = "", 0
    for path in paths:
        data = store.read(path)
        if data is None:
            continue
        try:
            header = decode_header(data)
            rows = decode_table(data).to_pylist() if header.end > head else []
        except FileFormatError as error:
            raise ChainError(f"{path}: {error}; `skillstream doctor --output` checks every file") from error
        if header.end <= head:
            continue
        source, partition = header.source, header.partition
        wanted = [row for row in rows if row["offset"] >= head and selection.wants(row)]
        if held and len(held) + len(wanted) > max_rows:
            yield Chunk(source, partition, start or 0, header.start, held)
            start, held = header.start, []
        start = max(header.start, head) if start is None else start
        end = header.end
        held += _records(wanted, partition, lambda source=source: reader_of(source))  # type: ignore[misc]
    if held and start is not None:
        yield Chunk(source, partition, start, end, held)


def _records(
    rows: Iterable[Mapping[str, Any]], partition: int, reader: Callable[[], PartitionReader]
) -> list[Record]:
    rows = list(rows)
    tagged = [row["offset"] for row in rows if row["error"] is None]
    again = reader()(partition, tagged) if tagged else {}
    missing = set(tagged) - again.keys()
    if missing:
        raise ChainError(
            f"partition {partition}: {len(missing)} records, from offset {min(missing)} on, are not in Kafka "
            "any more; --select rejected needs none"
        )
    return [again[row["offset"]] if row["error"] is None else _kept(row) for row in rows]


def _kept(row: Mapping[str, Any]) -> Record:
    time = None if row["event_time"] is None else int(row["event_time"].timestamp() * 1000)
    headers = row["headers"] and [(header["name"], header["value"]) for header in row["headers"]]
    return Record(row["offset"], row["error"]["payload"], row["key"], time, headers=headers or None)


def _ranges(text: str) -> tuple[tuple[int, int, int], ...]:
    found = []
    for part in text.split(","):
        try:
            partition, _, offsets = part.partition(":")
            first, _, last = offsets.partition("-")
            found.append((int(partition), int(first), int(last or first)))
        except ValueError:
            raise UsageError(f"--offsets must be PARTITION:FIRST-LAST, got {part!r}") from None
    return tuple(found)


def _milliseconds(flag: str, text: str | None) -> int | None:
    if text is None:
        return None
    time = None if text in ("earliest", "latest") else parse_start(text)
    if not isinstance(time, int):
        raise UsageError(f"{flag} must be a time such as 2026-01-31T12:00:00Z, got {text!r}")
    return time
