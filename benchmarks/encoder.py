"""How fast are the encoder's backends beside sentence-transformers, and do they give the same vectors?

    python benchmarks/encoder.py POSTINGS.jsonl [--sentences 2000] [--repeats 3] [--json]

Sentences are the lines of the postings' descriptions, a random sample of those that need no windows. All
contenders are loaded first, then each encodes all sentences in turn, several times, so that other
load on the machine meets all of them alike. Tokens/s by the clock are those of the best repeat; tokens
per CPU second, times the number of cores, are what a machine with nothing else to do would give at most.
Tokens include special tokens, padding does not count. Cosines are to sentence-transformers in fp32.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer

from skillstream.encoder import load_encoder, resolve_model

Encode = Callable[[Sequence[str]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("postings", type=Path, help="JSONL with a description in each line")
    parser.add_argument("--model", default="base")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of the contenders to run")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    encoders = {
        name: load_encoder(options.model, *name.split())
        for name in ("torch fp32", "openvino fp32", "openvino bf16")
    }
    contenders: dict[str, Encode] = {"sentence-transformers fp32": plain(options.model)}
    contenders |= best_settings(options.model)
    for name, encoder in encoders.items():
        contenders[name] = lambda texts, encoder=encoder: encoder.encode_tokens(texts).pooled
    contenders["openvino bf16, pooled only"] = encoders["openvino bf16"].encode
    if options.only:
        contenders = {name: contenders[name] for name in options.only}

    fast = encoders["openvino bf16"]
    texts = sample(
        options.postings, options.sentences, lambda text: len(fast.token_spans(text)) <= fast.max_tokens
    )
    tokens = sum(len(fast.token_spans(text)) + 2 for text in texts)
    results = measure(contenders, texts, tokens, options.repeats)
    setting = {
        "sentences": len(texts),
        "tokens": tokens,
        "cores": os.cpu_count(),
        "openvino": fast.describe(),
    }
    if options.json:
        print(json.dumps({"setting": setting, "results": results}, indent=1))
    else:
        show(setting, results)


def plain(model: str) -> Encode:
    encoder = SentenceTransformer(str(resolve_model(model).path), device="cpu")
    return lambda texts: encoder.encode(
        list(texts), batch_size=32, show_progress_bar=False, normalize_embeddings=True
    )


def best_settings(model: str) -> dict[str, Encode]:
    """sentence-transformers' other ways; it sorts by length by itself. ONNX and OpenVINO need optimum."""
    ways: dict[str, dict[str, object]] = {
        "bf16": {"model_kwargs": {"dtype": "bfloat16"}},
        "onnx": {"backend": "onnx"},
        "openvino": {"backend": "openvino"},
    }
    encoders: dict[str, Encode] = {}
    for name, how in ways.items():
        try:
            encoder = SentenceTransformer(str(resolve_model(model).path), device="cpu", **how)
        except Exception as error:  # noqa: BLE001 - whatever is missing: the others can be measured
            print(f"sentence-transformers {name} left out: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        encoders[f"sentence-transformers {name}"] = lambda texts, encoder=encoder: encoder.encode(
            list(texts), batch_size=128, show_progress_bar=False, normalize_embeddings=True
        )
    return encoders


def sample(path: Path, size: int, fits: Callable[[str], bool]) -> list[str]:
    postings = [json.loads(line)["description"] for line in path.read_text("utf-8").splitlines()]
    lines = [line.strip() for posting in postings for line in posting.splitlines()]
    chosen = random.Random(0).sample([line for line in lines if line], 2 * size)
    return [line for line in chosen if fits(line)][:size]


def measure(
    contenders: dict[str, Encode], texts: list[str], tokens: int, repeats: int
) -> dict[str, dict[str, float]]:
    walls: dict[str, list[float]] = {name: [] for name in contenders}
    cpus: dict[str, list[float]] = {name: [] for name in contenders}
    vectors: dict[str, np.ndarray] = {}
    for encode in contenders.values():
        encode(texts[:64])  # warm up
    for _ in range(repeats):
        for name, encode in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            vectors[name] = encode(texts)
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(time.process_time() - cpu)
    first = next(iter(contenders))
    results = {}
    for name in contenders:
        cosines = (vectors[name] * vectors[first]).sum(1)
        results[name] = {
            "tokens_per_s": tokens / min(walls[name]),
            "tokens_per_cpu_s": tokens / min(cpus[name]),
            "ratio": min(walls[first]) / min(walls[name]),
            "ratio_cpu": min(cpus[first]) / min(cpus[name]),
            "cosine_mean": float(cosines.mean()),
            "cosine_min": float(cosines.min()),
        }
    return results


def show(setting: dict[str, object], results: dict[str, dict[str, float]]) -> None:
    cores = os.cpu_count() or 1
    table = Table(
        title=", ".join(
            f"{value:,} {key}" if isinstance(value, int) else str(value) for key, value in setting.items()
        )
    )
    for column in (
        "encoder",
        "tokens/s",
        "ratio",
        f"tokens per CPU s × {cores}",
        "ratio",
        "cosine mean",
        "min",
    ):
        table.add_column(column, justify="left" if column == "encoder" else "right", overflow="fold")
    for name, r in results.items():
        table.add_row(
            name,
            f"{r['tokens_per_s']:,.0f}",
            f"{r['ratio']:.1f}",
            f"{r['tokens_per_cpu_s'] * cores:,.0f}",
            f"{r['ratio_cpu']:.1f}",
            f"{r['cosine_mean']:.5f}",
            f"{r['cosine_min']:.5f}",
        )
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
