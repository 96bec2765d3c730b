"""Options of `skillstream training-data`."""

from __future__ import annotations

import dataclasses

from skillstream.errors import UsageError

__all__ = ["TrainingDataConfig"]


@dataclasses.dataclass(frozen=True)
class TrainingDataConfig:
    """Options of the pipeline.

    Attributes:
        output: folder for `train/`, `dev/`, `test/` and the data card.
        near_duplicates: estimated similarity from which on texts count as the same; 1 or more keeps all.
        held_out: share of the groups of linked texts for dev, and as many for test.
        seed: of the split.
        shards: files a split.
        model: whose tokenizer counts the tokens in the data card.
        negatives: hard negatives for each pair at most; 0 mines none.
        negatives_from: taxonomy whose labels they are: `esco` or a path.
        miner: the encoder by which they are near.
    """

    output: str
    near_duplicates: float = 0.9
    held_out: float = 0.02
    seed: int = 42
    shards: int = 1
    model: str = "base"
    negatives: int = 0
    negatives_from: str = "esco"
    miner: str = "default"

    def __post_init__(self) -> None:
        for name, value, fits, expected in (
            ("near-duplicates", self.near_duplicates, self.near_duplicates > 0, "over 0"),
            ("held-out", self.held_out, 0 <= self.held_out <= 0.5, "from 0 to 0.5"),
            ("shards", self.shards, 1 <= self.shards <= 10_000, "from 1 to 10000"),
            ("negatives", self.negatives, 0 <= self.negatives <= 20, "from 0 to 20"),
        ):
            if not fits:
                raise UsageError(f"--{name} {value}: expected a number {expected}")
