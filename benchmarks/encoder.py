"""How fast are the encoder's backends beside sentence-transformers, and do they give the same vectors?

    python benchmarks/encoder.py POSTINGS.jsonl [--sentences 2000] [--repeats 3] [--json]
    python benchmarks/encoder.py POSTINGS.jsonl --lengths lengths.svg

Sentences are the lines of the postings' descriptions, a random sample of those that need no windows. All
contenders are loaded first, then each encodes all sentences in turn, several times, so that other
load on the machine meets all of them alike. Tokens/s by the clock are those of the best repeat; tokens
per CPU second, times the number of cores, are what a machine with nothing else to do would give at most.
Tokens include special tokens, padding does not count. Cosines are to sentence-transformers in fp32.

With `--lengths`, tokens/s of sentence-transformers' default and of what `auto` takes, by the length of texts
cut from the postings, are printed and drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from rich.console import Console
from rich.table import Table
from sentence_transformers import SentenceTransformer
from transformers import AutoModel

from skillstream.encoder import Encoder, load_encoder, openvino_backend, resolve_model
from skillstream.errors import ModelError

LENGTHS = (8, 16, 32, 64, 128, 250)
TOKENS_A_LENGTH = 8_000

Encode = Callable[[Sequence[str]], np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("postings", type=Path, help="JSONL with a description in each line")
    parser.add_argument("--model", default="default")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="*", help="names of the contenders to run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--lengths", type=Path, help="plot of the speed by length; needs matplotlib")
    options = parser.parse_args()

    fast = load_encoder(options.model)
    if options.lengths:
        by_length(options, fast)
        return
    contenders: dict[str, Encode] = {"sentence-transformers fp32": plain(options.model)}
    contenders |= best_settings(options.model)
    contenders["sentence-transformers onnx int8, as if"] = dynamic_int8(options.model)
    for name in ("torch fp32", "openvino fp32", *native_precisions(), "openvino int8", "onnxruntime int8"):
        try:
            encoder = load_encoder(options.model, *name.split())
        except ModelError as error:
            print(f"{name} left out: {error}", file=sys.stderr)
            continue
        contenders[name] = lambda texts, encoder=encoder: encoder.encode_tokens(texts).pooled
    if options.only:
        contenders = {name: contenders[name] for name in options.only}

    texts = sample(
        options.postings, options.sentences, lambda text: len(fast.token_spans(text)) <= fast.max_tokens
    )
    tokens = sum(len(fast.token_spans(text)) + 2 for text in texts)
    results = measure(contenders, texts, tokens, options.repeats)
    setting = {
        "sentences": len(texts),
        "tokens": tokens,
        "cores": os.cpu_count(),
        "auto": fast.describe(),
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


def native_precisions() -> list[str]:
    return [f"openvino {name}" for name in openvino_backend.native_precisions()]


def dynamic_int8(model: str) -> Encode:
    """What sentence-transformers does with an ONNX file in int8 ("model_qint8_avx2"), without optimum.

    The torch model is exported and its weights quantised as optimum does it, by `quantize_dynamic`; texts are
    sorted by length, in batches of 32, each on all cores.
    """
    source = SentenceTransformer(str(resolve_model(model).path), device="cpu")
    transformer = AutoModel.from_pretrained(
        str(resolve_model(model).path), attn_implementation="eager"
    ).eval()

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state

    axes = {name: {0: "b", 1: "length"} for name in ("ids", "mask", "hidden")}
    ones = torch.ones(2, 8, dtype=torch.int64)
    with tempfile.TemporaryDirectory() as folder:
        full, eight = f"{folder}/full.onnx", f"{folder}/eight.onnx"
        torch.onnx.export(
            Hidden().float(), (ones, ones), full, input_names=["ids", "mask"], output_names=["hidden"],
            dynamic_axes=axes, opset_version=17, dynamo=False,
        )  # fmt: skip
        quantize_dynamic(full, eight, weight_type=QuantType.QInt8, per_channel=True)
        session = onnxruntime.InferenceSession(eight, providers=["CPUExecutionProvider"])

    def encode(texts: Sequence[str]) -> np.ndarray:
        order = np.argsort([-len(text) for text in texts], kind="stable")
        vectors = np.empty((len(texts), transformer.config.hidden_size), np.float32)
        for first in range(0, len(order), 32):
            rows = order[first : first + 32]
            batch = source.tokenizer([texts[row] for row in rows], padding=True, return_tensors="np")
            [hidden] = session.run(None, {"ids": batch["input_ids"], "mask": batch["attention_mask"]})
            there = batch["attention_mask"][..., None]
            pooled = (hidden * there).sum(1) / there.sum(1)
            vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        return vectors

    return encode


def sample(path: Path, size: int, fits: Callable[[str], bool]) -> list[str]:
    postings = [json.loads(line)["description"] for line in path.read_text("utf-8").splitlines()]
    lines = [line.strip() for posting in postings for line in posting.splitlines()]
    chosen = random.Random(0).sample([line for line in lines if line], 2 * size)
    return [line for line in chosen if fits(line)][:size]


def by_length(options: argparse.Namespace, fast: Encoder) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot

    contenders = {
        "sentence-transformers fp32": plain(options.model),
        f"skillstream, {fast.backend} {fast.precision}": lambda texts: fast.encode_tokens(texts).pooled,
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for length in LENGTHS:
        texts = texts_of(options.postings, length, TOKENS_A_LENGTH // length, fast)
        results = measure(contenders, texts, length * len(texts), options.repeats)
        for name in contenders:
            speeds[name].append(results[name]["tokens_per_s"])
        first, second = (speed[-1] for speed in speeds.values())
        print(f"{length:>4} tokens: {first:>7,.0f} and {second:>7,.0f} tokens/s, {second / first:.1f}")
    figure, axes = pyplot.subplots(figsize=(7, 4))
    for name, speed in speeds.items():
        axes.plot(LENGTHS, speed, marker="o", label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(LENGTHS, [str(length) for length in LENGTHS])
    axes.set_ylim(bottom=0)
    axes.set_xlabel("tokens of a text")
    axes.set_ylabel("tokens per second")
    axes.legend()
    figure.tight_layout()
    figure.savefig(options.lengths)


def texts_of(path: Path, length: int, count: int, fast: Encoder) -> list[str]:
    """Texts of so many tokens (special ones included), cut from the postings one after another."""
    texts: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        posting = json.loads(line)["description"]
        spans = fast.token_spans(posting)
        for first in range(0, len(spans) - length, length - 2):
            texts.append(posting[spans[first][0] : spans[first + length - 3][1]])
            if len(texts) == count:
                return texts
    return texts


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
