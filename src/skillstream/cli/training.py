"""`skillstream training-data` and `skillstream train`."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from skillstream.cli.options import config_options, json_option, runner_option
from skillstream.errors import UsageError
from skillstream.storage import check_local
from skillstream.training.data_config import SOURCE_HELP, TrainingDataConfig

__all__ = ["train_command", "training_data_command"]


@click.command("training-data", epilog="Flags after -- are passed to Beam, such as -- --runner=FlinkRunner.")
@click.option(
    "--source",
    "specs",
    multiple=True,
    required=True,
    metavar="KIND=PATH",
    help=SOURCE_HELP,
)
@config_options(TrainingDataConfig)
@runner_option
@click.pass_obj
def training_data_command(
    beam_flags: list[str] | None,
    /,
    specs: tuple[str, ...],
    runner: str,
    **options: Any,
) -> None:
    """Make training pairs: deduplicated, split without leakage, with a data card.

    The same sources and options make the same bytes, whatever the runner and the number of workers.
    """
    config = TrainingDataConfig(**options)
    from skillstream.pipelines.training_data import run  # Beam takes seconds to import
    from skillstream.training.pair_sources import parse_source

    facts = run(config, [parse_source(spec) for spec in specs], [f"--runner={runner}", *(beam_flags or [])])
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("pairs", justify="right")
    for name, count in facts["steps"].items():
        table.add_row(name, f"{count:,}")
    Console(highlight=False).print(table)
    click.echo(f"Data card: {Path(config.output, 'data_card.md')}")


@click.command("train")
@click.option(
    "--recipe",
    "name",
    type=click.Choice(["card", "skills"]),
    required=True,
    help="Training recipe: 'card' is the published model card's; 'skills' is the one for tagging.",
)
@click.option("--pairs", required=True, help="Folder with training pairs, made by 'training-data'.")
@click.option(
    "--output",
    required=True,
    help="New folder to write the model to; with --resume, the folder of the interrupted run.",
)
@click.option("--base", default="base", show_default=True, help="Model to start from.")
@click.option(
    "--draw",
    type=click.IntRange(1),
    help="Number of pairs to draw with repetition; by default, each pair is taken once.",
)
@click.option(
    "--steps", type=click.IntRange(1), help="Number of optimiser steps; default: as the recipe says."
)
@click.option("--seed", type=int, help="Random seed; default: as the recipe says.")
@click.option(
    "--bf16/--fp32",
    default=None,
    help="Train with autocast to bfloat16, or in float32 throughout; default: as the recipe says.",
)
@click.option("--resume", is_flag=True, help="Resume from the last checkpoint in --output.")
@click.option("--keep-checkpoints", is_flag=True, help="Keep the checkpoints in --output at the end.")
@json_option
def train_command(
    name: str,
    pairs: str,
    output: str,
    base: str,
    draw: int | None,
    steps: int | None,
    seed: int | None,
    bf16: bool | None,
    resume: bool,
    keep_checkpoints: bool,
    as_json: bool,
) -> None:
    """Fine-tune an encoder on training pairs.

    `card` is the published card's setting; `skills` makes the encoder that skillstream ships.
    """
    check_local("--output", output)
    from skillstream.encoder.models import resolve_model
    from skillstream.training.pair_files import load_pairs
    from skillstream.training.recipes import RECIPES
    from skillstream.training.trainer import train

    changes = {"steps": steps, "seed": seed, "bf16": bf16}
    recipe = msgspec.structs.replace(RECIPES[name], **{k: v for k, v in changes.items() if v is not None})
    model = resolve_model(base)
    if model.exported:
        raise UsageError(
            f"--base {base}: an exported model cannot be trained; give the folder it was made from"
        )
    examples = load_pairs(pairs)
    if draw is not None:
        examples = random.Random(recipe.seed).choices(examples, k=draw)  # noqa: S311 - no secret
    base_name = "sentence-transformers/all-MiniLM-L6-v2" if base == "base" else model.name
    result = train(
        recipe,
        examples,
        model.path,
        output,
        base_name=base_name,
        resume=resume,
        keep_checkpoints=keep_checkpoints,
        progress=_show,
    )
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("step", justify="right")
    table.add_column("training loss", justify="right")
    for step, loss in result.losses:
        table.add_row(f"{step:,}", f"{loss:.4f}")
    Console(highlight=False).print(table)
    click.echo(
        f"{result.steps:,} steps in {result.seconds:,.0f} s on {result.device}. Model: {result.output}"
    )


def _show(step: int, steps: int, loss: float, left_s: float) -> None:
    end = "\r" if sys.stderr.isatty() and step < steps else "\n"
    click.echo(f"step {step:,} of {steps:,}, loss {loss:.4f}, {left_s:,.0f} s left   ", err=True, nl=False)
    click.echo(end, err=True, nl=False)
