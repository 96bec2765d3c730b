"""`skillstream replay`: tag rows of an output again, into a new one."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from skillstream.cli.options import config_options, json_option
from skillstream.tagging.replay import ReplayConfig, replay

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
    summary = replay(source, config)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        codes = ", ".join(f"{code} {count:,}" for code, count in sorted(summary.rejected.items()))
        click.echo(f"{summary.records:,} records tagged again, {summary.tags:,} tags: {summary.output}")
        click.echo(f"rejected: {codes or 'none'}")
    return 0
