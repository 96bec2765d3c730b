"""`skillstream doctor`: is this machine fit, and is an output whole?"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.table import Table

from skillstream.cli.options import config_options, json_option
from skillstream.cli.tables import plain_console
from skillstream.errors import UsageError
from skillstream.storage import is_url
from skillstream.tagging.config import TagConfig

__all__ = ["doctor_command"]


@click.command("doctor")
@click.option(
    "--model",
    default="default",
    show_default=True,
    help="Encoder model to test: 'default', 'base', a folder or a hub id.",
)
@click.option(
    "--output",
    help="Folder or address of an output to check instead: gaps, overlaps, unreadable or damaged files.",
)
@config_options(TagConfig, only=("precision",))
@json_option
def doctor_command(model: str, output: str | None, precision: str, as_json: bool) -> int:
    """Show versions, the backend and the precision chosen and why, and a self-test; or check an --output."""
    if output is not None:
        return _check_output(output, as_json)
    return _check_machine(model, precision, as_json)


def _check_machine(model: str, precision: str, as_json: bool) -> int:
    from skillstream.tagging.self_test import check_machine

    facts, healthy = check_machine(model, precision)
    _show(facts, as_json)
    return 0 if healthy else 1


def _check_output(output: str, as_json: bool) -> int:
    from skillstream.output import RUN_FILE, TAGS_FOLDER, verify_chain
    from skillstream.storage import open_store

    store = open_store(output)
    found = store.names("")
    if RUN_FILE not in found and TAGS_FOLDER not in found:
        if not is_url(output) and not Path(output).is_dir():
            raise UsageError(f"{output} is no folder")
        raise UsageError(
            f"{output} is no output of skillstream: it holds neither {RUN_FILE} nor {TAGS_FOLDER}/"
        )
    report = verify_chain(output, store=store)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _show({"partitions": report.partitions, "files": report.files, "rows": report.rows}, as_json)
        for finding in report.findings:
            click.echo(f"{finding.kind}: {finding.path}: {finding.detail}")
        click.echo("whole" if not report.findings else f"{len(report.findings)} problems")
    return 1 if report.findings else 0


def _show(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(facts))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    plain_console().print(table)
