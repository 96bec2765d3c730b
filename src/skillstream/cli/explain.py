"""`skillstream explain`: one posting in the terminal, with the evidence for every tag."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec
from rich.table import Table
from rich.text import Text

from skillstream.cli.options import READING_OPTIONS, config_options, json_option
from skillstream.cli.tables import plain_console, tags_table
from skillstream.errors import SourceError, UsageError
from skillstream.postings import BOILERPLATE, FieldMapping
from skillstream.ranking import band
from skillstream.sources.files import ReadOptions, read_record, spooled
from skillstream.tagging import Explanation, FilesConfig, PostingRejectedError, TagConfig, Tagger

__all__ = ["explain_command"]

SHOWN_REASONS = 3


@click.command("explain")
@click.argument("file", default="-", metavar="[FILE|-]")
@config_options(FilesConfig, only=READING_OPTIONS)
@config_options(TagConfig)
@click.option(
    "--record", default=0, show_default=True, help="Index of the record to show of a FILE of several, from 0."
)
@json_option
def explain_command(file: str, record: int, as_json: bool, **options: Any) -> None:
    """Show one posting: its text with the evidence highlighted, its ranked tags, and why each.

    FILE is read as `skillstream tag` reads it, if it holds records: see --record. Else it is a posting as
    HTML or plain text; what is no text is refused. - reads standard input.
    """
    of_files = {name: options.pop(name) for name in READING_OPTIONS}
    config = TagConfig(**options)
    posting = _read(file, record, config.fields, FilesConfig(output="-", **of_files).reading)
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


def _read(file: str, record: int, fields: FieldMapping, options: ReadOptions) -> bytes | str:
    """The posting: a record's payload as bytes, HTML and plain text as text."""
    with spooled([file], sys.stdin.buffer, tables=False) as (name,):
        found = read_record(name, record, fields, options)
    if isinstance(found, str):
        return found
    if found.rejection is not None:
        raise SourceError(
            f"{file}: record {record} is rejected: {found.rejection.code}: {found.rejection.detail}"
        )
    return found.payload or b""


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
