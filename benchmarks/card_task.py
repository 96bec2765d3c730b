"""The published card's own task, role description → skills text, and what a leaking split makes of it.

    python benchmarks/card_task.py --pairs roles.csv:job_description:skills --steps 600

The rows are split twice: at random, as rows come, so that most held-out texts are also in training; and
by groups, with no text on both sides, as `skillstream training-data` does it. For each split the recipe
`card` runs on draws from its training rows, and base and trained model are asked which of all skills texts
belongs to each held-out description.
"""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
import numpy as np

from skillstream.encoder import Encoder, load_encoder
from skillstream.encoder.models import resolve_model
from skillstream.training.pairs import Kind, TrainingPair, make_pair, text_id
from skillstream.training.recipes import RECIPES
from skillstream.training.split import SplitTable
from skillstream.training.trainer import train

HELD_OUT = 0.2


def read(spec: str) -> list[TrainingPair]:
    """All rows in their order, repeats and all."""
    path, anchor, positive = spec.rsplit(":", 2)
    with Path(path).open(encoding="utf-8", newline="") as file:
        made = [make_pair(row[anchor], row[positive], Kind.ROLE, "rows") for row in csv.DictReader(file)]
    return [pair for pair in made if isinstance(pair, TrainingPair)]


def by_random(rows: Sequence[TrainingPair], seed: int) -> tuple[list[TrainingPair], list[TrainingPair]]:
    shuffled = random.Random(seed).sample(list(rows), len(rows))
    held = round(HELD_OUT * len(rows))
    return shuffled[held:], shuffled[:held]


def by_group(rows: Sequence[TrainingPair], seed: int) -> tuple[list[TrainingPair], list[TrainingPair]]:
    edges = np.array([(text_id(pair.anchor), text_id(pair.positive)) for pair in rows], np.int64)
    table = SplitTable.of(edges, np.empty((0, 2), np.int64), seed, HELD_OUT / 2)
    train_rows = [pair for pair in rows if table.find(text_id(pair.anchor)) == "train"]
    return train_rows, [pair for pair in rows if table.find(text_id(pair.anchor)) != "train"]


def ask(encoder: Encoder, held: Sequence[TrainingPair], texts: Sequence[str]) -> dict[str, float]:
    """Accuracy@1 and MRR, each distinct held-out pair once, among all skills texts."""
    pairs = sorted(set(held))
    scores = (
        encoder.encode([cut(pair.anchor, encoder) for pair in pairs])
        @ encoder.encode([cut(text, encoder) for text in texts]).T
    )
    own = scores[np.arange(len(pairs)), [texts.index(pair.positive) for pair in pairs]]
    ranks = 1 + (scores > own[:, None]).sum(1)
    return {"accuracy@1": round(float((ranks == 1).mean()), 4), "mrr": round(float((1 / ranks).mean()), 4)}


def cut(text: str, encoder: Encoder) -> str:
    spans = encoder.token_spans(text)[: encoder.max_tokens]
    return text[: spans[-1][1]]


def floor(rows: Sequence[TrainingPair], batch: int) -> float:
    """The loss that repeats alone cost a perfect model: mean ln(copies of a row's pair in its batch)."""
    chance = random.Random(0)
    total = 0.0
    for _ in range(20_000):
        drawn = chance.choices(rows, k=batch)
        total += float(np.log([drawn.count(pair) for pair in drawn]).mean())
    return total / 20_000


@click.command()
@click.option("--pairs", "spec", required=True, help="FILE.csv:ANCHOR_COLUMN:POSITIVE_COLUMN")
@click.option("--steps", default=600, show_default=True)
@click.option("--seed", default=42, show_default=True)
@click.option(
    "--model", "models", multiple=True, help="Further models to be asked on the same held-out rows."
)
def main(spec: str, steps: int, seed: int, models: tuple[str, ...]) -> None:
    rows = read(spec)
    texts = sorted({pair.positive for pair in rows})
    recipe = msgspec.structs.replace(RECIPES["card"], epochs=1, bf16=True, seed=seed)
    print(json.dumps({"rows": len(rows), "distinct": len(set(rows)), "floor": round(floor(rows, 16), 4)}))
    for name, split in (("random", by_random), ("group", by_group)):
        train_rows, held = split(rows, seed)
        both = len({p.anchor for p in held} & {p.anchor for p in train_rows}) / len({p.anchor for p in held})
        drawn = random.Random(seed).choices(train_rows, k=steps * recipe.batch_size)
        figures = {"split": name, "held_out": len(set(held)), "also_in_training": round(both, 3)}
        with tempfile.TemporaryDirectory() as folder:
            result = train(recipe, drawn, resolve_model("base").path, f"{folder}/card")
            trained = load_encoder(f"{folder}/card", backend="torch")
            figures |= {"base": ask(load_encoder("base", backend="torch"), held, texts)}
            figures |= {"card": ask(trained, held, texts), "losses": result.losses}
        figures |= {model: ask(load_encoder(model, backend="torch"), held, texts) for model in models}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
