import json
import pickle
import shutil

import pytest

from skillstream.encoder import models, resolve_model
from skillstream.encoder.models import read_config
from skillstream.errors import ModelError
from tests.encoder_models import make_model, write_json


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


def test_base_is_the_packaged_minilm():
    folder = resolve_model("base")
    config = read_config(folder.path)
    assert (folder.name, config.pooling, config.max_length) == ("base", "mean", 256)


def test_default_is_the_shipped_model_where_there_is_one(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "DEFAULT_FOLDER", tmp_path / "absent")
    assert resolve_model("default") == resolve_model("base")
    monkeypatch.setattr(models, "DEFAULT_FOLDER", tiny)
    assert resolve_model("default").path == tiny
    assert resolve_model("default").name == "default"


def test_a_folder_is_named_after_itself(tiny):
    assert resolve_model(str(tiny)).name == "tiny"
    assert resolve_model(f"{tiny}/").fingerprint == resolve_model(str(tiny)).fingerprint


def test_fingerprint_depends_on_contents_only(tiny, copy):
    assert resolve_model(str(copy)).fingerprint == resolve_model(str(tiny)).fingerprint


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_fingerprint_changes_with_each_byte(copy, file):
    before = resolve_model(str(copy)).fingerprint
    content = bytearray((copy / file).read_bytes())
    content[-2] ^= 1
    (copy / file).write_bytes(content)
    assert resolve_model(str(copy)).fingerprint != before


@pytest.mark.parametrize(
    ("file", "value"),
    [
        ("1_Pooling/config.json", {"pooling_mode": "cls"}),
        ("sentence_bert_config.json", {"max_seq_length": 16}),
        ("sentence_bert_config.json", {"max_seq_length": 32, "do_lower_case": True}),
    ],
)
def test_fingerprint_changes_with_the_configuration(copy, file, value):
    before = resolve_model(str(copy)).fingerprint
    write_json(copy / file, value)
    assert resolve_model(str(copy)).fingerprint != before


@pytest.mark.parametrize(
    ("config", "pooling"),
    [
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": "cls", "include_prompt": True}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
    ],
)
def test_pooling_of_older_and_newer_folders(copy, config, pooling):
    write_json(copy / "1_Pooling" / "config.json", config)
    assert read_config(copy).pooling == pooling


@pytest.mark.parametrize(
    "config",
    [{"pooling_mode": "max"}, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, {}],
)
def test_other_pooling_is_refused(copy, config):
    write_json(copy / "1_Pooling" / "config.json", config)
    with pytest.raises(ModelError, match="supported are mean and cls"):
        read_config(copy)


def test_length_comes_from_where_the_folder_has_it(copy):
    assert read_config(copy).max_length == 32
    write_json(copy / "sentence_bert_config.json", {})
    write_json(copy / "tokenizer_config.json", {"model_max_length": 48})
    assert read_config(copy).max_length == 48
    write_json(copy / "tokenizer_config.json", {"model_max_length": 10**30})
    assert read_config(copy).max_length == 64  # the position embeddings


def test_pickled_weights_are_refused_unread(copy):
    (copy / "model.safetensors").unlink()

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(ModelError, match=r"no safetensors weights.*safe_serialization"):
        resolve_model(str(copy))


def test_pickled_weights_beside_safetensors_do_not_matter(copy):
    (copy / "pytorch_model.bin").write_bytes(b"not read")
    assert resolve_model(str(copy)).name == "copy"


@pytest.mark.parametrize("file", ["modules.json", "config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_missing_file_is_named(copy, file):
    (copy / file).unlink()
    with pytest.raises(ModelError, match=file):
        resolve_model(str(copy))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff"])
def test_broken_json_is_named(copy, content):
    (copy / "modules.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"modules\.json"):
        resolve_model(str(copy))


def test_other_modules_are_refused(copy):
    modules = [*json.loads((copy / "modules.json").read_text()), {"path": "3_Dense", "type": "models.Dense"}]
    write_json(copy / "modules.json", modules)
    with pytest.raises(ModelError, match="Dense"):
        resolve_model(str(copy))


def test_a_prompt_before_every_text_is_refused(copy):
    write_json(copy / "config_sentence_transformers.json", {"default_prompt_name": "query"})
    with pytest.raises(ModelError, match="prompt"):
        resolve_model(str(copy))


@pytest.mark.parametrize("model", ["nonsense", "./not/there", "", "a/b/c"])
def test_neither_name_nor_folder_nor_hub_id(model):
    with pytest.raises(ModelError, match="neither 'default' nor 'base'"):
        resolve_model(model)


def test_a_hub_that_does_not_answer_is_a_clear_error(monkeypatch, tmp_path):
    def refuse(*_, local_files_only=False, **__):
        raise FileNotFoundError("not cached") if local_files_only else ConnectionError("no\nroute")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(ModelError, match=r"no folder 'someone/model'.*no route"):
        resolve_model("someone/model")


def test_a_hub_model_fetched_before_needs_no_hub(monkeypatch, tiny):
    def cached_only(model, *, local_files_only=False, **_):
        assert local_files_only, "asked the hub"
        return str(tiny)

    monkeypatch.setattr("huggingface_hub.snapshot_download", cached_only)
    assert resolve_model("someone/model").name == "someone/model"
