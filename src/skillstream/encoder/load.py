"""Which backend runs a model here, and loading it."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skillstream.encoder import cpu
from skillstream.encoder.base import Encoder
from skillstream.encoder.batches import BatchEncoder
from skillstream.encoder.models import ModelFolder, resolve_model
from skillstream.encoder.precision import PRECISIONS
from skillstream.errors import ModelError, UsageError
from skillstream.extras import needs_torch

__all__ = ["BACKENDS", "PRECISIONS", "BackendChoice", "choose_backend", "exact_encoder", "load_encoder"]

logger = logging.getLogger(__name__)


BACKENDS = (*cpu.RUNTIMES, "torch")


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """`cpu` (`skillstream.encoder.cpu` takes the faster runtime) or `torch`, and in a few words why."""

    name: str
    reason: str


def load_encoder(
    model: str = "default", backend: str = "auto", precision: str = "auto", threads: int | None = None
) -> Encoder:
    """An encoder, ready to use. Load it once a process: it takes seconds and hundreds of MB.

    Args:
        model: `default`, `base`, a folder or a hub id; see `resolve_model`.
        backend: `openvino`, `onnxruntime`, `torch`, or `auto`; see `choose_backend`.
        precision: `fp32`, `bf16`, `fp16`, `int8` (where the model has such a form), or `auto`: the most
            exact of the fastest here, see `skillstream.encoder.cpu`.
        threads: threads to compute with, for several workers on one machine; by default the
            environment variable SKILLSTREAM_THREADS, else all cores.

    Raises:
        ModelError: the model cannot be found, converted or loaded.
        UsageError: no such backend or precision, or not a number of threads.
    """
    if backend not in {"auto", *BACKENDS}:
        raise UsageError(f"no encoder backend {backend!r}; there are auto, {', '.join(BACKENDS)}")
    if precision not in PRECISIONS:
        raise UsageError(f"no precision {precision!r}; there are {', '.join(PRECISIONS)}")
    threads = _threads(threads)
    folder = resolve_model(model)
    if backend == "torch":
        return _load_torch(folder, precision, threads)
    if backend != "auto":
        return cpu.load(folder, backend, precision, threads)
    choice = choose_backend(folder)
    if precision == "int8":
        choice = BackendChoice("cpu", "int8 runs on the CPU alone")
    try:
        if choice.name == "cpu":
            encoder = cpu.load(folder, "auto", precision, threads)
        else:
            encoder = _load_torch(folder, precision, threads)
    except (ImportError, ModelError) as error:
        if choice.name != "cpu" or folder.exported or precision == "int8" or find_spec("torch") is None:
            raise
        logger.warning("no runtime of the CPU can be used, taking torch: %s", error)
        choice = BackendChoice("torch", f"no runtime of the CPU can be used: {error}")
        encoder = _load_torch(folder, precision, threads)
    encoder.why = choice.reason
    return encoder


def exact_encoder(model: str = "default", backend: str = "auto") -> Encoder:
    """The encoder in fp32, which makes the vectors of an index, whatever searches it.

    Raises:
        ModelError: the model cannot be found, converted or loaded.
    """
    return load_encoder(model, "auto" if backend == "onnxruntime" else backend, "fp32")


def _load_torch(folder: ModelFolder, precision: str, threads: int | None) -> BatchEncoder:
    with needs_torch("the torch backend"):
        from skillstream.encoder import torch_backend

    return torch_backend.load(folder, precision, threads)


def choose_backend(folder: ModelFolder) -> BackendChoice:
    """What `auto` means for this model on this machine: torch for a GPU, else what is fastest on the CPU."""
    if folder.exported:
        return BackendChoice("cpu", "the model is exported, so it runs without torch")
    if _has_cuda():
        return BackendChoice("torch", "there is a CUDA GPU")
    if find_spec("openvino") is None:
        return BackendChoice("torch", "openvino is not installed")
    return BackendChoice("cpu", "no CUDA GPU; on CPUs torch is slower")


def _has_cuda() -> bool:
    # Importing torch takes seconds; where there is no driver the answer is known without it.
    if not Path("/dev/nvidiactl").exists() or find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _threads(threads: int | None) -> int | None:
    given = os.environ.get("SKILLSTREAM_THREADS") if threads is None else str(threads)
    if not given:
        return None
    if not given.isdecimal() or int(given) < 1:
        raise UsageError(f"threads must be a whole number from 1, not {given!r} (SKILLSTREAM_THREADS)")
    return int(given)
