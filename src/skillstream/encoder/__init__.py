"""Texts to vectors: one protocol, two backends.

`openvino` is several times faster on CPUs, `torch` runs on GPUs. Both give the same vectors, since the
OpenVINO model is a conversion of the torch module, and share tokenizer and batching. The backends
are imported only when used, so that an exported model runs where torch is not installed.
"""

from __future__ import annotations

from skillstream.encoder.base import Encoded, Encoder
from skillstream.encoder.load import load_encoder
from skillstream.encoder.models import ModelFolder, resolve_model

__all__ = ["Encoded", "Encoder", "ModelFolder", "load_encoder", "resolve_model"]
