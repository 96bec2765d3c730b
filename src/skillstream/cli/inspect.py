"""`skillstream inspect`: how the first records are read, without a model and within a second or two."""

from __future__ import annotations

import logging
import sys
from contextlib import ExitStack
from typing import Any

import click
import msgspec

from skillstream.cli.inspect_page import print_files, print_topic
from skillstream.cli.options import READING_OPTIONS, config_options, json_option
from skillstream.errors import UsageError
from skillstream.postings import inspect_records
from skillstream.sources.files import inspect_files, spooled
from skillstream.sources.kafka import KafkaConfig
from skillstream.tagging import FilesConfig

__all__ = ["inspect_command"]

_MAX_FILES = 20
_OF_RECORDS = ("id_field", "title_field", "text_field", "feed", "records_path", "max_record_bytes")
# What says how a stream runs, not what is read.
_NOT_READING = ("stop_at_end", "on_gap", "max_chunk_rows", "max_chunk_bytes", "linger", "group")


@click.command("inspect")
@click.argument("inputs", nargs=-1, metavar="[INPUT...]")
@config_options(KafkaConfig, leave_out=_NOT_READING, required=False)
@config_options(FilesConfig, only=(*_OF_RECORDS, *READING_OPTIONS))
@click.option(
    "--records",
    default=200,
    show_default=True,
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of records of each file, or of the topic, to look at.",
)
@json_option
def inspect_command(inputs: tuple[str, ...], records: int, as_json: bool, **options: Any) -> int:
    """Show how the first records of INPUT... or --topic are read; nothing is tagged, no model is loaded.

    INPUT is what `skillstream tag` takes: files, folders, patterns, addresses such as s3://bucket/jobs/, or -
    for standard input. Shown are format, encoding, CSV dialect and feed, each field and what it is taken for,
    the plain text of one posting by section, and what would be rejected, refused or left out.

    Exit code 2 if `skillstream tag` would refuse one of the inputs.
    """
    of_files = {name: options.pop(name) for name in READING_OPTIONS}
    of_records = {name: options.pop(name) for name in _OF_RECORDS}
    config = FilesConfig(output="-", **of_files, **of_records)
    if bool(inputs) == bool(options["topic"]):
        raise UsageError("give either INPUT... or --topic")
    if inputs:
        return _files(inputs, config, records, as_json)
    given = [f"--{name.replace('_', '-')}" for name, value in of_files.items() if value is not None]
    if given:
        raise UsageError(f"{given[0]} is for files: a topic has none")
    _topic(KafkaConfig(**options), config, records, as_json)
    return 0


def _files(inputs: tuple[str, ...], config: FilesConfig, records: int, as_json: bool) -> int:
    with ExitStack() as stack:
        names = stack.enter_context(spooled(inputs, sys.stdin.buffer))
        report = inspect_files(
            names,
            config.fields,
            config.reading,
            records=records,
            files=_MAX_FILES,
            max_record_bytes=config.max_record_bytes,
        )
        shown = dict(zip(names, inputs, strict=True))
        files = [msgspec.structs.replace(file, path=shown.get(file.path, file.path)) for file in report.files]
        report = msgspec.structs.replace(report, files=files)
    refused = [file.refused for file in files if file.refused is not None]
    if len(refused) == len(files) == 1 and files[0].records is None:
        raise UsageError(refused[0])
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        print_files(report)
    return 2 if refused else 0


def _topic(kafka: KafkaConfig, config: FilesConfig, records: int, as_json: bool) -> None:
    logging.getLogger("kafka").propagate = False
    from skillstream.sources.kafka.first_records import first_records

    report = inspect_records(first_records(kafka, records), config.fields, config.max_record_bytes)
    if as_json:
        click.echo(msgspec.json.encode({"topic": kafka.topic, "records": report}))
    else:
        print_topic(kafka.topic, report)
