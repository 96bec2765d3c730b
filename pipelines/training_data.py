"""Raw sources to training pairs: `skillstream training-data`, or by itself with Beam's flags.

    python -m skillstream.pipelines.training_data --source=phrases=builtin --output=pairs

read and normalise → drop duplicates → drop near duplicates → mine negatives, if asked to → deal out splits →
write. Batch.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions

from skillstream.encoder.models import read_config, resolve_model
from skillstream.encoder.tokenizer import TextTokenizer
from skillstream.errors import OutputError
from skillstream.index import index_folder
from skillstream.pipelines.command import run_command
from skillstream.pipelines.options import pipeline_runner, run_to_end
from skillstream.storage import check_local
from skillstream.training.data_card import CountTokens, describe_pairs, write_data_card
from skillstream.training.data_config import SOURCE_HELP, TrainingDataConfig
from skillstream.training.pair_sources import PairSource, parse_source
from skillstream.transforms.skills_index import skills_index_side_input
from skillstream.transforms.training_pairs import (
    METRICS,
    AssignSplits,
    DropDuplicates,
    DropNearDuplicates,
    MineNegatives,
    ReadPairs,
    WritePairs,
)

__all__ = ["build", "main", "run"]


def build(
    pipeline: beam.Pipeline,
    config: TrainingDataConfig,
    sources: Sequence[PairSource],
    index: Path | None = None,
) -> beam.PCollection:
    """All steps; gives the paths of the files written. Negatives are mined from the index in `index`."""
    pairs = pipeline | "ReadPairs" >> ReadPairs(sources) | "DropDuplicates" >> DropDuplicates()
    if config.near_duplicates < 1:
        pairs, links = pairs | "DropNearDuplicates" >> DropNearDuplicates(config.near_duplicates)
    else:
        links = pipeline | "NoLinks" >> beam.Create([]).with_output_types(tuple[int, int])
    if index is not None:
        labels = skills_index_side_input(pipeline, index)
        pairs = pairs | "MineNegatives" >> MineNegatives(labels, config.miner, config.negatives)
    return (
        pairs
        | "AssignSplits" >> AssignSplits(links, config.seed, config.held_out, config.negatives)
        | "WritePairs" >> WritePairs(config.output, config.shards)
    )


def run(
    config: TrainingDataConfig, sources: Sequence[PairSource], beam_flags: Sequence[str] = ()
) -> dict[str, Any]:
    """Makes the pairs, waits for the end and writes the data card, last of all.

    Returns:
        The facts of the data card.

    Raises:
        UsageError: refused before anything was read.
        RunError: a worker failed; nothing half-written counts, start again with an empty folder.
    """
    check_local("--output", config.output)
    runner, options = pipeline_runner(beam_flags), PipelineOptions(list(beam_flags))
    count_tokens = _token_counter(config.model)
    output = Path(config.output)
    if output.exists() and any(output.iterdir()):
        raise OutputError(f"--output {output}: not empty; give a new folder")
    index = None
    if config.negatives:
        index = index_folder(config.negatives_from, config.miner, temporary=True)
    output.mkdir(parents=True, exist_ok=True)
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline, config, sources, index)
    result = run_to_end(pipeline, "fix that and start again with an empty folder")
    found = result.metrics().query(MetricsFilter().with_namespace(METRICS))["counters"]
    counters = {entry.key.metric.name: int(entry.result) for entry in found}
    # Shards say how the pairs lie in files, not what they are.
    stated = {k: v for k, v in dataclasses.asdict(config).items() if k not in ("output", "shards")}
    if not config.negatives:
        del stated["negatives"], stated["negatives_from"], stated["miner"]
    facts = describe_pairs(output, sources, stated, counters, count_tokens)
    write_data_card(output, facts)
    return facts


def _token_counter(model: str) -> CountTokens:
    config = read_config(resolve_model(model).path)
    tokenizer = TextTokenizer(
        config.transformer / "tokenizer.json", config.max_length, lowercase=config.lowercase
    )

    special = tokenizer.max_length - tokenizer.max_tokens

    def count(texts: Sequence[str]) -> list[int]:
        return [len(tokenizer.spans(text)) + special for text in texts]

    return count


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m skillstream.pipelines.training_data`: our flags in Beam's style, the rest is Beam's."""
    return run_command(
        "skillstream.pipelines.training_data",
        TrainingDataConfig,
        lambda config, flags, beam_flags: run(config, [parse_source(s) for s in flags.source], beam_flags)[
            "steps"
        ],
        argv,
        repeated={"source": SOURCE_HELP},
    )


if __name__ == "__main__":
    sys.exit(main())
