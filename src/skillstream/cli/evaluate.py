"""`skillstream evaluate`: ranking figures on annotated sentences."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from skillstream.cli.options import json_option
from skillstream.encoder import load_encoder
from skillstream.encoder.load import BACKENDS, PRECISIONS
from skillstream.ranking import (
    LANES,
    Figures,
    evaluate,
    labels_index,
    load_heads,
    read_annotations,
    read_labels,
)

__all__ = ["evaluate_command"]


@click.command("evaluate")
@click.option(
    "--annotations",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV file with the annotated sentences; see above for its columns.",
)
@click.option(
    "--labels",
    required=True,
    type=click.Path(path_type=Path),
    help="Text file with the vocabulary, one label per line.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    help="Encoder model to evaluate: 'default', 'base', a folder or a hub id.",
)
@click.option(
    "--lanes",
    type=click.Choice(LANES),
    default="full",
    show_default=True,
    help="Scores to rank by: 'pooled' are sentence vectors; 'semantic' adds token-level matches; 'exact' are "
    "names found in the text; 'full' combines all.",
)
@click.option(
    "--backend",
    type=click.Choice(["auto", *BACKENDS]),
    default="auto",
    show_default=True,
    help="Library that runs the encoder; 'auto' is OpenVINO on a CPU and torch on a CUDA GPU.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="Numeric precision of the encoder: 'fp32' gives the same figures on every machine; 'auto' is what "
    "tagging uses.",
)
@json_option
def evaluate_command(
    annotations: Path, labels: Path, model: str, lanes: str, backend: str, precision: str, as_json: bool
) -> None:
    """Measure the ranking on annotated sentences: MRR, RP@1/5/10, R@50; precision, recall and F1 of tags.

    Every label of the vocabulary is a candidate for every sentence. --annotations is a CSV with the columns
    sentence and label (one row per label), or sentence and skills (a Python list of labels).
    """
    annotated, vocabulary = read_annotations(annotations), read_labels(labels)
    encoder = load_encoder(model, backend, precision)
    heads = load_heads(encoder.fingerprint)
    index = labels_index(vocabulary, encoder)
    figures = evaluate(annotated, index, encoder, heads, lanes)
    if as_json:
        about = {
            "lanes": lanes,
            "labels": len(vocabulary),
            "model": encoder.name,
            "model_fingerprint": encoder.fingerprint,
            "backend": encoder.backend,
            "calibrated": heads.calibrated,
        }
        click.echo(msgspec.json.encode(msgspec.to_builtins(figures) | about))
    else:
        _print(figures, f"{annotations.name}: {lanes} ranking by {encoder.name} ({encoder.backend})")
        if not heads.calibrated:
            click.echo("No heads were fitted for this model: confidence and threshold are rough.", err=True)


def _print(figures: Figures, title: str) -> None:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    ranking = {
        "MRR": figures.mrr,
        "RP@1": figures.rp1,
        "RP@5": figures.rp5,
        "RP@10": figures.rp10,
        "R@50": figures.r50,
    }
    tags = {"precision": figures.precision, "recall": figures.recall, "F1": figures.f1}
    for name in (*ranking, *tags):
        table.add_column(name, justify="right")
    table.add_row(*(f"{100 * value:.1f}" for value in (*ranking.values(), *tags.values())))
    console = Console(highlight=False)
    console.print(table)
    console.print(
        f"ranking over {figures.n} sentences with a label of the vocabulary; {figures.tags} tags with"
        f" confidence ≥ {figures.threshold:.2f} in all {figures.sentences} sentences"
    )
