"""Makes the encoder that skillstream ships, from raw data to `src/skillstream/data/model`.

    python scripts/make_default_model.py --data ../shared/data --work build/model

The three steps are `skillstream training-data`, `skillstream train --recipe skills` and packing: weights in
fp16 beside the base model's own configuration and tokenizer, with a card. A step that is done is not done
again, and training resumes where it was cut off.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import click
import msgspec
import torch
from safetensors.torch import load_file, save_file

from skillstream.encoder.models import resolve_model
from skillstream.pipelines.training_data import run
from skillstream.training.data_config import TrainingDataConfig
from skillstream.training.pair_files import load_pairs
from skillstream.training.pair_sources import parse_source
from skillstream.training.recipes import RECIPES, Recipe
from skillstream.training.trainer import train

TARGET = Path(__file__).parent.parent / "src" / "skillstream" / "data" / "model"
NOTES = Path(__file__).parent / "default_model_card.md"
BASE_NAME = "sentence-transformers/all-MiniLM-L6-v2"
CONFIGURATION = ("modules.json", "sentence_bert_config.json", "1_Pooling/config.json")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def sources(data: Path) -> list[str]:
    return [
        f"esco={data / 'taxonomy/esco_skills.csv'}",
        f"sentences={data / 'pairs/skillskape_train.csv'}",
        f"spans={data / 'pairs/skillspan_train.jsonl'}",
        "phrases=builtin",
    ]


def make_pairs(data: Path, pairs: Path) -> None:
    """Near duplicates stay: different alternative labels are meant to be alike."""
    if not (pairs / "data_card.json").exists():
        shutil.rmtree(pairs, ignore_errors=True)
        run(
            TrainingDataConfig(output=str(pairs), near_duplicates=1.0),
            [parse_source(spec) for spec in sources(data)],
        )


def make_model(recipe: Recipe, pairs: Path, trained: Path) -> None:
    if not (trained / "modules.json").exists():
        base = resolve_model("base").path
        train(recipe, load_pairs(pairs), base, trained, base_name=BASE_NAME, resume=True, progress=show)


def pack(recipe: Recipe, pairs: Path, trained: Path, target: Path) -> None:
    """The package's folder: made beside it and then put in its place."""
    base = resolve_model("base").path
    temporary = target.with_name(f".{target.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    for name in (*CONFIGURATION, *TOKENIZER):
        (temporary / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(base / name, temporary / name)
    # Stored in half precision, but to be computed with in full: CPUs are slow in fp16.
    config = json.loads((base / "config.json").read_text("utf-8")) | {"torch_dtype": "float32"}
    (temporary / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    weights = load_file(trained / "model.safetensors")
    wanted = {name: value.half() for name, value in weights.items() if value.is_floating_point()}
    if not all(torch.isfinite(value).all() for value in wanted.values()):
        raise click.ClickException("weights that are not finite in fp16")
    save_file(wanted, temporary / "model.safetensors", metadata={"format": "pt"})
    (temporary / "model.safetensors").chmod(0o644)  # safetensors writes for the owner alone
    facts = json.loads((pairs / "data_card.json").read_text("utf-8"))
    for found in facts["splits"].values():
        del found["samples"]  # texts of others are not for us to ship
    (temporary / "data_card.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    card = NOTES.read_text("utf-8").replace("{hyperparameters}", hyperparameters(recipe))
    (temporary / "README.md").write_text(card, "utf-8")
    shutil.rmtree(target, ignore_errors=True)
    temporary.rename(target)


def hyperparameters(recipe: Recipe) -> str:
    return "\n".join(f"- `{name}`: {value}" for name, value in msgspec.structs.asdict(recipe).items())


def show(step: int, steps: int, loss: float, left_s: float) -> None:
    print(f"step {step} of {steps}, loss {loss:.4f}, {left_s:,.0f} s left", flush=True)


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of the raw data."
)
@click.option(
    "--work", type=click.Path(path_type=Path), required=True, help="For pairs, checkpoints and weights."
)
@click.option("--target", type=click.Path(path_type=Path), default=TARGET, help="Where the model is put.")
def main(data: Path, work: Path, target: Path) -> None:
    recipe = RECIPES["skills"]
    make_pairs(data, work / "pairs")
    make_model(recipe, work / "pairs", work / "trained")
    pack(recipe, work / "pairs", work / "trained", target)
    print(f"{target}: {(target / 'model.safetensors').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
