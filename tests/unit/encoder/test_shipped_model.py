"""The default model runs as it is shipped: without torch or a conversion, in full precision and in 8 bits."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from skillstream.encoder import load_encoder, resolve_model
from skillstream.encoder.export import export_model, read_manifest
from skillstream.encoder.models import DEFAULT_FOLDER
from skillstream.encoder.precision import PROMISES, SENTENCES
from skillstream.errors import ModelError
from tests.encoder_models import make_model


@pytest.fixture(scope="module")
def exact():
    return load_encoder("default", "openvino", "fp32")


def test_it_is_ready_and_whole():
    folder = resolve_model("default")
    assert (folder.ready, folder.exported) == (True, False)
    manifest = read_manifest(folder.path)
    assert manifest.int8_runtimes == ("openvino", "onnxruntime")
    assert (manifest.fingerprint, manifest.name) == (folder.fingerprint, "default")


def test_what_is_shipped_stays_below_the_limit_of_a_wheel():
    data = DEFAULT_FOLDER.parent
    assert sum(path.stat().st_size for path in data.rglob("*") if path.is_file()) < 100_000_000


@pytest.mark.slow
def test_full_precision_gives_the_vectors_of_torch(exact):
    pytest.importorskip("torch", reason="needs the extra torch")
    by_torch = load_encoder("default", "torch", "fp32").encode_tokens(SENTENCES)
    encoded = exact.encode_tokens(SENTENCES)
    np.testing.assert_allclose(encoded.pooled, by_torch.pooled, atol=1e-5)
    np.testing.assert_allclose(encoded.tokens, by_torch.tokens, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["openvino", "onnxruntime"])
def test_eight_bits_keep_their_promise(exact, backend):
    eight = load_encoder("default", backend, "int8")
    assert (eight.backend, eight.precision, eight.fingerprint) == (backend, "int8", exact.fingerprint)
    cosines = (eight.encode(SENTENCES) * exact.encode(SENTENCES)).sum(axis=1)
    assert cosines.min() >= PROMISES["int8"]
    assert cosines.min() < 0.99999  # it is another model


@pytest.mark.slow
def test_onnx_runtime_is_nearer_to_fp32(exact):
    """It has the same eight bits, but two products of it are exact."""
    by_openvino, by_onnx, in_fp32 = (
        encoder.encode(SENTENCES)
        for encoder in (
            *(load_encoder("default", name, "int8") for name in ("openvino", "onnxruntime")),
            exact,
        )
    )
    assert (by_onnx * in_fp32).sum(axis=1).mean() > (by_openvino * in_fp32).sum(axis=1).mean() + 0.001
    assert (by_onnx * by_openvino).sum(axis=1).min() > 0.985


def test_a_text_has_the_same_eight_bit_vectors_in_every_batch():
    encoder = load_encoder("default", "onnxruntime")
    together = encoder.encode_tokens(SENTENCES)
    for number, text in enumerate(SENTENCES):
        alone = encoder.encode_tokens([text])
        start, end = together.bounds[number : number + 2]
        np.testing.assert_allclose(alone.pooled[0], together.pooled[number], atol=1e-5)
        np.testing.assert_allclose(alone.tokens, together.tokens[start:end], atol=1e-5)


def test_onnx_runtime_computes_on_several_threads_in_order():
    several, one = (load_encoder("default", "onnxruntime", threads=n) for n in (3, 1))
    texts = [f"{text} {number}" for number in range(40) for text in SENTENCES]
    np.testing.assert_allclose(several.encode(texts), one.encode(texts), atol=1e-5)


def test_threads_are_the_cores_that_a_container_may_use(monkeypatch):
    monkeypatch.delenv("SKILLSTREAM_THREADS", raising=False)
    monkeypatch.setattr("skillstream.encoder.cpu.usable_cores", lambda: (3, []))
    assert load_encoder("default", "onnxruntime").describe().startswith("onnxruntime: int8, 3 threads")


@pytest.mark.slow
def test_a_damaged_graph_is_refused(tmp_path):
    exported = export_model("default", tmp_path / "exported")
    with (exported / "onnx_int8.onnx").open("r+b") as file:
        file.write(b"damaged")
    with pytest.raises(ModelError, match=r"onnx_int8\.onnx is missing or damaged"):
        load_encoder(str(exported), "onnxruntime")


def test_onnx_runtime_is_for_eight_bits_alone():
    with pytest.raises(ModelError, match="int8 alone, not in fp32"):
        load_encoder("default", "onnxruntime", "fp32")


@pytest.mark.slow
def test_an_export_holds_both_and_needs_nothing_of_the_package(exact, tmp_path):
    exported = export_model("default", tmp_path / "exported")
    folder = resolve_model(str(exported))
    assert (folder.name, folder.fingerprint, folder.exported) == ("default", exact.fingerprint, True)
    assert not (exported / "model.safetensors").exists()
    for backend, precision in (("openvino", "fp32"), ("openvino", "int8"), ("onnxruntime", "int8")):
        encoder = load_encoder(str(exported), backend, precision)
        expected = load_encoder("default", backend, precision).encode(SENTENCES[:4])
        np.testing.assert_allclose(encoder.encode(SENTENCES[:4]), expected, atol=1e-6)


def test_beside_other_weights_it_is_another_model(tmp_path):
    copy = shutil.copytree(DEFAULT_FOLDER, tmp_path / "copy")
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-8, 2)
        file.write(b"trained!")
    assert not resolve_model(str(copy)).ready


def test_eight_bits_where_there_are_none(tmp_path):
    pytest.importorskip("torch", reason="needs the extra torch")
    folder = str(make_model(tmp_path / "tiny"))
    with pytest.raises(ModelError, match="no int8 form"):
        load_encoder(folder, "openvino", "int8")
    with pytest.raises(ModelError, match="no form for onnxruntime"):
        load_encoder(folder, "onnxruntime")
    with pytest.raises(ModelError, match="CPU alone"):
        load_encoder(folder, "torch", "int8")
