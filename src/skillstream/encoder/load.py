"""Which backend runs a model here, and loading it."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from skillstream.encoder.base import Encoder
from skillstream.encoder.batches import BatchEncoder
from skillstream.encoder.models import ModelFolder, resolve_model
from skillstream.encoder.precision import PRECISIONS
from skillstream.errors import ModelError, UsageError
from skillstream.extras import needs_torch

__all__ = ["BACKENDS", "PRECISIONS", "BackendChoice", "choose_backend", "load_encoder"]

logger = logging.getLogger(__name__)


def _load_openvino(folder: ModelFolder, precision: str, threads: int | None) -> BatchEncoder:
    from skillstream.encoder import openvino_backend

    return openvino_backend.load(folder, precision, threads)


def _load_torch(folder: ModelFolder, precision: str, threads: int | None) -> BatchEncoder:
    with needs_torch("the torch backend"):
        from skillstream.encoder import torch_backend

    return torch_backend.load(folder, precision, threads)


BACKENDS: dict[str, Callable[[ModelFolder, str, int | None], BatchEncoder]] = {
    "openvino": _load_openvino,
    "torch": _load_torch,
}


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """A backend, and in a few words why it is the one."""

    name: str
    reason: str


def load_encoder(
    model: str = "default", backend: str = "auto", precision: str = "auto", threads: int | None = None
) -> Encoder:
    """An encoder, ready to use. Load it once a process: it takes seconds and hundreds of MB.

    Args:
        model: `default`, `base`, a folder or a hub id; see `resolve_model`.
        backend: `openvino`, `torch`, or `auto`; see `choose_backend`.
        precision: `fp32`, `bf16`, `fp16`, `int8` (where the model has such a form), or `auto`: the fastest
            here that keeps its promise, see `skillstream.encoder.precision`.
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
    if backend != "auto":
        return BACKENDS[backend](folder, precision, threads)
    choice = choose_backend(folder)
    if precision == "int8":
        choice = BackendChoice("openvino", "int8 runs by OpenVINO only")
    try:
        encoder = BACKENDS[choice.name](folder, precision, threads)
    except (ImportError, ModelError) as error:
        if choice.name != "openvino" or folder.exported or precision == "int8" or find_spec("torch") is None:
            raise
        logger.warning("OpenVINO cannot be used, taking torch: %s", error)
        choice = BackendChoice("torch", f"OpenVINO cannot be used: {error}")
        encoder = BACKENDS["torch"](folder, precision, threads)
    encoder.why = choice.reason
    return encoder


def choose_backend(folder: ModelFolder) -> BackendChoice:
    """What `auto` means for this model on this machine: torch for a GPU, else OpenVINO if installed."""
    if folder.exported:
        return BackendChoice("openvino", "the model is exported for OpenVINO")
    if _has_cuda():
        return BackendChoice("torch", "there is a CUDA GPU")
    if find_spec("openvino") is None:
        return BackendChoice("torch", "openvino is not installed")
    return BackendChoice("openvino", "no CUDA GPU, and OpenVINO is the faster one on CPUs")


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
