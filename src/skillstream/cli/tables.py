"""Tables for the terminal, by rich."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from skillstream.output import TAGS_FOLDER, Partition, PublishedFile, RunSummary, files
from skillstream.storage import Store, open_store

__all__ = ["plain_console", "print_summary", "print_top_tags", "tags_table", "write_json_lines"]

SHOWN_TAGS = 8  # of each posting


def print_summary(summary: RunSummary) -> None:
    """What the run did, in a few lines, and how to read the result."""
    console = plain_console()
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    rejected = sum(summary.rejected.values())
    codes = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.rejected.items()))
    table.add_row(
        "records",
        f"{summary.records:,}"
        + (f"  (and {summary.resumed:,} from earlier runs)" if summary.resumed else ""),
    )
    table.add_row("tagged", f"{summary.tagged:,}  with {summary.tags:,} tags")
    table.add_row("rejected", f"{rejected:,}" + (f"  ({codes})" if codes else ""))
    if summary.other_languages:
        languages = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.other_languages.items()))
        table.add_row(
            "languages", f"{languages} not served by the model: only technologies named word for word"
        )
    table.add_row(
        "speed",
        f"{summary.postings_per_second:,.1f} postings/s, {summary.tokens_per_second:,.0f} tokens/s,"
        f" {summary.seconds:,.1f} s, peak memory {summary.peak_memory_mb:,.0f} MB",
    )
    table.add_row("made by", f"{summary.model_version}, {summary.taxonomy_version}")
    table.add_row("Parquet", f"{summary.output}/{TAGS_FOLDER}")
    console.print(table)
    for kind, lines in (("note", summary.notes), ("problem", summary.problems)):
        for line in lines:
            Console(stderr=True, highlight=False, soft_wrap=True).print(Text(f"{kind}: {line}"))


def print_top_tags(summary: RunSummary, postings: int) -> None:
    """The best tags of the first postings that have some, read back from the output."""
    console = plain_console()
    for row in _first_tagged(summary, postings):
        console.print(Text(row["title"] or row["posting_id"] or f"record {row['offset']}", style="bold"))
        console.print(tags_table(row["skills"][:SHOWN_TAGS]))


def write_json_lines(summary: RunSummary, stream: BinaryIO) -> None:
    """All rows of the output as JSON objects, a line each, in the order of the inputs; bytes as text."""
    store = open_store(summary.output)
    published = files(store)
    encode = msgspec.json.Encoder(enc_hook=str).encode
    for source in summary.sources:
        for file in chain.from_iterable(
            found for key, found in published.items() if key.source == source.source
        ):
            data = store.read(file.path)
            if data is not None:
                for row in pq.ParquetFile(pa.BufferReader(data)).read().to_pylist():
                    stream.write(encode(_as_text(row)) + b"\n")
    stream.flush()


def _as_text(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict):
        return {name: _as_text(one) for name, one in value.items()}
    return [_as_text(one) for one in value] if isinstance(value, list) else value


def tags_table(skills: list[dict[str, Any]]) -> Table:
    """A ranked table of tags given as dicts in the form of the column `skills`."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("#", justify="right", style="dim")
    table.add_column("skill")
    table.add_column("conf.", justify="right")
    table.add_column("match", style="dim")
    table.add_column("evidence", overflow="fold", max_width=70)
    for skill in skills:
        table.add_row(
            str(skill["rank"]),
            Text(skill["label"]),
            f"{skill['confidence']:.2f}",
            skill["match"],
            highlighted(skill),
        )
    return table


def highlighted(skill: dict[str, Any]) -> Text:
    """The evidence with the words that prove the skill in bold."""
    text = Text(skill["evidence"].replace("\n", " "))
    start = skill["words_start"] - skill["start"]
    text.stylize("bold green", start, start + len(skill["words"]))
    if len(text) > 140:  # keep the words in sight
        begin = max(0, start - 60)
        text = Text("… " if begin else "") + text[begin : begin + 138] + Text(" …")
    return text


def plain_console() -> Console:
    """Standard output without guessed colours; wide enough for tables where no terminal says its width."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def _first_tagged(summary: RunSummary, count: int) -> Iterator[dict[str, Any]]:
    """The first `count` rows with tags, about as many from each source."""
    per_source = -(-count // max(1, len(summary.sources)))
    store = open_store(summary.output)
    published = files(store)
    firsts = (islice(_tagged_rows(store, published, source.source), per_source) for source in summary.sources)
    return islice(chain.from_iterable(firsts), count)


def _tagged_rows(
    store: Store, published: dict[Partition, list[PublishedFile]], source: str
) -> Iterator[dict[str, Any]]:
    for file in chain.from_iterable(found for key, found in published.items() if key.source == source):
        data = store.read(file.path)
        if data is not None:
            rows = pq.ParquetFile(pa.BufferReader(data)).read().to_pylist()
            yield from (row for row in rows if row["skills"])
