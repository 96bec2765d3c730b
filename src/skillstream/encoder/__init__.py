"""Texts to vectors: one protocol, three backends.

`openvino` and `onnxruntime` (int8 alone) are several times faster on CPUs, `torch` runs on GPUs. In one
precision all give the same vectors but for rounding, since the others' models are made from the torch module,
and they share tokenizer and batching. Backends are imported only when used, so that an exported model runs
where torch is not installed.
"""

from __future__ import annotations

from skillstream.encoder.base import Encoded, Encoder
from skillstream.encoder.load import exact_encoder, load_encoder
from skillstream.encoder.models import ModelFolder, resolve_model

__all__ = ["Encoded", "Encoder", "ModelFolder", "exact_encoder", "load_encoder", "resolve_model"]
