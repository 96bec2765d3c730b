"""Does the encoder's memory grow with the number of shapes it meets?

    python benchmarks/encoder_memory.py                 # as shipped
    python benchmarks/encoder_memory.py --prepared 5000 # OpenVINO's default

Batches of random shapes go through the encoder; prints shapes met and resident memory in MB after every 100.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from unittest import mock

import numpy as np
import psutil

from skillstream.encoder import load_encoder, openvino_backend
from skillstream.encoder.batches import Batch


def batches(count: int, random: np.random.Generator, shapes: set[tuple[int, int]]) -> Iterator[Batch]:
    for _ in range(count):
        length = int(random.integers(4, 120))
        texts = int(random.integers(1, max(2, min(24, 256 // length))))
        shapes.add((texts, length))
        ids = random.integers(1000, 20_000, (texts, length))
        yield Batch(np.arange(texts), ids, np.ones((texts, length), np.int64))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--prepared", type=int, default=openvino_backend.PREPARED)
    parser.add_argument("--batches", type=int, default=600)
    options = parser.parse_args()
    with mock.patch.object(openvino_backend, "PREPARED", options.prepared):
        encoder = load_encoder("default", "openvino", "fp32")
    process, random, shapes = psutil.Process(), np.random.default_rng(0), set[tuple[int, int]]()
    found = [(0, round(process.memory_info().rss / 1e6))]
    for _ in range(options.batches // 100):
        encoder._run(batches(100, random, shapes), lambda *_: None)  # noqa: SLF001
        found.append((len(shapes), round(process.memory_info().rss / 1e6)))
    print(json.dumps({"prepared": options.prepared, "shapes_and_mb": found}))


if __name__ == "__main__":
    main()
