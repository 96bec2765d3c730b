"""Hugging Face's libraries ask no server for what lies on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["no_telemetry", "offline"]

# A user who has set any of these has decided.
CHOICES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")
# Each keeps what the environment said when it was imported.
KEEPERS = ("huggingface_hub.constants", "datasets.config")


def no_telemetry() -> None:
    """Call before the first import of such a library; a choice of the user's stays."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


@contextmanager
def offline() -> Iterator[None]:
    """Around imports and uses of transformers, sentence-transformers and datasets.

    Nothing is asked of a hub inside, unless the user's environment says otherwise. Afterwards all is as
    it was, so that the rest of a process, a model named by its hub id included, may use the hub.
    """
    no_telemetry()
    if any(name in os.environ for name in CHOICES):
        yield
        return
    before = {name: _kept(name) for name in KEEPERS}
    os.environ["HF_HUB_OFFLINE"] = "1"
    for name in KEEPERS:
        _keep(name, True)
    try:
        yield
    finally:
        del os.environ["HF_HUB_OFFLINE"]
        for name, value in before.items():
            _keep(name, bool(value))  # one imported inside took our word for the user's


def _kept(module: str) -> bool | None:
    value: bool | None = getattr(sys.modules.get(module), "HF_HUB_OFFLINE", None)
    return value


def _keep(module: str, value: bool) -> None:
    if module in sys.modules:
        vars(sys.modules[module])["HF_HUB_OFFLINE"] = value
