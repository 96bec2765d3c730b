import json
import logging
import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

import skillstream.encoder
from skillstream.encoder import export, load_encoder, resolve_model
from skillstream.encoder.batches import Batch, BatchEncoder, even_tokens, make_batches
from skillstream.encoder.export import export_model
from skillstream.encoder.load import choose_backend
from skillstream.encoder.tokenizer import TextTokenizer, Tokens
from skillstream.errors import ModelError, OutputError, RunError, UsageError
from tests.encoder_models import make_model, write_json

TEXTS = [
    "write python code",
    "",
    "Manage a team of nurses, and SQL.",
    "x",
    "naïve 日本 \u200b",
    "a b c d e f g h",
]
BACKENDS = ["openvino", "torch"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def encoders(tiny, cache_folder):
    return {name: load_encoder(str(tiny), name, "fp32") for name in BACKENDS}


@pytest.fixture(scope="module", params=BACKENDS)
def any_encoder(request, encoders):
    return encoders[request.param]


def test_backends_give_the_vectors_of_sentence_transformers(encoders, tiny):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(tiny), device="cpu")
    pooled = model.encode(TEXTS)
    tokens = [vectors.numpy() for vectors in model.encode(TEXTS, output_value="token_embeddings")]
    for encoder in encoders.values():
        encoded = encoder.encode_tokens(TEXTS)
        np.testing.assert_allclose(encoded.pooled, pooled, atol=1e-5)
        np.testing.assert_allclose(encoder.encode(TEXTS), pooled, atol=1e-5)
        for i, expected in enumerate(tokens):
            mine = encoded.tokens[encoded.bounds[i] : encoded.bounds[i + 1]]
            length = len(mine)  # sentence-transformers may leave padding behind
            np.testing.assert_allclose(
                mine, expected[:length] / np.linalg.norm(expected[:length], axis=1)[:, None], atol=1e-5
            )


def test_shapes_types_and_norms(any_encoder):
    encoded = any_encoder.encode_tokens(TEXTS)
    assert len(encoded) == len(TEXTS)
    assert encoded.pooled.shape == (len(TEXTS), any_encoder.dim)
    assert encoded.tokens.shape == (encoded.bounds[-1], any_encoder.dim)
    assert (encoded.pooled.dtype, encoded.tokens.dtype) == (np.float32, np.float32)
    assert (encoded.bounds.dtype, encoded.spans.dtype) == (np.int64, np.int32)
    np.testing.assert_allclose(np.linalg.norm(encoded.pooled, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(encoded.tokens, axis=1), 1, atol=1e-5)


def test_spans_are_those_of_the_text_with_a_special_token_around(any_encoder):
    encoded = any_encoder.encode_tokens(TEXTS)
    for i, text in enumerate(TEXTS):
        spans = [tuple(span) for span in encoded.spans[encoded.bounds[i] : encoded.bounds[i + 1]].tolist()]
        assert spans == [(0, 0), *any_encoder.token_spans(text), (0, 0)]
    assert [TEXTS[0][a:b] for a, b in any_encoder.token_spans(TEXTS[0])] == ["write", "python", "code"]


@pytest.mark.parametrize("method", ["encode", "encode_tokens"])
def test_no_texts(any_encoder, method):
    result = getattr(any_encoder, method)([])
    pooled = result if method == "encode" else result.pooled
    assert pooled.shape == (0, any_encoder.dim)


@pytest.mark.parametrize("method", ["encode", "encode_tokens"])
def test_a_text_that_is_too_long_is_refused_never_cut(any_encoder, method):
    assert any_encoder.max_tokens == 30  # 32 with the special tokens
    getattr(any_encoder, method)(["x " * 30])
    with pytest.raises(ValueError, match="text 1 has 31 tokens, the encoder takes 30"):
        getattr(any_encoder, method)(["x", "x " * 31])


def test_lone_surrogates_are_refused(any_encoder):
    for method, argument in (("encode", ["x", "\ud800"]), ("token_spans", "x\udfff")):
        with pytest.raises(ValueError, match="lone surrogates"):
            getattr(any_encoder, method)(argument)


def test_spans_of_a_text_of_any_length(any_encoder):
    assert len(any_encoder.token_spans("x " * 5000)) == 5000


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=25), min_size=1, max_size=80), st.randoms())
def test_a_vector_does_not_depend_on_the_other_texts(encoders, texts, random):
    encoder = encoders["openvino"]
    order = list(range(len(texts)))
    random.shuffle(order)
    together = encoder.encode_tokens([texts[i] for i in order])
    for place, i in enumerate(order[:5]):
        alone = encoder.encode_tokens([texts[i]])
        rows = slice(together.bounds[place], together.bounds[place + 1])
        np.testing.assert_allclose(alone.pooled[0], together.pooled[place], atol=1e-5)
        np.testing.assert_allclose(alone.tokens, together.tokens[rows], atol=1e-5)


def test_threads_share_an_encoder(any_encoder):
    texts = [[f"{word} {'x ' * n}" for n in range(20)] for word in ("python", "sql", "nurse", "team")]
    expected = [any_encoder.encode_tokens(each).tokens for each in texts]
    with ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            for got, want in zip(pool.map(any_encoder.encode_tokens, texts), expected, strict=True):
                np.testing.assert_allclose(got.tokens, want, atol=1e-5)


def test_cls_pooling_and_weights_in_half_precision(tmp_path):
    folder = make_model(tmp_path / "cls", pooling="cls", half=True)
    by_openvino, by_torch = (
        load_encoder(str(folder), name, "fp32").encode_tokens(TEXTS) for name in BACKENDS
    )
    np.testing.assert_array_equal(by_torch.pooled, by_torch.tokens[by_torch.bounds[:-1]])
    np.testing.assert_allclose(by_openvino.pooled, by_torch.pooled, atol=1e-5)
    np.testing.assert_allclose(by_openvino.tokens, by_torch.tokens, atol=1e-5)


def test_weights_that_are_not_there_are_an_error(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "copy")
    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if "layer.1.output" not in k}, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"lacks weights.*layer\.1\.output"):
        load_encoder(str(folder), "torch")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all"])
def test_weights_that_cannot_be_read_are_an_error(tiny, tmp_path, content):
    folder = shutil.copytree(tiny, tmp_path / "copy")
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="cannot load the model"):
        load_encoder(str(folder), "torch")


def test_bf16_is_near_fp32(tiny, encoders):
    exact = encoders["torch"].encode_tokens(TEXTS)
    for backend in BACKENDS:
        near = load_encoder(str(tiny), backend, "bf16").encode_tokens(TEXTS)
        assert (near.pooled * exact.pooled).sum(1).min() > 0.999
        assert (near.tokens * exact.tokens).sum(1).min() > 0.999
        np.testing.assert_allclose(np.linalg.norm(near.tokens, axis=1), 1, atol=1e-2)


@pytest.mark.slow
def test_base_model_gives_the_vectors_of_sentence_transformers(base_encoder):
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(resolve_model("base").path), device="cpu")
    texts = [*TEXTS, "You lead a small team of engineers and own the budget. " * 20]
    pooled = model.encode(texts)
    np.testing.assert_allclose(load_encoder("base", "openvino", "fp32").encode(texts), pooled, atol=1e-5)
    assert (base_encoder.encode(texts) * pooled).sum(1).min() > 0.999  # the default precision


@given(st.lists(st.integers(2, 40), max_size=100), st.integers(0, 5), st.integers(1, 300), st.integers(1, 5))
def test_batches_hold_every_token_once(lengths, pad_id, batch_tokens, parallel):
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    ids = np.arange(bounds[-1]) + 100
    seen = {}
    tokens = Tokens(ids, bounds, np.zeros((len(ids), 2), np.int32))
    for batch in make_batches(tokens, pad_id, batch_tokens, parallel):
        assert batch.ids.size <= batch_tokens or len(batch.texts) == 1
        assert (batch.ids[batch.mask == 0] == pad_id).all()
        for row, text in enumerate(batch.texts.tolist()):
            length = batch.mask[row].sum()
            assert batch.mask[row, :length].all()
            seen[text] = batch.ids[row, :length].tolist()
    assert seen == {i: ids[bounds[i] : bounds[i + 1]].tolist() for i in range(len(lengths))}


def test_few_texts_make_batches_that_end_together():
    lengths = [32] * 24  # 768 tokens: three batches of 256, or four of 192 that two threads share evenly
    assert even_tokens(lengths, 256, 2) == 192
    assert even_tokens(lengths, 256, 1) == 256  # one after another, fewer are better
    assert even_tokens(lengths, 256, 4) == 192
    assert even_tokens([32] * 2400, 256, 2) == 256  # of many the last one matters little
    assert even_tokens([], 256, 2) == 256
    assert even_tokens([400], 256, 2) == 256


def test_vectors_that_are_not_finite_are_an_error(tiny):
    def broken(batches, collect):
        for batch in batches:
            vectors = np.zeros((*batch.ids.shape, 4), np.float32)
            vectors[0, 0, 0] = np.nan
            collect(batch, np.zeros((len(batch.ids), 4), np.float32), vectors)

    tokenizer = TextTokenizer(tiny / "tokenizer.json", 32)
    encoder = BatchEncoder(resolve_model(str(tiny)), "broken", "fp32", 4, tokenizer, broken, "by hand")
    with pytest.raises(RunError, match="not finite"):
        encoder.encode_tokens(["python"])


def test_what_fails_in_a_batch_is_raised_and_the_encoder_goes_on(encoders):
    encoder = encoders["openvino"]
    tokens = Tokens(np.array([2, 3]), np.array([0, 2]), np.zeros((2, 2), np.int32))
    batch = next(make_batches(tokens, 0, 512, 1))
    too_long = np.ones((1, 65), np.int64)  # more than there are position embeddings
    with pytest.raises(RuntimeError):
        encoder._run(iter([batch, Batch(batch.texts, too_long, too_long)]), lambda *_: None)
    assert np.isfinite(encoder.encode(TEXTS)).all()


def test_lower_casing_models_keep_the_spans_of_the_text(tiny):
    tokenizer = TextTokenizer(tiny / "tokenizer.json", 32, lowercase=True)
    text = "İSTANBUL SQL"
    assert text[slice(*tokenizer.spans(text)[-1])] == "SQL"


# Converting, caching, exporting


@pytest.fixture
def own_cache(tiny, encoders, cache_folder, tmp_path, monkeypatch):
    """An empty cache; converting, which takes seconds, is replaced by copying what was converted before."""
    converted = cache_folder / "encoders" / resolve_model(str(tiny)).fingerprint

    def copy(source, folder, half=None):
        for name in (export.MODEL_FILE, export.WEIGHTS_FILE):
            shutil.copyfile(converted / name, folder / name)
        return 24

    monkeypatch.setattr(export, "convert", copy)
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoders"


def test_second_start_neither_converts_nor_imports_torch(tiny, encoders, cache_folder):
    code = f"""
        import sys
        from skillstream.encoder import load_encoder
        encoder = load_encoder({str(tiny)!r}, "openvino")
        assert encoder.encode(["python"]).shape == (1, 24)
        print([name for name in ("torch", "transformers", "sentence_transformers") if name in sys.modules])
    """
    assert run_python(code) == "[]"


def test_damaged_cache_is_made_anew(tiny, own_cache, caplog):
    before = load_encoder(str(tiny), "openvino", "fp32").encode(TEXTS)
    (converted,) = own_cache.iterdir()
    weights = bytearray((converted / "openvino_model.bin").read_bytes())
    weights[len(weights) // 2] ^= 0x40
    (converted / "openvino_model.bin").write_bytes(weights)
    with caplog.at_level(logging.WARNING):
        after = load_encoder(str(tiny), "openvino", "fp32").encode(TEXTS)
    assert "damaged" in caplog.text
    np.testing.assert_allclose(after, before, atol=1e-6)


def test_cache_holds_whole_models_only(tiny, own_cache, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(export, "file_digest", fail)  # the last thing before the manifest is written
        with pytest.raises(ModelError, match=r"disk full.*SKILLSTREAM_CACHE_DIR"):
            load_encoder(str(tiny), "openvino")
    assert list(own_cache.iterdir()) == []
    assert load_encoder(str(tiny), "openvino").encode(["python"]).shape == (1, 24)


def test_losing_the_race_for_the_cache_is_no_error(tiny, own_cache):
    folder = resolve_model(str(tiny))
    target = own_cache / folder.fingerprint
    export.write_export(folder, target)
    export.write_export(folder, target)
    assert export.read_manifest(target).dim == 24
    assert list(own_cache.iterdir()) == [target]


def test_exported_model_runs_without_torch(tiny, encoders, own_cache, tmp_path):
    exported = export_model(str(tiny), tmp_path / "exported")
    expected = encoders["torch"].encode(TEXTS)
    np.save(tmp_path / "expected.npy", expected)
    code = f"""
        import sys
        import numpy as np

        class Blocker:
            def find_spec(self, name, path=None, target=None):
                if name.split(".")[0] in ("torch", "transformers", "sentence_transformers", "safetensors"):
                    raise ImportError(f"blocked: {{name}}")
        sys.meta_path.insert(0, Blocker())
        from skillstream.encoder import load_encoder
        encoder = load_encoder({str(exported)!r}, precision="fp32")
        expected = np.load({str(tmp_path / "expected.npy")!r})
        np.testing.assert_allclose(encoder.encode({TEXTS!r}), expected, atol=1e-5)
        print(encoder.backend, encoder.name, encoder.fingerprint)
    """
    assert run_python(code) == f"openvino tiny {resolve_model(str(tiny)).fingerprint}"


def test_exported_model_with_damage_is_refused(tiny, own_cache, tmp_path):
    exported = export_model(str(tiny), tmp_path / "exported")
    (exported / "tokenizer.json").write_bytes(b"{}")
    with pytest.raises(ModelError, match=r"tokenizer\.json is missing or damaged"):
        load_encoder(str(exported))


def test_exported_model_of_a_later_version_is_refused(tiny, own_cache, tmp_path):
    exported = export_model(str(tiny), tmp_path / "exported")
    manifest = json.loads((exported / "skillstream_encoder.json").read_text())
    write_json(exported / "skillstream_encoder.json", {**manifest, "format": 2})
    with pytest.raises(ModelError, match="format 2"):
        load_encoder(str(exported))


def test_exported_model_is_for_openvino_and_not_exported_again(tiny, own_cache, tmp_path):
    exported = export_model(str(tiny), tmp_path / "exported")
    with pytest.raises(ModelError, match="runs without torch"):
        load_encoder(str(exported), "torch")
    with pytest.raises(ModelError, match="exported model already"):
        export_model(str(exported), tmp_path / "again")


def test_export_never_overwrites(tiny, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    with pytest.raises(OutputError, match="there already"):
        export_model(str(tiny), tmp_path / "full")
    assert [path.name for path in tmp_path.iterdir()] == ["full"]


def test_without_torch_a_model_that_needs_converting_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    folder = make_model(tmp_path / "model")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelError, match="skillstream model export"):
        load_encoder(str(folder), "openvino")


# Choosing


def test_auto_takes_openvino_on_a_cpu(tiny, encoders, monkeypatch):
    monkeypatch.setattr(skillstream.encoder.load, "_has_cuda", lambda: False)
    assert choose_backend(resolve_model(str(tiny))).name == "cpu"
    encoder = load_encoder(str(tiny))
    assert encoder.backend == "openvino"
    assert encoder.describe().endswith("(no CUDA GPU; on CPUs torch is slower)")


def test_auto_takes_torch_for_a_gpu(tiny, monkeypatch):
    monkeypatch.setattr(skillstream.encoder.load, "_has_cuda", lambda: True)
    choice = choose_backend(resolve_model(str(tiny)))
    assert (choice.name, choice.reason) == ("torch", "there is a CUDA GPU")


def test_auto_falls_back_to_torch_and_says_so(tiny, monkeypatch, caplog):
    def fail(*_):
        raise ModelError("no such luck")

    monkeypatch.setattr(skillstream.encoder.load, "_has_cuda", lambda: False)
    monkeypatch.setattr(skillstream.encoder.load.cpu, "load", fail)
    encoder = load_encoder(str(tiny))
    assert encoder.backend == "torch"
    assert "no such luck" in caplog.text
    assert "no such luck" in encoder.describe()


@pytest.mark.parametrize("backend", BACKENDS)
def test_describe_tells_backend_and_precision(encoders, backend):
    assert encoders[backend].describe().startswith(f"{backend}: fp32 on ")


def test_fingerprint_is_the_same_for_every_backend(encoders):
    assert len({encoder.fingerprint for encoder in encoders.values()}) == 1


@pytest.mark.parametrize(
    "wrong", [{"backend": "onnx"}, {"precision": "fp8"}, {"threads": 0}, {"threads": -1}]
)
def test_wrong_options_are_refused(tiny, wrong):
    with pytest.raises(UsageError, match=next(iter(wrong)).rstrip("s")):
        load_encoder(str(tiny), **wrong)


def test_threads_from_the_environment(tiny, encoders, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_THREADS", "1")
    assert load_encoder(str(tiny), "openvino").describe().endswith(", 1 threads (asked for)")
    monkeypatch.setenv("SKILLSTREAM_THREADS", "many")
    with pytest.raises(UsageError, match="SKILLSTREAM_THREADS"):
        load_encoder(str(tiny), "openvino")


def run_python(code):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
