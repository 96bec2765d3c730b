"""Runs a model by OpenVINO on the CPU, several times faster than torch with the same vectors.

The first use of a model converts it (which needs torch) and keeps the result in the user's cache
folder under the model's fingerprint; later starts, and exported models, need neither torch nor
transformers.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from skillstream.encoder.batches import Batch, BatchEncoder, Collect
from skillstream.encoder.export import MODEL_FILE, TOKENIZER_FILE, Manifest, read_manifest, write_export
from skillstream.encoder.models import ModelFolder
from skillstream.encoder.openvino_runtime import openvino
from skillstream.encoder.tokenizer import TextTokenizer
from skillstream.errors import ModelError
from skillstream.storage import cache_folder

__all__ = ["load"]

logger = logging.getLogger(__name__)

# Operations that OpenVINO keeps prepared for shapes that it has met: with its default of 5,000 memory grows
# for hours. Switched off (0), it leaks.
PREPARED = 200

PRECISIONS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}


def load(folder: ModelFolder, precision: str = "auto", threads: int | None = None) -> BatchEncoder:
    """An encoder by OpenVINO.

    Args:
        folder: the model.
        precision: `fp32`, `bf16`, `fp16`, or `auto`: the fastest that the processor computes natively.
        threads: threads of the processor; all cores if not given.

    Raises:
        ModelError: the model cannot be converted or loaded.
    """
    path, manifest = _converted(folder)
    # One core a batch and as many batches as cores: measured 1.4 times as fast as all cores on each batch.
    options: dict[str, object] = {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "CPU_RUNTIME_CACHE_CAPACITY": PREPARED,
    }
    if precision != "auto":
        options["INFERENCE_PRECISION_HINT"] = PRECISIONS[precision]
    if threads is not None:
        options["INFERENCE_NUM_THREADS"] = threads
    try:
        model = openvino.Core().compile_model(path / MODEL_FILE, "CPU", options)
    except RuntimeError as error:
        raise ModelError(f"OpenVINO cannot load {path / MODEL_FILE}: {error}") from error
    requests = [
        model.create_infer_request() for _ in range(model.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
    ]
    lock = threading.Lock()

    def run(batches: Iterator[Batch], collect: Collect) -> None:
        with lock:
            _run(requests, batches, collect)

    tokenizer = TextTokenizer(path / TOKENIZER_FILE, manifest.max_length, lowercase=manifest.lowercase)
    return BatchEncoder(folder, "openvino", manifest.dim, tokenizer, run, _how(model))


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


def _converted(folder: ModelFolder) -> tuple[Path, Manifest]:
    if folder.exported:
        return folder.path, read_manifest(folder.path)
    path = cache_folder() / "encoders" / folder.fingerprint
    if path.exists():
        try:
            return path, read_manifest(path)
        except ModelError as error:
            logger.warning("making the cached model anew: %s", error)
            shutil.rmtree(path, ignore_errors=True)
    try:
        write_export(folder, path)
    except OSError as error:
        raise ModelError(
            f"cannot write the converted model to {path}: {error}; set SKILLSTREAM_CACHE_DIR to a folder"
            " that can be written, or use a model made by 'skillstream model export'"
        ) from error
    return path, read_manifest(path)


def _how(model: openvino.CompiledModel) -> str:
    precision = str(model.get_property("INFERENCE_PRECISION_HINT").to_string())
    threads = model.get_property("INFERENCE_NUM_THREADS")
    name = {value: key for key, value in PRECISIONS.items()}.get(precision, precision)
    return f"{name} on {openvino.Core().get_property('CPU', 'FULL_DEVICE_NAME').strip()}, {threads} threads"
