"""`skillstream tag`: files to ranked skill tags in Parquet."""

from __future__ import annotations

import sys
from contextlib import ExitStack, redirect_stdout
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import msgspec

from skillstream.cli.options import check_workers, config_options, json_option, runner_option, workers_option
from skillstream.cli.progress import show_progress
from skillstream.cli.tables import print_summary, print_top_tags, write_json_lines
from skillstream.errors import UsageError
from skillstream.tagging import FilesConfig

if TYPE_CHECKING:
    from skillstream.output import RunSummary

__all__ = ["tag_command"]


@click.command("tag", epilog="Flags after -- are passed to Beam, such as -- --runner=FlinkRunner.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@config_options(FilesConfig)
@runner_option
@workers_option
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
    workers: int | None,
    show: int,
    as_json: bool,
    **options: Any,
) -> int:
    """Tag the postings in INPUT... and write one row per record to Parquet files in --output.

    INPUT is a file or a folder: .jsonl .ndjson .jl .json .csv .tsv .xml .rss .parquet, the text forms also as
    .gz, .zst or .bz2; or an address such as s3://bucket/postings/*.jsonl; or - for standard input. Run again
    with the same --output to resume where it stopped: no record is written twice.

    With --output - the rows come as JSON lines on standard output when all are tagged; nothing is kept, so
    nothing is resumed, and no record is counted as done.
    """
    from skillstream.sources.files import STANDARD_INPUT, spooled

    on_this_machine = check_workers(workers, runner, beam_flags)
    to_stdout = options["output"] == STANDARD_INPUT
    if not on_this_machine and (to_stdout or STANDARD_INPUT in inputs):
        raise UsageError("standard input and output (-) are for the local runner only, without flags")
    with ExitStack() as stack:
        inputs = tuple(stack.enter_context(spooled(inputs, sys.stdin.buffer)))
        if to_stdout:
            options["output"] = stack.enter_context(TemporaryDirectory(prefix="skillstream-rows-"))
        config = FilesConfig(**options)
        if on_this_machine:
            summary = _tag(config, inputs, workers)
        else:
            from skillstream.pipelines import tag_files  # Beam takes seconds to import

            flags = [f"--runner={runner}", *(beam_flags or [])]
            summary = tag_files.run(config, inputs, flags, show_progress)
        if to_stdout:
            write_json_lines(summary, sys.stdout.buffer)
            stack.enter_context(redirect_stdout(sys.stderr))
        if as_json:
            click.echo(msgspec.json.encode(summary), file=sys.stderr if to_stdout else None)
        else:
            if show:
                print_top_tags(summary, show)
            print_summary(summary)
    return 1 if summary.problems else 0


def _tag(config: FilesConfig, inputs: tuple[str, ...], workers: int | None) -> RunSummary:
    """Tags the inputs in this process, or in as many as are asked for or worth it."""
    from skillstream.tagging.files_job import plan_job
    from skillstream.workers import most_workers, tag_here, tag_with_workers, workers_for_files

    plan = plan_job(config, inputs, workers or most_workers())
    size = sum(file.bytes for file in plan.files)
    count = min(workers or workers_for_files(len(plan.ranges), size), len(plan.ranges))
    if count > 1:
        return tag_with_workers(config, plan, count, show_progress)
    return tag_here(config, plan, show_progress)
