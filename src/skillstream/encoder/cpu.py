"""Which form of a model computes on this processor: the most exact of the fastest.

A form is a precision and the runtime that computes it. OpenVINO has all precisions; ONNX Runtime runs the
8-bit weights, too, and is the faster one where the processor has no dot products of 8 bits. What was measured
here once decides (`skillstream.encoder.precision`); a runtime that does not compute is not imported.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata
from pathlib import Path

from skillstream.cores import usable_cores
from skillstream.encoder.batches import BatchEncoder
from skillstream.encoder.export import Manifest, ready_model
from skillstream.encoder.models import ModelFolder
from skillstream.encoder.precision import Conditions, Form, best, measured_here
from skillstream.errors import ModelError

__all__ = ["RUNTIMES", "load"]

RUNTIMES = ("openvino", "onnxruntime")


def load(
    folder: ModelFolder, backend: str = "auto", precision: str = "auto", threads: int | None = None
) -> BatchEncoder:
    """An encoder on the processor: of the forms that fit what is asked for, the most exact of the fastest.

    Args:
        folder: the model.
        backend: `openvino`, `onnxruntime` (int8 alone), or `auto`.
        precision: `fp32`, `bf16`, `fp16`, `int8`, or `auto`.
        threads: threads of the processor; if not given, all cores that this process may use.

    Raises:
        ModelError: the model cannot be converted or loaded, or has no such form.
    """
    path, manifest = ready_model(folder)

    @cache
    def make(form: Form) -> BatchEncoder:
        if form.backend == "onnxruntime":
            from skillstream.encoder import onnx_backend

            return onnx_backend.load(folder, path, manifest, threads or usable_cores()[0])
        from skillstream.encoder import openvino_backend

        return openvino_backend.load(folder, path, manifest, form.precision, threads)

    if backend == "onnxruntime" and precision not in {"auto", "int8"}:
        raise ModelError(f"onnxruntime computes in int8 alone, not in {precision}: use backend openvino")
    if backend == "onnxruntime":
        return make(Form("int8", "onnxruntime"))
    if precision != "auto" and (
        backend == "openvino" or len(manifest.int8_runtimes) < 2 or precision != "int8"
    ):
        return make(Form(precision, "openvino"))
    if not manifest.int8_runtimes and len(forms := _forms(manifest)) == 1:
        return make(forms[0])
    conditions = Conditions(
        processor=_processor(),
        runtimes=tuple(f"{name} {metadata.version(name)}" for name in RUNTIMES),
        threads=threads or usable_cores()[0],
        model=folder.fingerprint,
        int8=manifest.int8_runtimes,
    )
    measured = measured_here(conditions, lambda: _forms(manifest), make)
    encoder = make(
        best([
            item
            for item in measured
            if backend in {"auto", item.backend} and precision in {"auto", item.precision}
        ])
    )  # fmt: skip
    encoder.measured = measured
    return encoder


def _forms(manifest: Manifest) -> tuple[Form, ...]:
    """The forms that are worth measuring, from the most exact to the least."""
    from skillstream.encoder import openvino_backend

    return (
        Form("fp32", "openvino"),
        *(Form(name, "openvino") for name in openvino_backend.native_precisions()),
        *(Form("int8", name) for name in manifest.int8_runtimes),
    )


def _processor() -> str:
    """The processor's name, with what it can do where the system tells: one name stands for several."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return f"{platform.processor()} {platform.machine()}"
    facts = dict(line.split(":", 1) for line in text.split("\n\n", 1)[0].splitlines() if ":" in line)
    return " ".join(value.strip() for key, value in facts.items() if key.strip() in {"model name", "flags"})
