"""`skillstream explain`: one posting in the terminal, with the evidence for every tag."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from skillstream.cli.options import config_options, json_option
from skillstream.cli.tables import plain_console, tags_table
from skillstream.errors import RunError, SourceError, UsageError
from skillstream.postings import BOILERPLATE
from skillstream.ranking import band
from skillstream.sources.files import input_kind, plan_files, read_chunks
from skillstream.storage import fetch_file, is_url, parse_url
from skillstream.tagging import Explanation, PostingRejectedError, TagConfig, Tagger

__all__ = ["explain_command"]

SHOWN_REASONS = 3


@click.command("explain")
@click.argument("file", default="-", metavar="[FILE|-]")
@config_options(TagConfig)
@click.option(
    "--record", default=0, show_default=True, help="Index of the record to show of a FILE of several, from 0."
)
@json_option
def explain_command(file: str, record: int, as_json: bool, **options: Any) -> None:
    """Show one posting: its text with the evidence highlighted, its ranked tags, and why each.

    FILE holds a posting as JSON, HTML or plain text, or is a .jsonl, .csv, .tsv or .parquet file (see
    --record); - reads standard input. What is no text is refused.
    """
    config = TagConfig(**options)
    posting = _read(file, record)
    try:
        explanation = Tagger.from_config(config).explain(posting)
    except PostingRejectedError as error:
        raise UsageError(f"{file}: the posting is rejected: {error}") from error
    if as_json:
        click.echo(msgspec.json.encode(explanation_to_dict(explanation)))
    else:
        _print(explanation)


def explanation_to_dict(explanation: Explanation) -> dict[str, Any]:
    """The explanation with field names, for JSON."""
    return {
        "posting": msgspec.structs.asdict(explanation.posting),
        "text": explanation.document.text,
        "sentences": [msgspec.structs.asdict(sentence) for sentence in explanation.document.sentences],
        "tags": [
            msgspec.structs.asdict(tag)
            | {"band": band(tag.confidence), "reasons": [msgspec.structs.asdict(reason) for reason in why]}
            for tag, why in zip(explanation.tags, explanation.reasons, strict=True)
        ],
    }


def _read(file: str, record: int) -> bytes | str:
    """The posting: JSON objects as bytes, anything else as text."""
    if file == "-":
        content = sys.stdin.buffer.read()
    elif (row := _table_record(file, record)) is not None:
        return row
    elif is_url(file):
        content = _fetch(file)
    else:
        try:
            content = Path(file).read_bytes()
        except OSError as error:
            raise SourceError(f"cannot read {file}: {error.strerror}") from error
    if file.endswith((".jsonl", ".ndjson")):
        lines = content.splitlines()
        if not 0 <= record < len(lines):
            raise SourceError(f"{file} has {len(lines)} records; --record {record} is not one of them")
        return lines[record]
    return _json_or_text(file, content)


# JSON begins so; text in brackets ("[Remote] Cook") does not.
_JSON_BEGINS = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
# What no text has: control characters beside white space, as in PDFs, archives and pictures.
_NO_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def _json_or_text(file: str, content: bytes) -> bytes | str:
    """JSON, whole or broken, as bytes; HTML and plain text as text. Raises SourceError if it is neither."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"byte {error.start} is not UTF-8"
    else:
        if not (control := _NO_TEXT.search(text)):
            return content if _JSON_BEGINS.match(text) else text
        found = f"a control character at {control.start()}"
    raise SourceError(f"{file}: expected a posting as JSON, HTML or plain text in UTF-8, got {found}")


def _table_record(file: str, record: int) -> bytes | None:
    """A record of a table, a compressed file or a .json file of several; `None` for other files."""
    try:
        kind = input_kind(Path(file))
    except SourceError:
        return None
    if is_url(file) or (kind.compression is None and kind.format in ("jsonl", "json")):
        return None
    ranges = plan_files([file]).ranges
    count = 0
    for chunk in (chunk for item in ranges for chunk in read_chunks(item, item.start, 200)):
        for row in chunk.records:
            if row.offset == record:
                if row.rejection is not None:
                    raise SourceError(f"{file}: record {record} is rejected: {row.rejection.detail}")
                return row.payload or b""
            count += 1
    raise SourceError(f"{file} has {count} records; --record {record} is not one of them")


def _fetch(address: str) -> bytes:
    try:
        content = fetch_file(parse_url(address))
    except RunError as error:
        raise SourceError(str(error)) from error
    if content is None:
        raise SourceError(f"cannot read {address}: there is no such object")
    return content


def _print(explanation: Explanation) -> None:
    console = plain_console()
    document = explanation.document
    text = Text(document.text)
    for sentence in document.sentences:
        if sentence.section in BOILERPLATE:
            text.stylize("dim", sentence.start, sentence.end)
    for tag in explanation.tags:
        text.stylize("bold green", tag.words_start, tag.words_end)
    console.print(text)
    console.print()
    console.print(tags_table([msgspec.structs.asdict(tag) for tag in explanation.tags]))
    if any(explanation.reasons):
        console.print()
        console.print(_reasons_table(explanation))


def _reasons_table(explanation: Explanation) -> Table:
    """Why each tag has its confidence: the weightiest reasons, in log-odds."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("#", justify="right", style="dim")
    table.add_column("skill")
    table.add_column("band")
    table.add_column("why (log-odds)", overflow="fold")
    for tag, why in zip(explanation.tags, explanation.reasons, strict=True):
        said = "; ".join(f"{reason.text} {reason.weight:+.1f}" for reason in why[:SHOWN_REASONS])
        table.add_row(str(tag.rank), Text(tag.label), band(tag.confidence), said)
    return table
