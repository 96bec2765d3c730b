"""Does a fine-tuned encoder only know the labels it was trained on, and what did it forget?

    python benchmarks/encoder_quality.py --pairs build/pairs base default

Three questions, for each model side by side:
- unseen: pairs of the test split, whose labels and texts were in no training pair, against all labels.
- seen: as many pairs of the train split.
- general: plain sentences that have nothing to do with skills: which of all paraphrases in paraphrases.csv,
  several of the same topic, belongs to each sentence?
- tricked: is a paraphrase nearer than a sentence that shares more words with it but says something else?
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import click
import numpy as np

from skillstream.encoder import Encoder, load_encoder
from skillstream.taxonomy.load import load_taxonomy
from skillstream.training.pair_files import load_pairs
from skillstream.training.pairs import TrainingPair

# (sentence, paraphrase, the same words with another meaning); all invented.
TRIPLES = (
    (
        "The train was late because of snow.",
        "Snow delayed the train.",
        "The late snow was beautiful from the train.",
    ),
    (
        "She bought a second-hand bicycle.",
        "She purchased a used bike.",
        "She sold her bicycle a second time.",
    ),
    (
        "The bank raised its interest rates.",
        "Borrowing from the bank got dearer.",
        "Interest in the river bank rose.",
    ),
    (
        "He forgot to lock the door.",
        "The door was left unlocked by him.",
        "He locked the door and forgot the key.",
    ),
    (
        "The film was far too long.",
        "The movie should have been shorter.",
        "The long film roll was too far away.",
    ),
    (
        "Children under six travel free.",
        "No fare is charged for kids below six.",
        "Six free children travel under water.",
    ),
    (
        "The soup needs more salt.",
        "There is too little salt in the soup.",
        "The soup has far more salt than it needs.",
    ),
    (
        "Our cat sleeps all day.",
        "The pet dozes from morning till night.",
        "All day our neighbour fed the cat.",
    ),
    (
        "The museum is closed on Mondays.",
        "You cannot visit the museum on a Monday.",
        "The museum opened last Monday.",
    ),
    (
        "Prices fell for the third month.",
        "Costs have dropped three months running.",
        "The third price fell off the shelf.",
    ),
    (
        "They cancelled the concert at short notice.",
        "The gig was called off at the last minute.",
        "They noticed a short concert.",
    ),
    (
        "It will probably rain tomorrow.",
        "Tomorrow is likely to be wet.",
        "It probably rained on us yesterday.",
    ),
    (
        "The old bridge was torn down.",
        "They demolished the ancient bridge.",
        "The old man walked down the bridge.",
    ),
    ("I can't stand loud music.", "Noisy songs annoy me.", "I stand near the loud music."),
    (
        "The doctor told him to rest.",
        "He was advised by the physician to take it easy.",
        "He told the doctor the rest.",
    ),
    ("Nobody answered the phone.", "The call went unanswered.", "Nobody told me the answer on the phone."),
)
PARAPHRASES = Path(__file__).with_name("paraphrases.csv")
PER_KIND = 500


def retrieval(
    encoder: Encoder, pairs: list[TrainingPair], labels: list[str], vectors: np.ndarray
) -> dict[str, float]:
    """Accuracy@1 and MRR of the positives among all labels."""
    row = {label: i for i, label in enumerate(labels)}
    pairs = [
        p for p in pairs if p.positive in row and len(encoder.token_spans(p.anchor)) <= encoder.max_tokens
    ]
    scores = encoder.encode([p.anchor for p in pairs]) @ vectors.T
    own = scores[np.arange(len(pairs)), [row[p.positive] for p in pairs]]
    ranks = 1 + (scores > own[:, None]).sum(1)
    return {
        "accuracy@1": round(float((ranks == 1).mean()), 4),
        "mrr": round(float((1 / ranks).mean()), 4),
        "n": len(pairs),
    }


def general(encoder: Encoder) -> dict[str, float]:
    """Accuracy@1 and MRR of the paraphrases, and whether the vectors are finite and of length 1."""
    with PARAPHRASES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    a, b = (encoder.encode([row[column] for row in rows]) for column in ("sentence", "paraphrase"))
    scores = a @ b.T
    ranks = 1 + (scores > np.diag(scores)[:, None]).sum(1)
    return {
        "accuracy@1": round(float((ranks == 1).mean()), 4),
        "mrr": round(float((1 / ranks).mean()), 4),
        "n": len(rows),
        "largest error of a length": round(
            float(np.abs(np.linalg.norm(np.vstack([a, b]), axis=1) - 1).max()), 6
        ),
    }


def tricked(encoder: Encoder) -> dict[str, float]:
    """How often the paraphrase is nearer, and by how much."""
    a, b, c = (encoder.encode(list(texts)) for texts in zip(*TRIPLES, strict=True))
    same, other = (a * b).sum(1), (a * c).sum(1)
    return {"right": round(float((same > other).mean()), 4), "margin": round(float((same - other).mean()), 4)}


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--pairs", required=True, help="Folder that 'skillstream training-data' made.")
def main(models: tuple[str, ...], pairs: str) -> None:
    labels = [skill.label for skill in load_taxonomy("esco").skills]
    chance = random.Random(0)
    sets: dict[str, list[TrainingPair]] = {}
    for name, split in (("unseen", "test"), ("seen", "train")):
        found = load_pairs(pairs, split)
        for kind in ("description", "alternative"):
            of_kind = [pair for pair in found if pair.kind == kind]
            sets[f"{name} {kind}"] = chance.sample(of_kind, min(PER_KIND, len(of_kind)))
    for name in models:
        encoder = load_encoder(name, precision="fp32")
        vectors = encoder.encode(labels)
        figures: dict[str, object] = {
            key: retrieval(encoder, found, labels, vectors) for key, found in sets.items()
        }
        print(
            json.dumps(
                {"model": encoder.name, **figures, "general": general(encoder), "tricked": tricked(encoder)}
            )
        )


if __name__ == "__main__":
    main()
