"""`skillstream replay`: tag rows of an output again, into a new one."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from skillstream.cli.options import config_options, json_option
from skillstream.errors import OutputError, UsageError
from skillstream.output import (
    RunInfo,
    check_layout,
    open_run,
    read_run,
    sweep,
    taxonomy_identity,
    versions,
    without_secrets,
)
from skillstream.sources.kafka.fetch import TopicAgain
from skillstream.storage import folder_name
from skillstream.tagging.replay import PartitionReader, ReplayConfig, replay

__all__ = ["replay_command"]


@click.command("replay")
@click.argument("source", metavar="OUTPUT")
@config_options(ReplayConfig)
@json_option
def replay_command(source: str, as_json: bool, **options: Any) -> int:
    """Tag rows of OUTPUT again, into --output: by default those that were rejected.

    Rejected records are kept in OUTPUT as they came. With --select all the records are read from Kafka
    again; narrow it down by --offsets, --since and --until. Run again to resume where it stopped.
    """
    config = ReplayConfig(**options)
    old = read_run(source)
    if old is None:
        raise OutputError(f"{source} is no output of skillstream: it has no run.json")
    if folder_name(source) == folder_name(config.output):
        raise UsageError("--output must be another folder than the one that is replayed")
    check_layout(config.output)
    from skillstream.tagging import Tagger

    tagger = Tagger.from_config(config)
    selection = dataclasses.asdict(config.selection)
    index = tagger.index
    taxonomy = taxonomy_identity(index.taxonomy_name, index.fingerprint, prebuilt=bool(config.index))
    identity = {"source": "replay", "of": folder_name(source), "taxonomy": taxonomy}
    info = RunInfo(
        identity=identity | {"selection": str(sorted(selection.items(), key=str))},
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=versions(),
        options=without_secrets(dataclasses.asdict(config)),
    )
    open_run(config.output, info, force=config.force)
    sweep(config.output)
    with ExitStack() as stack:
        topics: dict[str, TopicAgain] = {}

        def reader_of(topic: str) -> PartitionReader:
            if old.identity.get("source") != "kafka":
                raise UsageError("`skillstream tag` tags rows of files again; here only --select rejected")
            if topic not in topics:
                servers = config.bootstrap_servers or str(old.options.get("bootstrap_servers", ""))
                topics[topic] = stack.enter_context(TopicAgain(servers, topic, config.kafka_config))
            return topics[topic].read

        summary = replay(source, config, tagger.tag_chunk, reader_of)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.rejected.items()))
        click.echo(f"{summary.records:,} records tagged again, {summary.tags:,} tags: {summary.output}")
        click.echo(f"rejected: {codes or 'none'}")
    return 0
