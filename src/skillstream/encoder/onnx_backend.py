"""Runs the 8-bit form of a model by ONNX Runtime: on processors without dot products of 8 bits the fastest.

The graph is in `onnx_int8.onnx`, its large weights are those of OpenVINO's 8-bit model; two products are
exact (ADR 28). Each thread computes a batch of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import onnxruntime

from skillstream.encoder.base import Float32
from skillstream.encoder.batches import Batch, BatchEncoder, Collect
from skillstream.encoder.export import ONNX_INT8_FILE, TOKENIZER_FILE, Manifest, read_weights
from skillstream.encoder.models import ModelFolder
from skillstream.encoder.tokenizer import TextTokenizer
from skillstream.errors import ModelError

__all__ = ["WEIGHTS", "load"]

# What the graph calls the file of its weights: those of the manifest, one after another.
WEIGHTS = "weights"
ONLY_ERRORS = 3

onnxruntime.disable_telemetry_events()  # Windows only has them


def load(folder: ModelFolder, path: Path, manifest: Manifest, threads: int) -> BatchEncoder:
    """An encoder by ONNX Runtime, in int8.

    Args:
        folder: the model.
        path: folder of its form in 8 bits.
        manifest: of that folder.
        threads: batches to compute at a time, at least 1.

    Raises:
        ModelError: the model has no such form, or it cannot be loaded.
    """
    if "onnxruntime" not in manifest.int8_runtimes:
        raise ModelError(f"the model {manifest.name} has no form for onnxruntime: use another --precision")
    session = _session(path, manifest)
    pool = ThreadPoolExecutor(threads, "onnxruntime")

    def compute(batch: Batch) -> tuple[Float32, Float32]:
        pooled, tokens = session.run(["pooled", "tokens"], {"ids": batch.ids, "mask": batch.mask})
        return pooled, tokens

    def run(batches: Iterator[Batch], collect: Collect) -> None:
        running: deque[tuple[Batch, Future[tuple[Float32, Float32]]]] = deque()
        for batch in batches:
            running.append((batch, pool.submit(compute, batch)))
            if len(running) > 2 * threads:  # the next batches are made while these are computed
                collect(*_result(running))
        while running:
            collect(*_result(running))

    tokenizer = TextTokenizer(path / TOKENIZER_FILE, manifest.max_length, lowercase=manifest.lowercase)
    how = f"int8, {threads} threads"
    encoder = BatchEncoder(folder, "onnxruntime", "int8", manifest.dim, tokenizer, run, how)
    encoder.parallel = threads
    return encoder


def _result(
    running: deque[tuple[Batch, Future[tuple[Float32, Float32]]]],
) -> tuple[Batch, Float32, Float32]:
    batch, future = running.popleft()
    pooled, tokens = future.result()
    return batch, pooled, tokens


def _session(path: Path, manifest: Manifest) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = ONLY_ERRORS
    options.enable_mem_pattern = False  # one is kept for every shape of a batch, and there are hundreds
    weights = read_weights(path, manifest.int8_weights)
    options.add_external_initializers_from_files_in_memory([WEIGHTS], [weights], [len(weights)])
    try:
        return onnxruntime.InferenceSession(
            str(path / ONNX_INT8_FILE), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions have no common class
        raise ModelError(f"ONNX Runtime cannot load the model in {path}: {error}") from error
