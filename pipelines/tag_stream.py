"""Kafka to ranked skill tags in Parquet: `skillstream stream`, or by itself with Beam's flags.

python -m skillstream.pipelines.tag_stream --bootstrap_servers=localhost:9092 --topic=postings --output=tags
"""

from __future__ import annotations

import dataclasses
import logging
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from skillstream.errors import RunError, SkillstreamError, SourceError
from skillstream.monitoring import LIVE, drain_on_signals, stream_metrics, stream_summary, tell_phase
from skillstream.output import StreamSummary
from skillstream.pipelines.command import run_command
from skillstream.pipelines.dataflow import dataflow_flags, is_dataflow, with_readers
from skillstream.pipelines.options import (
    check_cluster_flags,
    pipeline_runner,
    root_cause,
    runs_here,
)
from skillstream.rows import TaggedChunk
from skillstream.sources.kafka import Share
from skillstream.sources.kafka.plan import KafkaAwayError, StreamPlan
from skillstream.tagging import StreamConfig
from skillstream.tagging.stream_start import prepare_stream
from skillstream.transforms.observe import Observe
from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_kafka import ReadKafka
from skillstream.transforms.tag import TagChunks

__all__ = ["build", "main", "run"]

# Checkpoints on a cluster wait for the readers, which hand over after a fixed time.
CLUSTER_BUNDLE_S = 2.0

# On Dataflow, where readers take turns on the threads of a worker, sooner if there is nothing to read.
DATAFLOW_IDLE_S = 1.0

FLEX_TEMPLATE = "a flex template with --subnetwork does (docs/how-to/run-on-dataflow.md)"


def build(
    pipeline: beam.Pipeline,
    config: StreamConfig,
    plan: StreamPlan,
    bundle_s: float | None = None,
    idle_s: float = math.inf,
) -> beam.PCollection:
    """Topic → chunks → tagged chunks → files, fused: nothing may stand between these steps.

    With `bundle_s`, for clusters, readers publish what is buffered and give the rest back after that many
    seconds, or after `idle_s` without anything to read; checkpoints wait for that.

    Workers load the index from its folder: a side input would stay as it was at the start, and on Flink
    it breaks checkpoints.
    """
    share = Share(
        readers=config.readers or 1,
        topic_id=plan.topic_id,
        stop_at=plan.ends if config.stop_at_end else None,
    )
    read = ReadKafka(config, config.output, share)
    if bundle_s is not None:
        read = dataclasses.replace(read, bundle_s=bundle_s, flush=True, idle_s=idle_s)
    return (
        pipeline
        | "ReadKafka" >> read
        | "Tag" >> TagChunks(config)
        | "Observe" >> beam.ParDo(Observe()).with_output_types(TaggedChunk)
        | "Publish" >> PublishChunks(config.output)
    )


def run(
    config: StreamConfig,
    beam_flags: Sequence[str] = (),
    status: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> StreamSummary:
    """Tags the topic until SIGINT or SIGTERM (which drain), or to its end with `stop_at_end`.

    Args:
        config: what to do.
        beam_flags: Beam's own, such as `--runner=...`.
        status: shows how it goes while the body runs.

    Raises:
        UsageError: refused before the first record.
        RunError: it failed while running. Starting again resumes where it stopped.
    """
    check_cluster_flags(beam_flags)
    beam_flags = dataflow_flags(beam_flags, config, config.output, topic=config.topic)
    runner, options = pipeline_runner(beam_flags), PipelineOptions(list(beam_flags))
    LIVE.clear()
    # On a cluster the readers are elsewhere: signals to this process and its figures mean nothing to them.
    here = isinstance(runner, FnApiRunner)
    with ExitStack() as stack:
        if here:
            stack.enter_context(stream_metrics(config))  # before all that takes time: probes want an answer
        try:
            start, plan = prepare_stream(
                config,
                here=runs_here(runner, options),
                phase=tell_phase,
                planned=lambda given, plan: with_readers(beam_flags, given, len(plan.ends)),
            )
        except KafkaAwayError as error:
            if not is_dataflow(beam_flags):
                raise
            # Its partitions and their beginnings are asked for here, not by the workers alone.
            raise SourceError(
                f"{error}; start the job from inside Kafka's network: {FLEX_TEMPLATE}"
            ) from error
        tell_phase("starting to read" if here else "sending the job off")
        started = time.monotonic()
        stack.enter_context(start.handed_over())
        for context in (drain_on_signals(), status()) if here else ():
            stack.enter_context(context)
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(
            pipeline,
            start.config,
            plan,
            bundle_s=None if here else CLUSTER_BUNDLE_S,
            idle_s=DATAFLOW_IDLE_S if is_dataflow(beam_flags) else math.inf,
        )
        try:
            pipeline.run().wait_until_finish()
        except SkillstreamError:
            raise
        except KeyboardInterrupt:
            if here:
                raise
            raise RunError(f"interrupted here, the job goes on: {_how_to_stop(beam_flags)} ends it") from None
        except Exception as error:
            raise RunError(f"{root_cause(error)}; start again to resume where it stopped") from error
    return stream_summary(config, time.monotonic() - started)


def _how_to_stop(beam_flags: Sequence[str]) -> str:
    return "`gcloud dataflow jobs drain`" if is_dataflow(beam_flags) else "`skillstream flink stop`"


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m skillstream.pipelines.tag_stream`: our flags in Beam's style, the rest is Beam's."""
    logging.getLogger("kafka").propagate = False  # the reader tells what is wrong, once
    return run_command(
        "skillstream.pipelines.tag_stream",
        StreamConfig,
        lambda config, _, beam_flags: run(config, beam_flags),
        argv,
    )


if __name__ == "__main__":
    sys.exit(main())
