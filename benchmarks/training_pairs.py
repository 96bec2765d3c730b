"""How fast, and in how much memory, does `training-data` make many pairs?

    python benchmarks/training_pairs.py --rows 1000000

Synthetic rows: one in ten repeats another in other case, one in ten differs from another by a word.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import tempfile
import time
from pathlib import Path

import click

from skillstream.pipelines.training_data import TrainingDataConfig, run
from skillstream.training.sources import parse_source

WORDS = [
    a + b + c
    for a in ("ba", "ke", "li", "mo", "ru")
    for b in ("da", "fe", "gi", "ho")
    for c in ("n", "r", "st", "t")
]


def write_rows(path: Path, rows: int) -> None:
    chance = random.Random(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["text", "skills"])
        kept: list[str] = []
        for number in range(rows):
            if number % 10 == 1 and kept:
                text, skills = chance.choice(kept).upper().split("|")
            elif number % 10 == 2 and kept:
                text, skills = f"{chance.choice(kept)}".split("|")
                text += " again"
            else:
                text = " ".join(chance.choices(WORDS, k=chance.randint(10, 20)))
                skills = " ".join(chance.choices(WORDS, k=4))
                if len(kept) < 10_000:
                    kept.append(f"{text}|{skills}")
            out.writerow([text, skills])


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--near-duplicates", default=0.9, show_default=True)
@click.option("--shards", default=8, show_default=True)
def main(rows: int, near_duplicates: float, shards: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "rows.csv"), rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        source = parse_source(f"pairs={folder}/rows.csv:text:skills")
        started = time.monotonic()
        facts = run(TrainingDataConfig(f"{folder}/pairs", near_duplicates, shards=shards), [source])
        figures = {
            "rows": rows,
            "seconds": round(time.monotonic() - started, 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "peak_mb_before": round(before / 1024),
            "steps": facts["steps"],
            "leakage": facts["leakage"],
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
