"""Makes what lets the default model run without torch: its OpenVINO model, in full precision and in 8 bits.

    python scripts/make_openvino_model.py --data ../shared/data

writes into `src/skillstream/data/model`, beside the weights that `scripts/make_default_model.py` put there:

- `openvino_model.xml` and `.bin`: the conversion. Its large constants are the torch weights, byte by byte, so
  the .xml points into `model.safetensors`, and the .bin holds the few others.
- `openvino_int8.xml` and `.bin`: quantised by nncf (SmoothQuant, the transformer preset), calibrated on
  sentences of SkillSpan's training part and on labels of ESCO. The tables of words and positions are those of
  `model.safetensors`, too.
- `skillstream_encoder.json`: the manifest.

Run `scripts/make_onnx_model.py` next: the graph for ONNX Runtime was of the old weights, and is removed.

Weights get 7 bits, not 8 (`OverflowFix.ENABLE`): processors without VNNI add pairs of products in 16 bits and
what does not fit is cut off. With 7 bits it fits, so that vectors are the same on every processor.
"""

from __future__ import annotations

import dataclasses
import json
import random
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from skillstream.encoder.openvino_runtime import openvino  # before nncf: no telemetry of either

import nncf  # isort: skip
from nncf.quantization.advanced_parameters import OverflowFix  # isort: skip

from skillstream.encoder.export import (
    INT8_MODEL_FILE,
    INT8_WEIGHTS_FILE,
    MODEL_FILE,
    TOKENIZER_FILE,
    WEIGHTS_FILE,
    convert,
    write_manifest,
)
from skillstream.encoder.models import ModelFolder, read_config, resolve_model
from skillstream.encoder.tokenizer import TextTokenizer

TARGET = Path(__file__).parent.parent / "src" / "skillstream" / "data" / "model"
TORCH_WEIGHTS = "model.safetensors"
SENTENCES, LABELS = 400, 100
WORDS = range(3, 61)  # of a sentence
ALPHA = 0.6  # how much of the activations' spread SmoothQuant moves into the weights
# What stays as it is: tables are only looked up, 8 bits would make them less exact and none faster, and so
# they are shipped once, for both precisions.
EXACT = ".*embedding/Gather"
CONSTANT = re.compile(r'(<data element_type="\w+" shape="[^"]*" offset=")(\d+)(" size=")(\d+)(")')
LEAST_SHARED = 512  # bytes of a constant that is looked for among the torch weights


def share_constants(model: Path, weights: Path, among: Sequence[Path], target: Path) -> None:
    """Writes a model whose large constants are read from the files `among`, where these hold them.

    Args:
        model, weights: the .xml and .bin of the model as OpenVINO saves it.
        among: files that its new weights begin with, one after another.
        target: the new .xml; beside it goes the .bin, the end of its weights, with what is in none of them.
    """
    shared = b"".join(path.read_bytes() for path in among)
    own = weights.read_bytes()
    rest = bytearray()

    def moved(match: re.Match[str]) -> str:
        start, size = int(match[2]), int(match[4])
        content = own[start : start + size]
        place = shared.find(content) if size >= LEAST_SHARED else -1
        if place < 0:
            rest.extend(b"\0" * (-(len(shared) + len(rest)) % 64))
            place = len(shared) + len(rest)
            rest.extend(content)
        return f"{match[1]}{place}{match[3]}{size}{match[5]}"

    target.write_text(CONSTANT.sub(moved, model.read_text("utf-8")), "utf-8")
    target.with_suffix(".bin").write_bytes(rest)
    print(f"{target}: {len(rest):,} bytes of constants that are not in {', '.join(p.name for p in among)}")


def calibration_texts(data: Path) -> list[str]:
    rows = [
        json.loads(line) for line in (data / "pairs/skillspan_train.jsonl").read_text("utf-8").splitlines()
    ]
    sentences = [" ".join(row["tokens"]) for row in rows if len(row["tokens"]) in WORDS]
    labels = (data / "dev/esco_1.1.0_labels.txt").read_text("utf-8").split("\n")
    chosen = random.Random(0)
    return chosen.sample(sentences, SENTENCES) + chosen.sample([x for x in labels if x], LABELS)


def eight_bits(source: ModelFolder, model: Path, texts: list[str], target: Path) -> None:
    """Writes the quantised model."""
    config = read_config(source.path)
    tokenizer = TextTokenizer(
        config.transformer / TOKENIZER_FILE, config.max_length, lowercase=config.lowercase
    )
    full = openvino.Core().read_model(model)
    ids, mask = (port.any_name for port in full.inputs)
    batches = [{ids: np.array([tokenizer.tokenize([text]).ids])} for text in texts]
    batches = [batch | {mask: np.ones_like(batch[ids])} for batch in batches]
    quantised = nncf.quantize(
        full,
        nncf.Dataset(batches),
        model_type=nncf.ModelType.TRANSFORMER,
        subset_size=len(batches),
        ignored_scope=nncf.IgnoredScope(patterns=[EXACT]),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            overflow_fix=OverflowFix.ENABLE,
            smooth_quant_alphas=nncf.AdvancedSmoothQuantParameters(matmul=ALPHA),
        ),
    )
    openvino.save_model(quantised, target)


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the raw data."
)
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Folder of the model.")
def main(data: Path, target: Path) -> None:
    for pattern in (
        "openvino_*",
        "onnx_*",
        "skillstream_encoder.json",
    ):  # the graph of ONNX points into the .bin
        for old in target.glob(pattern):
            old.unlink()
    source = dataclasses.replace(resolve_model(str(target)), name="default")
    among = [target / TORCH_WEIGHTS]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        dim = convert(source, work, half=True)
        share_constants(work / MODEL_FILE, work / WEIGHTS_FILE, among, target / MODEL_FILE)
        eight_bits(source, work / MODEL_FILE, calibration_texts(data), work / INT8_MODEL_FILE)
        among.append(target / WEIGHTS_FILE)
        share_constants(work / INT8_MODEL_FILE, work / INT8_WEIGHTS_FILE, among, target / INT8_MODEL_FILE)
    write_manifest(source, target, dim, [TORCH_WEIGHTS, WEIGHTS_FILE])
    for path in sorted(target.glob("openvino_*")):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
