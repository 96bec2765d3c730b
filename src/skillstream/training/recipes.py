"""What to train with: all hyperparameters of a recipe in one place."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["RECIPES", "Recipe"]


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """Hyperparameters of one training run; every one is in the model card.

    Attributes:
        name: of the recipe.
        loss: `mnrl` is sentence-transformers' own; `masked` leaves known positives out of the negatives.
        batch_size: pairs a step; the candidates of a step are as many.
        epochs: over the pairs (`mnrl`), unless `steps` is given.
        steps: of the optimiser; `masked` composes `steps` x `batch_size` examples.
        learning_rate: at its height.
        schedule: `linear` to zero; `wsd` is warm-up, stable, decay over the last `decay` steps.
        warmup: steps from zero to the height.
        decay: steps down to zero (`wsd`).
        max_tokens: a text is cut there while training; the model itself keeps its own limit.
        scale: inverse temperature of the softmax over cosines.
        frozen_words: leave the word vectors as they are: half of the parameters, of which a short training
            sees few.
        bf16: autocast to bfloat16, about twice as fast on CPUs that have it.
        weight_decay: of AdamW.
        max_grad_norm: longer gradients are cut to this length.
        seed: of everything that is drawn.
        average: share of the trained weights in the saved ones, the rest is the base model's (WiSE-FT,
            https://arxiv.org/abs/2109.01903); 1 saves them as trained.
    """

    name: str
    loss: Literal["mnrl", "masked"]
    batch_size: int
    epochs: int = 1
    steps: int = 0
    learning_rate: float
    schedule: Literal["linear", "wsd"] = "linear"
    warmup: int = 0
    decay: int = 0
    max_tokens: int = 256
    scale: float = 20.0
    frozen_words: bool = False
    bf16: bool = False
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    seed: int = 42
    average: float = 1.0


RECIPES = {
    # The published card, to the letter: MNRL, batch 16, 3 epochs, AdamW 5e-5, linear, no warm-up.
    "card": Recipe(name="card", loss="mnrl", batch_size=16, epochs=3, learning_rate=5e-5),
    "skills": Recipe(
        name="skills",
        loss="masked",
        batch_size=64,
        steps=600,
        learning_rate=1e-4,
        schedule="wsd",
        warmup=40,
        decay=200,
        max_tokens=64,
        frozen_words=True,
        bf16=True,
        weight_decay=0.01,
    ),
}
