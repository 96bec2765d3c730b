"""`skillstream stream`: Kafka to ranked skill tags in Parquet, until it is stopped."""

from __future__ import annotations

import logging
from typing import Any

import click
import msgspec

from skillstream.cli.options import check_workers, config_options, json_option, runner_option, workers_option
from skillstream.cli.stream_status import print_stream_summary, show_status
from skillstream.errors import UsageError
from skillstream.tagging import StreamConfig

__all__ = ["stream_command"]


@click.command("stream", epilog="Flags after -- are passed to Beam, such as -- --runner=FlinkRunner.")
@config_options(StreamConfig)
@runner_option
@workers_option
@json_option
@click.pass_obj
def stream_command(
    beam_flags: list[str] | None, /, runner: str, workers: int | None, as_json: bool, **options: Any
) -> int:
    """Tag the records of a Kafka topic and write one row per record to Parquet files in --output.

    Runs until Ctrl-C or SIGTERM, which publish what is buffered and end within seconds; with --stop-at-end
    it ends by itself. Start it again with the same --output to resume: every record becomes exactly one
    row, no matter which process dies or when.
    """
    config = StreamConfig(**options)
    # The reader tells what is wrong, once; the client tells every attempt of every connection.
    logging.getLogger("kafka").propagate = False
    if check_workers(workers, runner, beam_flags):
        from skillstream.workers.stream import stream_with_workers

        if (config.readers or 1) > 1:
            raise UsageError("--readers is for clusters: --workers says how many processes read here")
        summary = stream_with_workers(config, workers, show_status)
    else:
        from skillstream.pipelines import tag_stream  # Beam takes seconds to import

        summary = tag_stream.run(config, [f"--runner={runner}", *(beam_flags or [])], show_status)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        print_stream_summary(summary)
    return 0
