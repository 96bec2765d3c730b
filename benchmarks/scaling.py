"""What does a posting cost as the taxonomy grows, and as the postings grow in number?

    python benchmarks/scaling.py skills POSTINGS.jsonl [--postings 100] [--skills 1000 10000 100000] [--json]
    python benchmarks/scaling.py postings POSTINGS.jsonl [--postings 100 1000 10000 100000] [--json]

`skills`: the same postings are tagged with indexes of more and more skills: the first ones of the default
taxonomies, and beyond these, labels put together from the words of two. CPU time of one process; the
encoder's is told apart, since it does not depend on the skills.

`postings`: `skillstream tag` over the postings again and again, under new ids. The cache knows their
sentences, so it is the cost beside the encoder, of planning, reading, ranking and publishing, whose growth
would show. CPU time and peak memory of the process and those that it starts, loading included.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from skillstream import Tagger
from skillstream.encoder import Encoder, load_encoder
from skillstream.encoder.base import Encoded, Float32
from skillstream.index.skills_index import build_index
from skillstream.taxonomy.combine import combine_taxonomies
from skillstream.taxonomy.load import load_taxonomy
from skillstream.taxonomy.skills import Skill, Taxonomy


class TimedEncoder:
    """An encoder that keeps the CPU seconds it has used."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.seconds = 0.0
        self.name, self.backend, self.dim = encoder.name, encoder.backend, encoder.dim
        self.max_tokens, self.fingerprint = encoder.max_tokens, encoder.fingerprint

    def encode(self, texts: Sequence[str]) -> Float32:
        return self._encoder.encode(texts)

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        start = time.process_time()
        encoded = self._encoder.encode_tokens(texts)
        self.seconds += time.process_time() - start
        return encoded

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return self._encoder.token_spans(text)

    def describe(self) -> str:
        return self._encoder.describe()


def taxonomy_of(n: int) -> Taxonomy:
    """The first `n` skills of the default taxonomies, and made-up ones if they have fewer."""
    skills = combine_taxonomies([load_taxonomy("esco"), load_taxonomy("technologies")]).skills[:n]
    labels = [skill.label.split() for skill in skills]
    draw = np.random.default_rng(0).integers(len(labels), size=(n - len(skills), 2))
    made_up = [
        Skill(
            uri=f"urn:made-up:{i}",
            label=" ".join([*labels[a][:3], *labels[b][-3:]]),
            alt_labels=[],
            groups=[],
            kind="skill",
        )
        for i, (a, b) in enumerate(draw)
    ]
    return Taxonomy("scaling", str(n), [*skills, *made_up])


def valid_records(path: Path) -> list[dict[str, object]]:
    records = []
    for line in path.read_bytes().splitlines():
        with contextlib.suppress(ValueError):
            record = json.loads(line)
            if record.get("description"):
                records.append(record)
    return records


def by_skills(path: Path, postings: int, sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    records = valid_records(path)[:postings]
    encoder = TimedEncoder(load_encoder("default"))
    results = {}
    for size in sizes:
        tagger = Tagger(encoder, build_index(taxonomy_of(size), encoder))
        tagger.tag(records[0])
        encoder.seconds, start = 0.0, time.process_time()
        tags = sum(len(tagger.tag(record)) for record in records)
        beside = time.process_time() - start - encoder.seconds
        results[str(size)] = {
            "beside_encoder_ms": 1000 * beside / len(records),
            "encoder_ms": 1000 * encoder.seconds / len(records),
            "tags_per_posting": tags / len(records),
        }
    return results


def by_postings(path: Path, sizes: Sequence[int]) -> dict[str, dict[str, float]]:
    records = valid_records(path)
    results = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            feed, output = Path(folder, "feed.jsonl"), Path(folder, "out")
            with feed.open("w") as lines:
                for i, record in zip(range(size), itertools.cycle(records)):
                    lines.write(json.dumps({**record, "id": f"posting-{i}"}) + "\n")
            command = ["-m", "skillstream", "tag", str(feed), "--output", str(output), "--workers", "1"]
            start = time.perf_counter()
            process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(process.pid, 0)  # with those that it has started and waited for
            if os.waitstatus_to_exitcode(status) not in (0, 1):  # 1: some records were rejected
                sys.exit(f"tag has failed with {size} postings")
            results[str(size)] = {
                "seconds": time.perf_counter() - start,
                "cpu_ms_per_posting": 1000 * (used.ru_utime + used.ru_stime) / size,
                "peak_memory_mb": used.ru_maxrss / 1024,
            }
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("question", choices=["skills", "postings"])
    parser.add_argument("input", type=Path, help="JSON lines")
    parser.add_argument("--postings", type=int, nargs="+")
    parser.add_argument("--skills", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.question == "skills":
        results = by_skills(options.input, (options.postings or [100])[0], options.skills)
    else:
        results = by_postings(options.input, options.postings or [100, 1_000, 10_000, 100_000])
    if options.json:
        print(json.dumps(results))
        return
    for size, figures in results.items():
        print(f"{size:>9}", *(f"{name} {figure:,.1f}" for name, figure in figures.items()), sep="  ")


if __name__ == "__main__":
    main()
