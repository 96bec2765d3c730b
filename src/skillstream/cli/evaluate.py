"""`skillstream evaluate`: ranking figures on annotated sentences, or of judged lists of whole postings."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from skillstream.cli.evaluate_judged import judged_report, print_judged, report_to_dict, tag_judged
from skillstream.cli.options import json_option
from skillstream.encoder import Encoder, exact_encoder, load_encoder
from skillstream.encoder.load import BACKENDS, PRECISIONS
from skillstream.errors import UsageError
from skillstream.ranking import (
    LANES,
    Figures,
    evaluate,
    labels_index,
    load_heads,
    read_annotations,
    read_judgements,
    read_labels,
)
from skillstream.tagging import TagConfig, Tagger
from skillstream.taxonomy import DEFAULT_TAXONOMIES

__all__ = ["evaluate_command"]


@click.command("evaluate")
@click.option(
    "--annotations",
    type=click.Path(path_type=Path),
    help="CSV file with the annotated sentences; see above for its columns. Needs --labels.",
)
@click.option(
    "--labels", type=click.Path(path_type=Path), help="Text file with the vocabulary, one label per line."
)
@click.option(
    "--judgements",
    type=click.Path(path_type=Path),
    help="JSONL file with judged tags of whole postings; see above. Needs --postings.",
)
@click.option("--postings", type=click.Path(path_type=Path), help="JSONL file with the judged postings.")
@click.option(
    "--taxonomy",
    multiple=True,
    default=DEFAULT_TAXONOMIES,
    show_default=True,
    help="Taxonomies to tag the judged postings with: 'esco', 'technologies' or a path; repeatable.",
)
@click.option(
    "--min-confidence",
    type=float,
    help="Minimum confidence of tags of the judged postings; by default as for 'skillstream tag'.",
)
@click.option("--top-k", default=20, show_default=True, help="Maximum number of tags per judged posting.")
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
    help="Library that runs the encoder; 'auto' is the fastest one on a CPU, and torch on a CUDA GPU.",
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
    annotations: Path | None,
    labels: Path | None,
    judgements: Path | None,
    postings: Path | None,
    taxonomy: tuple[str, ...],
    min_confidence: float | None,
    top_k: int,
    model: str,
    lanes: str,
    backend: str,
    precision: str,
    as_json: bool,
) -> None:
    """Measure the ranking of sentences, or the lists of whole postings.

    With --annotations and --labels: MRR, RP@1/5/10, R@50; precision, recall and F1 of tags. Every label of
    the vocabulary is a candidate for every sentence. --annotations is a CSV with the columns sentence and
    label (one row per label), or sentence and skills (a Python list of labels).

    With --judgements and --postings: how many tags of a posting's list a careful reader calls right,
    debatable or wrong, how many of the right ones are found, and whether the confidence means what it says.
    --judgements has one JSON object per line, such as
    {"id": "p1", "tags": [{"uri": "...", "label": "SQL", "verdict": "r"}]};
    verdicts are r (right), o (right, but only wished for), d (debatable) and w (wrong).
    """
    encoder_options = (model, backend, precision)
    if judgements and postings and not (annotations or labels):
        config = TagConfig(
            model=model, backend=backend, taxonomy=taxonomy, min_confidence=min_confidence, top_k=top_k
        )
        _evaluate_judged(judgements, postings, config, load_encoder(*encoder_options), as_json=as_json)
    elif annotations and labels and not (judgements or postings):
        encoder = load_encoder(*encoder_options)
        exact = encoder if encoder.precision == "fp32" else exact_encoder(model, backend)
        _evaluate_sentences(annotations, labels, lanes, encoder, exact, as_json=as_json)
    else:
        raise UsageError("give either --annotations and --labels, or --judgements and --postings")


def _evaluate_judged(
    judgements: Path, postings: Path, config: TagConfig, encoder: Encoder, *, as_json: bool
) -> None:
    judged = read_judgements(judgements)
    tagger = Tagger.from_config(config, encoder)
    lists = tag_judged(tagger, judged, postings)
    judged = [posting for posting in judged if posting.id in lists]
    report = judged_report(judged, lists)
    if as_json:
        about = {
            "min_confidence": tagger.ranker.min_confidence,
            "model": encoder.name,
            "model_fingerprint": encoder.fingerprint,
            "backend": encoder.backend,
            "taxonomy": tagger.taxonomy_version,
        }
        click.echo(msgspec.json.encode(report_to_dict(report) | about))
    else:
        threshold = tagger.ranker.min_confidence
        title = f"{len(judged)} judged postings, tags with confidence ≥ {threshold:.2f} by {encoder.name}"
        print_judged(report, title, len(lists))
        if tagger.ranker.stage is None:
            click.echo("No posting stage was fitted for this model: confidence is rough.", err=True)


def _evaluate_sentences(
    annotations: Path, labels: Path, lanes: str, encoder: Encoder, exact: Encoder, *, as_json: bool
) -> None:
    annotated, vocabulary = read_annotations(annotations), read_labels(labels)
    heads = load_heads(encoder.fingerprint)
    index = labels_index(vocabulary, exact)  # as tagging has it
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
