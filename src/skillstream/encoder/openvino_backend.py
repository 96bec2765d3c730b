"""Runs a model by OpenVINO on the CPU, several times faster than torch with the same vectors."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from skillstream.encoder.batches import Batch, BatchEncoder, Collect
from skillstream.encoder.export import (
    INT8_MODEL_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    Manifest,
    read_weights,
)
from skillstream.encoder.models import ModelFolder
from skillstream.encoder.openvino_runtime import openvino
from skillstream.encoder.tokenizer import TextTokenizer
from skillstream.errors import ModelError

__all__ = ["load", "native_precisions"]

# Operations that OpenVINO keeps prepared for shapes that it has met: with its default of 5,000 memory grows
# for hours. Switched off (0), it leaks.
PREPARED = 200

# What everything that is not quantised is computed in. In int8 that is fp32 everywhere, so that the vectors
# are the same on processors with and without bf16.
PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16", "int8": "f32"}


def native_precisions() -> list[str]:
    """What this processor computes in beside fp32, of 16 bits."""
    native = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return [name for name in ("bf16", "fp16") if name.upper() in native]


def load(
    folder: ModelFolder, path: Path, manifest: Manifest, precision: str, threads: int | None = None
) -> BatchEncoder:
    """An encoder by OpenVINO.

    Args:
        folder: the model.
        path: folder of its OpenVINO form.
        manifest: of that folder.
        precision: `fp32`, `bf16`, `fp16` or `int8`.
        threads: threads of the processor; all cores if not given.

    Raises:
        ModelError: the model cannot be loaded, or has no such precision.
    """
    # One core a batch and as many batches as cores: measured 1.4 times as fast as all cores on each batch.
    options: dict[str, object] = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "CPU_RUNTIME_CACHE_CAPACITY": PREPARED,
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
    }
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    core = openvino.Core()
    try:
        model = core.compile_model(_read(core, path, manifest, precision), "CPU", options)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load the model in {path}: {error}") from error
    requests = [
        model.create_infer_request() for _ in range(model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    ]
    lock = threading.Lock()

    def run(batches: Iterator[Batch], collect: Collect) -> None:
        with lock:
            _run(requests, batches, collect)

    tokenizer = TextTokenizer(path / TOKENIZER_FILE, manifest.max_length, lowercase=manifest.lowercase)
    if precision != "int8":  # bf16 where the processor has none is fp32
        hint = model.get_property("INFERENCE_PRECISION_HINT").to_string()
        precision = {"f32": "fp32", "f16": "fp16"}.get(hint, hint)
    threads = model.get_property("INFERENCE_NUM_THREADS")
    how = f"{precision} on {_processor()}, {threads} threads"
    encoder = BatchEncoder(folder, "openvino", precision, manifest.dim, tokenizer, run, how)
    encoder.parallel = len(requests)
    return encoder


def _read(core: openvino.Core, path: Path, manifest: Manifest, precision: str) -> openvino.Model:
    if precision != "int8":
        model, files = MODEL_FILE, manifest.weights
    elif manifest.int8_runtimes:
        model, files = INT8_MODEL_FILE, manifest.int8_weights
    else:
        raise ModelError(
            f"the model {manifest.name} has no int8 form: use another --precision, or make one with"
            " scripts/make_openvino_model.py"
        )
    if files == [WEIGHTS_FILE]:
        return core.read_model(path / model)
    return core.read_model((path / model).read_bytes(), openvino.Tensor(read_weights(path, files)))


def _run(requests: list[openvino.InferRequest], batches: Iterator[Batch], collect: Collect) -> None:
    """While some requests compute, the results of another are copied and its next batch is made."""
    running: deque[tuple[openvino.InferRequest, Batch]] = deque()

    def finish() -> None:
        request, batch = running.popleft()
        request.wait()
        collect(batch, *(output.data for output in request.output_tensors))

    try:
        for batch, request in zip(batches, cycle(requests), strict=False):
            if len(running) == len(requests):
                finish()
            request.start_async([batch.ids, batch.mask], share_inputs=True)
            running.append((request, batch))
        while running:
            finish()
    finally:
        for request, _ in running:  # after an error: a busy request could not be used again
            with suppress(RuntimeError):
                request.wait()


def _processor() -> str:
    return str(openvino.Core().get_property("CPU", "FULL_DEVICE_NAME")).strip()
