"""`skillstream stream`: Kafka to ranked skill tags in Parquet, until it is stopped."""

from __future__ import annotations

import logging
from typing import Any

import click
import msgspec

from skillstream.cli.options import config_options
from skillstream.cli.stream_status import print_stream_summary, show_status
from skillstream.tagging import StreamConfig

__all__ = ["stream_command"]


@click.command("stream", epilog="What follows -- is for Beam, such as -- --runner=FlinkRunner.")
@config_options(StreamConfig)
@click.option("--runner", default="local", show_default=True, help="Beam runner; local needs nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object on stdout.")
@click.pass_obj
def stream_command(beam_flags: list[str] | None, /, runner: str, as_json: bool, **options: Any) -> int:
    """Tag the records of a Kafka topic and write one row a record to Parquet files in --output.

    Runs until Ctrl-C or SIGTERM, which publish what is in hand and end within seconds; --stop-at-end
    ends by itself. Whatever is killed and whenever: start again with the same --output, and every
    record stands in it exactly once.
    """
    config = StreamConfig(**options)
    # The reader tells what is wrong, once; the client tells every attempt of every connection.
    logging.getLogger("kafka").propagate = False
    from skillstream.pipelines import tag_stream  # Beam takes seconds to import

    summary = tag_stream.run(config, [f"--runner={runner}", *(beam_flags or [])], show_status)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        print_stream_summary(summary)
    return 0
