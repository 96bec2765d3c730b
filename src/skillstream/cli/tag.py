"""`skillstream tag`: files to ranked skill tags in Parquet."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from skillstream.cli.options import config_options, json_option, runner_option
from skillstream.cli.progress import show_progress
from skillstream.cli.tables import print_summary, print_top_tags
from skillstream.tagging import FilesConfig

__all__ = ["tag_command"]


@click.command("tag", epilog="Flags after -- are passed to Beam, such as -- --runner=FlinkRunner.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@config_options(FilesConfig)
@runner_option
@click.option(
    "--show",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    help="Number of postings whose ranked tags are shown at the end.",
)
@json_option
@click.pass_obj
def tag_command(
    beam_flags: list[str] | None,
    /,
    inputs: tuple[str, ...],
    runner: str,
    show: int,
    as_json: bool,
    **options: Any,
) -> int:
    """Tag the postings in INPUT... and write one row per record to Parquet files in --output.

    INPUT is a file or a folder: .jsonl .ndjson .json .csv .tsv .parquet, the text forms also as .gz or
    .zst; or an address such as s3://bucket/postings/*.jsonl. Run again with the same --output to
    resume where it stopped: no record is written twice.
    """
    config = FilesConfig(**options)
    from skillstream.pipelines import tag_files

    summary = tag_files.run(config, inputs, [f"--runner={runner}", *(beam_flags or [])], show_progress)
    if as_json:
        click.echo(msgspec.json.encode(summary))
    else:
        if show:
            print_top_tags(summary, show)
        print_summary(summary)
    return 1 if summary.problems else 0
