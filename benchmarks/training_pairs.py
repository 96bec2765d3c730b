"""How fast, and in how much memory, does `training-data` make many pairs?

    python -m benchmarks.training_pairs --rows 1000000            # Beam's local runner: all in memory
    python -m benchmarks.training_pairs --rows 1000000 --flink    # a Flink cluster on this machine

Synthetic rows: one in ten repeats another in other case, one in ten differs from another by a word.
"""

from __future__ import annotations

import csv
import json
import random
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click
import psutil

from skillstream.pipelines.training_data import run
from skillstream.training.data_config import TrainingDataConfig
from skillstream.training.pair_sources import parse_source
from tests.servers.flink import FlinkCluster

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


@contextmanager
def watched(cluster: FlinkCluster, peaks: dict[str, int]) -> Iterator[None]:
    """Resident memory of Python workers and TaskManager at its highest, in MB, looked at twice a second."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            with suppress(psutil.Error, KeyError):
                processes = {f"worker {process.pid}": process for process in cluster.workers()}
                processes["taskmanager"] = psutil.Process(cluster.processes["taskmanager-1"].pid)
                for name, process in processes.items():
                    peaks[name] = max(peaks.get(name, 0), process.memory_info().rss >> 20)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@click.command()
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--near-duplicates", default=0.9, show_default=True)
@click.option("--shards", default=8, show_default=True)
@click.option("--flink", is_flag=True, help="On a Flink cluster with two slots.")
@click.option("--heap-mb", default=512, show_default=True, help="Task heap of its TaskManager.")
def main(rows: int, near_duplicates: float, shards: int, flink: bool, heap_mb: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder, "rows.csv"), rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        source = parse_source(f"pairs={folder}/rows.csv:text:skills")
        config = TrainingDataConfig(output=f"{folder}/pairs", near_duplicates=near_duplicates, shards=shards)
        peaks: dict[str, int] = {}
        if flink:
            Path(folder, "flink").mkdir()
            with (
                FlinkCluster(Path(folder, "flink"), task_heap_mb=heap_mb) as cluster,
                watched(cluster, peaks),
            ):
                started = time.monotonic()
                facts = run(config, [source], cluster.beam_flags(2))
        else:
            started = time.monotonic()
            facts = run(config, [source])
        figures = {
            "rows": rows,
            "seconds": round(time.monotonic() - started, 1),
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "peak_mb_before": round(before / 1024),
            "peak_mb_on_flink": peaks,
            "steps": facts["steps"],
            "leakage": facts["leakage"],
        }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
