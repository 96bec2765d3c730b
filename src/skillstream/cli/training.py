"""`skillstream training-data` and `skillstream train`."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from skillstream.errors import UsageError
from skillstream.storage import check_local

__all__ = ["train_command", "training_data_command"]


@click.command("training-data", epilog="What follows -- is for Beam.")
@click.option(
    "--source",
    "specs",
    multiple=True,
    required=True,
    metavar="KIND=PATH",
    help="esco=FILE, onet=FOLDER, sentences=FILE, spans=FILE, phrases=FILE (or 'builtin'),"
    " pairs=FILE:ANCHOR_COLUMN:POSITIVE_COLUMN; may be repeated.",
)
@click.option("--output", required=True, help="New folder for train/, dev/, test/ and the data card.")
@click.option(
    "--near-duplicates", default=0.9, show_default=True, help="Similarity of near duplicates; 1 keeps all."
)
@click.option(
    "--held-out", default=0.02, show_default=True, help="Share of linked groups for dev, and for test."
)
@click.option("--seed", default=42, show_default=True, help="Seed of the split.")
@click.option(
    "--shards", default=1, show_default=True, help="Files a split; about one for each 100,000 pairs."
)
@click.option(
    "--model", default="base", show_default=True, help="Its tokenizer counts tokens for the data card."
)
@click.option(
    "--negatives", default=0, show_default=True, help="Hard negatives for each pair at most; 0 mines none."
)
@click.option(
    "--negatives-from",
    default="esco",
    show_default=True,
    help="Taxonomy whose labels they are: esco or a path.",
)
@click.option("--miner", default="default", show_default=True, help="The encoder by which they are near.")
@click.option("--runner", default="local", show_default=True, help="Beam runner; local needs nothing else.")
@click.pass_obj
def training_data_command(
    beam_flags: list[str] | None,
    /,
    specs: tuple[str, ...],
    output: str,
    near_duplicates: float,
    held_out: float,
    seed: int,
    shards: int,
    model: str,
    negatives: int,
    negatives_from: str,
    miner: str,
    runner: str,
) -> None:
    """Make training pairs: deduplicated, split without leakage, with a data card.

    The same sources and options make the same bytes, whatever the runner and the number of workers.
    """
    from skillstream.pipelines.training_data import run  # Beam takes seconds to import
    from skillstream.training.data_config import TrainingDataConfig  # Beam takes seconds to import
    from skillstream.training.pair_sources import parse_source

    config = TrainingDataConfig(
        output, near_duplicates, held_out, seed, shards, model, negatives, negatives_from, miner
    )
    facts = run(config, [parse_source(spec) for spec in specs], [f"--runner={runner}", *(beam_flags or [])])
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("pairs", justify="right")
    for name, count in facts["steps"].items():
        table.add_row(name, f"{count:,}")
    Console(highlight=False).print(table)
    click.echo(f"Data card: {Path(output, 'data_card.md')}")


@click.command("train")
@click.option(
    "--recipe",
    "name",
    type=click.Choice(["card", "skills"]),
    required=True,
    help="card: the published model card's setting; skills: the one for tagging.",
)
@click.option("--pairs", required=True, help="Folder that 'training-data' made.")
@click.option(
    "--output", required=True, help="New folder for the model; with --resume that of a run cut off."
)
@click.option("--base", default="base", show_default=True, help="Model to begin with.")
@click.option(
    "--draw", type=click.IntRange(1), help="Draw so many pairs with repeats instead of taking each once."
)
@click.option("--steps", type=click.IntRange(1), help="Steps of the optimiser instead of the recipe's.")
@click.option("--seed", type=int, help="Seed instead of the recipe's.")
@click.option("--bf16/--fp32", default=None, help="Autocast to bfloat16 or not, instead of the recipe's.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint in --output.")
@click.option("--keep-checkpoints", is_flag=True, help="Leave the checkpoints in --output at the end.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
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
