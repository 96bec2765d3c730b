"""`skillstream index build` and `skillstream index info`."""

from __future__ import annotations

import click
import msgspec
from rich.table import Table

from skillstream.cli.tables import plain_console

__all__ = ["index_group"]


@click.group("index")
def index_group() -> None:
    """Make or show a versioned skills index."""


@index_group.command("build")
@click.option(
    "--taxonomy", default="esco", show_default=True, help="'esco' or a file or folder with a taxonomy."
)
@click.option(
    "--model", default="default", show_default=True, help="Encoder that will be used with the index."
)
@click.option(
    "--output",
    required=True,
    help="Folder or address of the index; running jobs take new versions up from there.",
)
def build_command(taxonomy: str, model: str, output: str) -> None:
    """Embed the labels of a taxonomy into a new version of the index in --output."""
    from skillstream.encoder import load_encoder
    from skillstream.index import build_index, save_index
    from skillstream.taxonomy import load_taxonomy

    skills = load_taxonomy(taxonomy)
    index = build_index(skills, load_encoder(model))
    version = save_index(index, output)
    click.echo(f"{len(index):,} skills of {skills.name} {skills.version}: {version}")


@index_group.command("info")
@click.argument("folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info_command(folder: str, as_json: bool) -> None:
    """Say what the index in DIR holds, and which model made it."""
    from skillstream.index import index_summary

    summary = index_summary(folder)
    if as_json:
        click.echo(msgspec.json.encode(summary))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in summary.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else str(value))
    plain_console().print(table)
