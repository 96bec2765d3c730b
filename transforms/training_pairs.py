"""Raw training data to deduplicated, split pairs in Parquet. The rules are in `skillstream.training`.

Every step is keyed by what a text says, never by where it was read, and every group is put in order before
it is looked at, so that the result is the same bytes whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import msgspec
import numpy as np
from apache_beam import coders
from apache_beam.metrics import Metrics
from apache_beam.pvalue import AsIter, AsSingleton, PBegin, PCollection

from skillstream.encoder import load_encoder
from skillstream.index import IndexPackage, SkillsIndex, load_package
from skillstream.storage import cache_folder, writable_folder
from skillstream.training.near import Signature, bands, near_duplicates, signature
from skillstream.training.negatives import hard_negatives
from skillstream.training.pair_files import write_shard
from skillstream.training.pair_sources import PairSource, read_pairs
from skillstream.training.pairs import BadRow, TrainingPair, text_id
from skillstream.training.split import SplitTable
from skillstream.transforms.coders import StructCoder

__all__ = [
    "METRICS",
    "AssignSplits",
    "DropDuplicates",
    "DropNearDuplicates",
    "MineNegatives",
    "ReadPairs",
    "WritePairs",
]

METRICS = "skillstream-training"

# Anchors that are encoded together, whatever the bundles: batches of another size could differ in the last
# digit of a similarity, and so in the bytes of the result.
BUCKETS = 256

# Pairs of ids in one element: half a megabyte. One element with all of them is more than Flink can sort.
EDGES = 32_768


class PairCoder(StructCoder):
    struct = TrainingPair


class SignatureCoder(StructCoder):
    struct = Signature


class PairSourceCoder(StructCoder):
    struct = PairSource


class SplitTableCoder(StructCoder):
    struct = SplitTable


for _coder in (PairCoder, SignatureCoder, PairSourceCoder, SplitTableCoder):
    coders.registry.register_coder(_coder.struct, _coder)


@dataclass(eq=False)
class ReadPairs(beam.PTransform):
    """The normalised pairs of all sources; bad rows are counted by source and reason (metrics `bad: ...`)."""

    sources: Sequence[PairSource]

    def expand(self, begin: PBegin) -> PCollection:
        return (
            begin
            | "Sources" >> beam.Create(list(self.sources))
            | "Spread" >> beam.Reshuffle()
            | "Normalise" >> beam.FlatMap(_read).with_output_types(TrainingPair)
        )


def _read(source: PairSource) -> Iterator[TrainingPair]:
    for made in read_pairs(source):
        if isinstance(made, BadRow):
            Metrics.counter(METRICS, f"bad: {made.source}: {made.reason}").inc()
        else:
            Metrics.counter(METRICS, f"read: {made.source}: {made.kind}").inc()
            yield made


class DropDuplicates(beam.PTransform):
    """Of pairs that differ at most in case the smallest one."""

    def expand(self, pairs: PCollection) -> PCollection:
        return (
            pairs
            | "Key"
            >> beam.Map(lambda pair: (pair_key(pair), pair)).with_output_types(tuple[str, TrainingPair])
            | "Smallest" >> beam.CombinePerKey(min)
            | "Distinct" >> beam.Values().with_output_types(TrainingPair)
            | "Count" >> beam.Map(_counted, "distinct").with_output_types(TrainingPair)
        )


@dataclass(eq=False)
class DropNearDuplicates(beam.PTransform):
    """Pairs without those whose anchor is nearly that of another pair with the same positive.

    Gives `(pairs, links)`: links are the ids of anchors that are nearly the same; those with other positives
    are kept, but must not be parted by the split.

    Attributes:
        threshold: estimated Jaccard similarity of word pairs from which on two anchors are the same; in
            (0, 1].
    """

    threshold: float

    def expand(self, pairs: PCollection) -> tuple[PCollection, PCollection]:
        near = (
            pairs
            | "Bands" >> beam.FlatMap(_banded).with_output_types(tuple[bytes, Signature])
            | "Buckets" >> beam.GroupByKey()
            | "Compare"
            >> beam.FlatMap(_near, self.threshold).with_output_types(tuple[str, tuple[int, int, bool]])
        )
        dropped = (
            near
            | "SamePositive" >> beam.Filter(lambda item: item[1][2])
            | "Drop" >> beam.Map(lambda item: (item[0], None)).with_output_types(tuple[str, None])
        )
        keyed = pairs | "Key" >> beam.Map(lambda pair: (pair_key(pair), pair)).with_output_types(
            tuple[str, TrainingPair]
        )
        kept = (
            {"pair": keyed, "dropped": dropped}
            | "Join" >> beam.CoGroupByKey()
            | "Keep" >> beam.FlatMap(_kept).with_output_types(TrainingPair)
        )
        links = near | "Links" >> beam.Map(lambda item: item[1][:2]).with_output_types(tuple[int, int])
        return kept, links


def pair_key(pair: TrainingPair) -> str:
    """Equal for pairs that differ at most in case."""
    return _key(text_id(pair.anchor), text_id(pair.positive))


def _key(anchor: int, positive: int) -> str:
    return f"{anchor:x}:{positive:x}"


def _banded(pair: TrainingPair) -> Iterator[tuple[bytes, Signature]]:
    signed = signature(pair)
    if signed is not None:
        for band in bands(signed.hashes):
            yield band, signed


def _near(
    bucket: tuple[bytes, Iterable[Signature]], threshold: float
) -> Iterator[tuple[str, tuple[int, int, bool]]]:
    for kept, near in near_duplicates(bucket[1], threshold):
        yield _key(near.anchor, near.positive), (kept.anchor, near.anchor, kept.positive == near.positive)


def _kept(joined: tuple[str, dict[str, Iterable[TrainingPair]]]) -> Iterator[TrainingPair]:
    groups = joined[1]
    if not any(True for _ in groups["dropped"]):
        for pair in groups["pair"]:
            yield _counted(pair, "without near duplicates")


@dataclass(eq=False)
class MineNegatives(beam.PTransform):
    """Pairs with labels of a skills index that lie near their anchor and are not known to be right for it.

    Attributes:
        index: side input from `skills_index_side_input`.
        model: the encoder that the index was made with.
        count: maximum number of negatives per pair. Twice as many are mined, since those of other splits
            are dropped later.
    """

    index: AsSingleton
    model: str
    count: int

    def expand(self, pairs: PCollection) -> PCollection:
        return (
            pairs
            | "Bucket"
            >> beam.Map(lambda pair: (text_id(pair.anchor) % BUCKETS, pair)).with_output_types(
                tuple[int, TrainingPair]
            )
            | "Buckets" >> beam.GroupByKey()
            | "Mine"
            >> beam.ParDo(_Mine(self.model, 2 * self.count), self.index).with_output_types(TrainingPair)
        )


@dataclass(eq=False)
class _Mine(beam.DoFn):
    model: str
    count: int

    def setup(self) -> None:
        self._encoder = load_encoder(self.model)
        self._index: SkillsIndex | None = None

    def process(
        self, bucket: tuple[int, Iterable[TrainingPair]], package: IndexPackage
    ) -> Iterator[TrainingPair]:
        if self._index is None:
            self._index = load_package(package, writable_folder(cache_folder() / "unpacked"))
        groups: dict[int, list[TrainingPair]] = {}
        for pair in sorted(bucket[1]):
            groups.setdefault(text_id(pair.anchor), []).append(pair)
        anchors = [pairs[0].anchor for pairs in groups.values()]
        positives = [[pair.positive for pair in pairs] for pairs in groups.values()]
        mined = hard_negatives(anchors, positives, self._encoder, self._index, self.count)
        for pairs, found in zip(groups.values(), mined, strict=True):
            for pair, negatives in zip(pairs, found, strict=True):
                yield msgspec.structs.replace(pair, negatives=negatives)


@dataclass(eq=False)
class AssignSplits(beam.PTransform):
    """Pairs as `(split, pair)`; no text is on two sides, nor one that is nearly the same.

    Connected components need all edges in one place: 16 bytes a pair there, and 9 bytes a text at each
    worker. Negatives that are on another side are dropped.

    Attributes:
        links: `PCollection` of the ids of two texts that must not be parted.
        seed: of the deal.
        held_out: share of the components for dev, and as many for test.
        negatives: maximum number of negatives that a pair keeps.
    """

    links: PCollection
    seed: int
    held_out: float
    negatives: int = 0

    def expand(self, pairs: PCollection) -> PCollection:
        ids = pairs | "Ids" >> beam.Map(lambda pair: (text_id(pair.anchor), text_id(pair.positive)))
        edges = ids | "PairEdges" >> _Pack()
        links = self.links | "LinkEdges" >> _Pack()
        seed, held_out = self.seed, self.held_out
        table = (
            pairs.pipeline
            | "Once" >> beam.Create([None], reshuffle=False)
            | "Components"
            >> beam.Map(
                lambda _, packed, more: SplitTable.of(_edges(packed), _edges(more), seed, held_out),
                AsIter(edges),
                AsIter(links),
            ).with_output_types(SplitTable)
        )
        return pairs | "Deal" >> beam.ParDo(_Deal(self.negatives), AsSingleton(table)).with_output_types(
            tuple[str, TrainingPair]
        )


class _Pack(beam.PTransform):
    """Pairs of ids as blocks of bytes: a list of tuples would take ten times the memory."""

    def expand(self, ids: PCollection) -> PCollection:
        return (
            ids
            | "Batch" >> beam.BatchElements(min_batch_size=EDGES, max_batch_size=EDGES)
            | "Pack" >> beam.Map(lambda batch: np.array(batch, "<i8").tobytes()).with_output_types(bytes)
        )


def _edges(packed: Iterable[bytes]) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.frombuffer(b"".join(packed), "<i8").reshape(-1, 2)


@dataclass(eq=False)
class _Deal(beam.DoFn):
    negatives: int

    def process(self, pair: TrainingPair, table: SplitTable) -> Iterator[tuple[str, TrainingPair]]:
        split = table.find(text_id(pair.anchor))
        if split is None:
            raise AssertionError(f"a pair of which the split table knows nothing: {pair.anchor!r}")
        Metrics.counter(METRICS, f"split: {split}: {pair.kind}").inc()
        if pair.negatives:
            near = [text for text in pair.negatives if table.find(text_id(text)) in (split, None)]
            pair = msgspec.structs.replace(pair, negatives=tuple(near[: self.negatives]))
            Metrics.counter(METRICS, f"with negatives: {pair.kind}").inc(bool(near))
        yield split, pair


@dataclass(eq=False)
class WritePairs(beam.PTransform):
    """`(split, pair)` to `OUTPUT/<split>/part-<n>-of-<shards>.parquet`; gives the paths.

    A shard is put in order in memory, so large data sets want several.
    """

    output: str
    shards: int

    def expand(self, pairs: PCollection) -> PCollection:
        return (
            pairs
            | "Shard" >> beam.Map(_sharded, self.shards).with_output_types(tuple[str, TrainingPair])
            | "Shards" >> beam.GroupByKey()
            | "Write" >> beam.Map(lambda item, output: write_shard(output, item[0], item[1]), self.output)
        )


def _sharded(item: tuple[str, TrainingPair], shards: int) -> tuple[str, TrainingPair]:
    split, pair = item
    return f"{split}/part-{text_id(pair.anchor) % shards:05d}-of-{shards:05d}.parquet", pair


def _counted(pair: TrainingPair, name: str) -> TrainingPair:
    Metrics.counter(METRICS, f"{name}: {pair.kind}").inc()
    return pair
