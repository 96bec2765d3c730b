"""Options of `skillstream training-data` (see `skillstream.options` for how options are declared)."""

from __future__ import annotations

from dataclasses import dataclass

from skillstream.errors import UsageError
from skillstream.options import check_options, option

__all__ = ["SOURCE_HELP", "TrainingDataConfig"]

# Of the option --source, which `skillstream.training.pair_sources.parse_source` reads.
SOURCE_HELP = (
    "Source of pairs: esco=FILE, onet=FOLDER, sentences=FILE, spans=FILE, phrases=FILE (or 'builtin') or "
    "pairs=FILE:ANCHOR_COLUMN:POSITIVE_COLUMN; may be repeated."
)


@dataclass(frozen=True, kw_only=True)
class TrainingDataConfig:
    """What training pairs are made, and how they are split.

    Raises:
        UsageError: a value is missing or out of its range.
    """

    output: str = option(
        "", "New folder for the pairs in train/, dev/ and test/ and for the data card.", required=True
    )
    near_duplicates: float = option(
        0.9, "Estimated similarity from which two texts count as near duplicates; 1 keeps all."
    )
    held_out: float = option(
        0.02, "Share of the groups of linked texts that goes to dev, and the same share again to test."
    )
    seed: int = option(42, "Seed of the random split.")
    shards: int = option(1, "Number of files per split; one per 100,000 pairs is a good size.")
    model: str = option("base", "Model whose tokenizer counts the tokens for the data card.")
    negatives: int = option(0, "Maximum number of hard negatives per pair; 0 mines none.")
    negatives_from: str = option("esco", "Taxonomy to draw hard negatives from: 'esco' or a path.")
    miner: str = option("default", "Encoder used to find the labels nearest to each anchor.")

    def __post_init__(self) -> None:
        check_options(self)
        for name, value, fits, expected in (
            ("near-duplicates", self.near_duplicates, self.near_duplicates > 0, "over 0"),
            ("held-out", self.held_out, 0 <= self.held_out <= 0.5, "from 0 to 0.5"),
            ("shards", self.shards, 1 <= self.shards <= 10_000, "from 1 to 10000"),
            ("negatives", self.negatives, 0 <= self.negatives <= 20, "from 0 to 20"),
        ):
            if not fits:
                raise UsageError(f"--{name} {value}: expected a number {expected}")
