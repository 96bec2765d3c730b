"""`skillstream index build` and `skillstream index info`."""

from __future__ import annotations

import click
import msgspec
from rich.table import Table

from skillstream.cli.groups import CommandGroup
from skillstream.cli.options import json_option
from skillstream.cli.tables import plain_console
from skillstream.taxonomy import DEFAULT_TAXONOMIES

__all__ = ["index_group"]


@click.group("index", cls=CommandGroup)
def index_group() -> None:
    """Make or show a versioned skills index."""


@index_group.command("build")
@click.option(
    "--taxonomy",
    multiple=True,
    default=DEFAULT_TAXONOMIES,
    show_default=True,
    help="Taxonomy to index: 'esco', 'technologies', or a file or folder (ESCO, O*NET, CSV, Parquet or "
    "JSONL). Repeat the option for one index of several.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    help="Encoder model to embed the labels with; jobs must use the index with the same model.",
)
@click.option(
    "--output",
    required=True,
    help="Folder or address of the index; running jobs take up new versions from there.",
)
def build_command(taxonomy: tuple[str, ...], model: str, output: str) -> None:
    """Embed the labels of taxonomies into a new version of the index in --output."""
    from skillstream.encoder import exact_encoder
    from skillstream.index import build_index, save_index
    from skillstream.tagging import taxonomy_names
    from skillstream.taxonomy import load_taxonomies

    skills = load_taxonomies(taxonomy_names(taxonomy))
    index = build_index(skills, exact_encoder(model))
    version = save_index(index, output)
    click.echo(f"{len(index):,} skills of {skills.name} {skills.version}: {version}")


@index_group.command("info")
@click.argument("folder", metavar="DIR")
@json_option
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
