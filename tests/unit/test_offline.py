"""Inside `offline` Hugging Face's libraries ask no server; the choice of a user stays, and all else."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
from huggingface_hub import constants

from skillstream.offline import offline


@pytest.fixture(autouse=True)
def no_choice(monkeypatch):
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)


def test_what_is_imported_already_is_offline_inside_only():
    with suppress(KeyError), offline():
        assert constants.is_offline_mode()
        raise KeyError
    assert not constants.is_offline_mode()


def test_a_choice_of_the_user_stays(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with offline():
        assert not constants.is_offline_mode()


def test_offline_may_be_nested():
    with offline():
        with offline():
            pass
        assert constants.is_offline_mode()
    assert not constants.is_offline_mode()


@pytest.mark.slow
def test_what_is_imported_inside_is_offline_inside_only():
    code = """
import os
from skillstream.offline import offline
with offline():
    import datasets
    import huggingface_hub.constants as hub
    print(hub.is_offline_mode(), datasets.config.HF_HUB_OFFLINE)
print(hub.is_offline_mode(), datasets.config.HF_HUB_OFFLINE, "HF_HUB_OFFLINE" in os.environ)
print(hub.HF_HUB_DISABLE_TELEMETRY)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "True True\nFalse False False\nTrue\n", done.stderr
