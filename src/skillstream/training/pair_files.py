"""Training pairs on disk: `FOLDER/{train,dev,test}/part-*.parquet`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.errors import SourceError
from skillstream.storage import whole_file
from skillstream.training.pairs import TrainingPair

__all__ = ["PAIR_SCHEMA", "iter_pairs", "load_pairs", "write_shard"]

PAIR_SCHEMA = pa.schema(
    [
        pa.field("anchor", pa.string(), nullable=False),
        pa.field("positive", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("negatives", pa.list_(pa.string()), nullable=False),
    ]
)


def write_shard(folder: str | Path, name: str, pairs: Iterable[TrainingPair]) -> str:
    """Writes pairs in order to `folder/name`, whole or not at all, the same bytes for the same pairs."""
    path = Path(folder, name)
    ordered = sorted(pairs)
    columns = [[getattr(pair, field) for pair in ordered] for field in PAIR_SCHEMA.names]
    table = pa.table(columns, schema=PAIR_SCHEMA)
    with whole_file(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
    return str(path)


def load_pairs(folder: str | Path, split: str = "train") -> list[TrainingPair]:
    """All pairs of one split, in order of their texts, however many files they lie in.

    Raises:
        SourceError: not a folder of `skillstream training-data`.
    """
    return sorted(iter_pairs(folder, split))


def iter_pairs(folder: str | Path, split: str) -> Iterator[TrainingPair]:
    """The pairs of one split, file by file.

    Raises:
        SourceError: see `load_pairs`.
    """
    files = sorted(Path(folder, split).glob("part-*.parquet"))
    if not files and (split == "train" or not Path(folder, "data_card.json").exists()):
        raise SourceError(
            f"{folder}: no {split}/part-*.parquet; make training pairs with 'skillstream training-data'"
        )
    for path in files:
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                for batch in file.iter_batches(10_000, columns=PAIR_SCHEMA.names):
                    *texts, negatives = (column.to_pylist() for column in batch.columns)
                    yield from map(TrainingPair, *texts, map(tuple, negatives))
        except (OSError, KeyError, pa.ArrowException) as error:
            raise SourceError(f"{path}: cannot be read as training pairs: {error}") from error
