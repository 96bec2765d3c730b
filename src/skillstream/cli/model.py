"""`skillstream model export`: a model folder that runs without torch."""

from __future__ import annotations

from pathlib import Path

import click

from skillstream.cli.groups import CommandGroup
from skillstream.storage import check_local

__all__ = ["model_group"]


@click.group("model", cls=CommandGroup)
def model_group() -> None:
    """Prepare models for workers."""


@model_group.command("export")
@click.argument("model", default="default")
@click.option("--output", required=True, help="New folder to write the exported model to.")
def export_command(model: str, output: str) -> None:
    """Write MODEL as a folder that `--model` takes and that needs no torch."""
    check_local("--output", output)
    from skillstream.encoder.export import export_model

    folder = export_model(model, Path(output))
    click.echo(f"{folder}: use it with --model {folder}")
