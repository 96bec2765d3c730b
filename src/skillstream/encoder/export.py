"""A model as a folder that runs without torch: an OpenVINO model, its tokenizer and a manifest.

    skillstream_encoder.json   `Manifest`
    openvino_model.xml, .bin   the model in full precision
    openvino_int8.xml, .bin    the same in 8 bits, where there is one (see scripts/make_openvino_model.py)
    onnx_int8.onnx             nearly the same for ONNX Runtime; its weights are those of openvino_int8.xml
    tokenizer.json

The first use of a model that has no such folder converts it (which needs torch) into one in the user's cache,
under the model's fingerprint; later starts need neither torch nor transformers. The default model's folder in
the package is one, too, beside its torch weights: there the OpenVINO model has its large constants in
`model.safetensors`, so that the weights are shipped once.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from skillstream.encoder.models import EXPORT_FILE, ModelFolder, read_config, read_json, resolve_model
from skillstream.errors import ModelError, OutputError
from skillstream.extras import needs_torch
from skillstream.offline import offline
from skillstream.storage import cache_folder, file_digest, sweep, whole_folder

__all__ = [
    "Manifest",
    "convert",
    "export_model",
    "read_manifest",
    "read_weights",
    "ready_model",
    "write_export",
    "write_manifest",
]

logger = logging.getLogger(__name__)

FORMAT = 1
MODEL_FILE = "openvino_model.xml"
WEIGHTS_FILE = "openvino_model.bin"
INT8_MODEL_FILE = "openvino_int8.xml"
INT8_WEIGHTS_FILE = "openvino_int8.bin"
ONNX_INT8_FILE = "onnx_int8.onnx"
TOKENIZER_FILE = "tokenizer.json"
LEFT_S = 86_400.0  # a conversion takes seconds to minutes


class Manifest(msgspec.Struct, frozen=True):
    """What an exported folder holds.

    Attributes:
        format: version of this layout.
        name, fingerprint, dim: as in `Encoder`.
        max_length, lowercase: as in `ModelConfig`.
        files: xxh3_128 of every file, so that damage is noticed.
        weights: the files that, one after another, are the weights of the model in full precision.
    """

    format: int
    name: str
    fingerprint: str
    dim: int
    max_length: int
    lowercase: bool
    files: dict[str, str]
    weights: list[str] = msgspec.field(default_factory=lambda: [WEIGHTS_FILE])

    @property
    def int8_runtimes(self) -> tuple[str, ...]:
        """What runs the model in 8 bits; empty if there is none."""
        forms = {"openvino": INT8_MODEL_FILE, "onnxruntime": ONNX_INT8_FILE}
        return tuple(name for name, file in forms.items() if file in self.files)

    @property
    def int8_weights(self) -> list[str]:
        """As `weights`, of the models in 8 bits, which share the tables of words and positions."""
        return [*self.weights, INT8_WEIGHTS_FILE]


def export_model(model: str, folder: Path) -> Path:
    """Write a model to a new folder that `load_encoder` opens without torch or transformers.

    Raises:
        ModelError: the model cannot be found or converted.
        OutputError: the folder is there already and not empty, or cannot be written.
    """
    source = resolve_model(model)
    if source.exported:
        raise ModelError(f"{source.path} is an exported model already: copy the folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} is there already: name a new folder")
    try:
        write_export(source, folder)
    except OSError as error:
        raise OutputError(f"cannot write {folder}: {error}") from error
    return folder


def write_export(source: ModelFolder, target: Path) -> None:
    """Put a model at `target`, unless another writer was faster; torch converts one that is not ready."""
    sweep(target.parent, target.name, LEFT_S)
    with _first_wins(target), whole_folder(target) as temporary:
        if source.ready:
            _copy(source, temporary)
        else:
            dim = convert(source, temporary)
            shutil.copyfile(read_config(source.path).transformer / TOKENIZER_FILE, temporary / TOKENIZER_FILE)
            write_manifest(source, temporary, dim, [WEIGHTS_FILE])


def write_manifest(source: ModelFolder, folder: Path, dim: int, weights: list[str]) -> None:
    """States what is in `folder`: the models there are of `source`."""
    config = read_config(source.path)
    int8 = [
        name
        for name in (INT8_MODEL_FILE, INT8_WEIGHTS_FILE, ONNX_INT8_FILE)
        if (folder / name).exists()
    ]  # fmt: skip
    names = (MODEL_FILE, *weights, *int8, TOKENIZER_FILE)
    manifest = Manifest(
        format=FORMAT,
        name=source.name,
        fingerprint=source.fingerprint,
        dim=dim,
        max_length=config.max_length,
        lowercase=config.lowercase,
        files={name: file_digest(folder / name) for name in names},
        weights=weights,
    )
    (folder / EXPORT_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)) + b"\n")


def _copy(source: ModelFolder, folder: Path) -> None:
    """The OpenVINO models of a folder that has torch weights, too, without those."""
    manifest = read_manifest(source.path)
    for name in manifest.files.keys() - manifest.weights:
        shutil.copyfile(source.path / name, folder / name)
    with (folder / WEIGHTS_FILE).open("wb") as target:
        for name in manifest.weights:
            target.write((source.path / name).read_bytes())
    write_manifest(source, folder, manifest.dim, [WEIGHTS_FILE])


def read_manifest(path: Path) -> Manifest:
    """The manifest of an exported folder whose files are whole.

    Raises:
        ModelError: not such a folder, one of a newer version, or a file of it is damaged.
    """
    try:
        manifest = msgspec.convert(read_json(path / EXPORT_FILE), Manifest)
    except msgspec.ValidationError as error:
        raise ModelError(f"{path / EXPORT_FILE} is no manifest of an exported model: {error}") from error
    if manifest.format != FORMAT:
        raise ModelError(
            f"{path} has the format {manifest.format}, this version reads {FORMAT}: export it again"
        )
    for name, digest in manifest.files.items():
        if not (path / name).is_file() or file_digest(path / name) != digest:
            raise ModelError(f"{path / name} is missing or damaged: export the model again")
    return manifest


def read_weights(path: Path, files: Sequence[str]) -> npt.NDArray[np.uint8]:
    """The files of a folder, one after another, as one array of bytes."""
    weights = np.empty(sum((path / name).stat().st_size for name in files), np.uint8)
    at = 0
    for name in files:
        with (path / name).open("rb") as file:
            at += file.readinto(weights[at:])  # type: ignore[arg-type]
    return weights


def ready_model(folder: ModelFolder) -> tuple[Path, Manifest]:
    """The folder of a model that runs without torch; converted into the user's cache if there was none.

    Raises:
        ModelError: it cannot be converted, or is damaged.
    """
    if folder.ready:
        return folder.path, read_manifest(folder.path)
    path = cache_folder() / "encoders" / folder.fingerprint
    if path.exists():
        try:
            return path, read_manifest(path)
        except ModelError as error:
            logger.warning("making the cached model anew: %s", error)
            shutil.rmtree(path, ignore_errors=True)
    try:
        write_export(folder, path)
    except OSError as error:
        raise ModelError(
            f"cannot write the converted model to {path}: {error}; set SKILLSTREAM_CACHE_DIR to a folder"
            " that can be written, or use a model made by 'skillstream model export'"
        ) from error
    return path, read_manifest(path)


def convert(source: ModelFolder, folder: Path, *, half: bool | None = None) -> int:
    """Writes the OpenVINO model of a torch model; its vectors' length.

    Args:
        source: the model.
        folder: gets `MODEL_FILE` and `WEIGHTS_FILE`.
        half: store the weights in 16 bits; by default as the torch model's are stored.

    Raises:
        ModelError: torch is missing, or the model cannot be converted.
        OSError: the disk's errors.
    """
    from skillstream.encoder.openvino_runtime import openvino

    exported = "use a folder that 'skillstream model export' has written where torch is installed"
    with needs_torch(f"converting the model {source.name}", instead=exported):
        import torch

        from skillstream.encoder.torch_backend import TorchEncoder, quiet_transformers

    module = TorchEncoder(read_config(source.path))
    # Two texts of unequal length, so that tracing cannot take the mask for a constant.
    example = (torch.ones(2, 8, dtype=torch.int64), torch.tensor([[1] * 8, [1] * 4 + [0] * 4]))
    shape = openvino.PartialShape([-1, -1])
    try:
        with warnings.catch_warnings(), quiet_transformers(), offline(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the tracer's, about shapes that are made dynamic here
            model = openvino.convert_model(module, example_input=example, input=[shape, shape])
    except Exception as error:
        raise ModelError(f"OpenVINO cannot convert the model {source.name}: {error}") from error
    try:
        openvino.save_model(
            model, folder / MODEL_FILE, compress_to_fp16=module.stored_in_half if half is None else half
        )
    except RuntimeError as error:  # all that OpenVINO says of a full disk
        raise OSError(f"writing the converted model failed, is the disk full? ({error})") from error
    return module.dim


@contextmanager
def _first_wins(target: Path) -> Iterator[None]:
    """Another writer of the same model may have been faster."""
    try:
        yield
    except FileExistsError:
        if not (target / EXPORT_FILE).is_file():
            raise
