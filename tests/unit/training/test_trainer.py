"""Training itself, with a tiny random model: both recipes, resuming, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch

from skillstream.encoder import load_encoder
from skillstream.errors import OutputError, SourceError
from skillstream.training.pairs import TrainingPair
from skillstream.training.recipes import RECIPES, Recipe
from skillstream.training.trainer import _window, loss_every, train
from tests.encoder_models import make_model

PAIRS = [
    TrainingPair(f"write {a}{b} code", f"manage {a}{b}", "sentence", "s") for a in "abcdefgh" for b in "xyz"
]


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine a second thread for so small a model only waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("base") / "model")


def small(name: str, **changes: object) -> Recipe:
    return msgspec.structs.replace(RECIPES[name], **changes)


def vectors(folder: str | Path) -> np.ndarray:
    return load_encoder(str(folder), backend="torch").encode(["write code", "manage a team and sql"])


def test_card_recipe_is_the_published_one() -> None:
    card = RECIPES["card"]
    assert (card.batch_size, card.epochs, card.learning_rate, card.seed, card.scale) == (
        16,
        3,
        5e-5,
        42,
        20.0,
    )
    assert (card.schedule, card.warmup, card.weight_decay, card.bf16, card.max_tokens) == (
        "linear",
        0,
        0.0,
        False,
        256,
    )


def test_card_recipe_learns_and_writes_model_and_card(tmp_path: Path, base: Path) -> None:
    recipe = small("card", epochs=10, batch_size=12, learning_rate=5e-3)
    result = train(recipe, PAIRS, base, tmp_path / "out", base_name="tiny")
    assert result.steps == 20
    assert result.losses[-1][0] == 20
    assert result.losses[-1][1] < result.losses[0][1]
    card = (tmp_path / "out" / "README.md").read_text()
    parts = ("tiny", "Full Model Architecture", "Samples", "MultipleNegativesRankingLoss", "learning_rate")
    for part in (*parts, "Training Logs", "Framework Versions", "Citation"):
        assert part in card
    assert str(tmp_path) not in card
    assert str(base) not in card
    found = vectors(tmp_path / "out")
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert not np.allclose(found, vectors(base), atol=1e-3)
    assert (
        sorted(path.name for path in (tmp_path / "out").iterdir() if path.name.startswith((".", "check")))
        == []
    )


@pytest.mark.slow
def test_resumed_run_ends_as_one_in_one_piece(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("skillstream.training.trainer.CHECKPOINT_EVERY", 4)
    monkeypatch.setattr("skillstream.training.trainer.LOG_EVERY", 2)
    recipe = small("skills", steps=12, decay=4, warmup=2, batch_size=8, bf16=False, learning_rate=1e-3)
    whole = train(recipe, PAIRS, base, tmp_path / "whole")

    class Killed(BaseException):
        pass

    def kill(step: int, steps: int, loss: float, left_s: float) -> None:
        if step == 10:
            raise Killed

    with pytest.raises(Killed):
        train(recipe, PAIRS, base, tmp_path / "cut", progress=kill)
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["checkpoints"]
    with pytest.raises(OutputError, match="--resume"):
        train(recipe, PAIRS, base, tmp_path / "cut")
    resumed = train(recipe, PAIRS, base, tmp_path / "cut", resume=True)
    assert resumed.resumed_at == 8
    assert "Training Time" in (tmp_path / "whole" / "README.md").read_text()
    assert "Training Time" not in (tmp_path / "cut" / "README.md").read_text()  # known of its end alone
    assert [step for step, _ in resumed.losses] == [step for step, _ in whole.losses]
    np.testing.assert_allclose([x for _, x in resumed.losses], [x for _, x in whole.losses], atol=0.01)
    np.testing.assert_allclose(vectors(tmp_path / "cut"), vectors(tmp_path / "whole"), atol=0.01)


@pytest.mark.slow
def test_averaged_weights_lie_between_base_and_trained(tmp_path: Path, base: Path) -> None:
    recipe = small(
        "skills", steps=5, decay=1, warmup=0, batch_size=8, bf16=False, learning_rate=1e-3, average=0.0
    )
    train(recipe, PAIRS, base, tmp_path / "out")
    np.testing.assert_allclose(vectors(tmp_path / "out"), vectors(base), atol=1e-5)


@pytest.mark.slow
def test_mined_negatives_are_a_third_column(tmp_path: Path, base: Path) -> None:
    pairs = [msgspec.structs.replace(pair, negatives=("manage hh",)) for pair in PAIRS]
    recipe = small("skills", steps=10, decay=1, warmup=0, batch_size=8, bf16=False)
    with_negatives = train(recipe, pairs, base, tmp_path / "with")
    without = train(recipe, PAIRS, base, tmp_path / "without")
    assert with_negatives.losses[0][1] > without.losses[0][1]  # more candidates, more to tell apart
    assert "negative" in (tmp_path / "with" / "README.md").read_text()


def test_mask_hides_what_is_right_and_nothing_else(base: Path) -> None:
    from sentence_transformers import SentenceTransformer

    from skillstream.training.losses import MaskedRankingLoss

    known = [frozenset({1, 2}), frozenset({2}), frozenset({3}), frozenset({2})]
    loss = MaskedRankingLoss(SentenceTransformer(str(base), device="cpu"), known, [(1,), (2,), (3,), (2,)])
    assert loss.mask([0, 1, 2]).tolist() == [
        [False, True, False],
        [False, False, False],
        [False, False, False],
    ]
    assert loss.mask([1, 3]).tolist() == [[False, True], [True, False]]
    wide = MaskedRankingLoss(loss.model, known, [(1, 9), (2, 1), (3, 2), (2, 9)])
    assert wide.mask([0, 1]).tolist() == [[False, True, False, True], [False, False, False, False]]
    texts = ["a", "write python code and manage a nurse", "sql", "team sql"]
    features = (
        loss.model.preprocess(texts) if hasattr(loss.model, "preprocess") else loss.model.tokenize(texts)
    )
    with torch.no_grad():
        loss.eval()
        parted = loss._embed(features)
        plain = torch.tensor(loss.model.encode(texts, normalize_embeddings=True))
    torch.testing.assert_close(parted, plain, atol=1e-5, rtol=1e-4)


def test_losses_are_means_over_windows() -> None:
    log = [{"step": s, "loss": float(s)} for s in (10, 20, 30, 40, 45)] + [{"step": 45, "train_loss": 1.0}]
    assert loss_every(log, 20) == [(20, 15.0), (40, 35.0), (45, 45.0)]


@pytest.mark.parametrize(("steps", "window"), [(3750, 500), (1000, 500), (600, 60), (20, 10)])
def test_long_runs_say_their_loss_every_500_steps_as_the_published_card(steps: int, window: int) -> None:
    assert _window(steps) == window


def test_folder_in_use_and_no_pairs_are_refused(tmp_path: Path, base: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"notes\.txt"):
        train(RECIPES["card"], PAIRS, base, tmp_path / "out")
    with pytest.raises(SourceError, match="no training pairs"):
        train(RECIPES["skills"], [TrainingPair("a", "b", "task", "s")], base, tmp_path / "other")


def test_model_json_is_plain(tmp_path: Path, base: Path) -> None:
    train(small("card", epochs=1), PAIRS, base, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "modules.json").read_text())
    assert not list((tmp_path / "out").rglob("*.bin"))
