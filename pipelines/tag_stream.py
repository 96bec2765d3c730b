"""Kafka to ranked skill tags in Parquet: `skillstream stream`, or by itself with Beam's flags.

python -m skillstream.pipelines.tag_stream --bootstrap_servers=localhost:9092 --topic=postings --output=tags
"""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from skillstream.errors import RunError, SkillstreamError
from skillstream.monitoring import DRAIN, LIVE, serve_metrics
from skillstream.output import Chain, StreamSummary, chain_name, check_layout
from skillstream.pipelines.command import run_command
from skillstream.pipelines.dataflow import dataflow_flags, is_dataflow
from skillstream.pipelines.options import (
    check_cluster_flags,
    pipeline_runner,
    root_cause,
    runs_here,
)
from skillstream.rows import TaggedChunk
from skillstream.sources.kafka import Share
from skillstream.sources.kafka.plan import StreamPlan, plan_stream
from skillstream.tagging import Start, StreamConfig, start_job
from skillstream.transforms.observe import Observe
from skillstream.transforms.publish import PublishChunks
from skillstream.transforms.read_kafka import ReadKafka
from skillstream.transforms.tag import TagChunks

__all__ = ["build", "main", "prepare", "run"]

logger = logging.getLogger(__name__)

# Checkpoints on a cluster wait for the readers, which hand over after a fixed time.
CLUSTER_BUNDLE_S = 2.0


def build(
    pipeline: beam.Pipeline, config: StreamConfig, plan: StreamPlan, bundle_s: float | None = None
) -> beam.PCollection:
    """Topic → chunks → tagged chunks → files, fused: nothing may stand between these steps.

    With `bundle_s`, for clusters, readers publish what is buffered and give the rest back after that many
    seconds; checkpoints wait for that.

    Workers load the index from its folder: a side input would stay as it was at the start, and on Flink
    it breaks checkpoints.
    """
    share = Share(
        readers=config.readers, topic_id=plan.topic_id, stop_at=plan.ends if config.stop_at_end else None
    )
    read = ReadKafka(config, config.output, share)
    if bundle_s is not None:
        read = dataclasses.replace(read, bundle_s=bundle_s, flush=True)
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
    start, plan = prepare(config, here=runs_here(runner, options))
    LIVE.clear()
    started = time.monotonic()
    # On a cluster the readers are elsewhere: signals to this process and its figures mean nothing to them.
    here = isinstance(runner, FnApiRunner)
    with ExitStack() as stack:
        stack.enter_context(start.handed_over())
        for context in (_drain_on_signals(), _metrics(config), status()) if here else ():
            stack.enter_context(context)
        pipeline = beam.Pipeline(runner=runner, options=options)
        build(pipeline, start.config, plan, bundle_s=None if here else CLUSTER_BUNDLE_S)
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
    return summary(config, time.monotonic() - started)


def _how_to_stop(beam_flags: Sequence[str]) -> str:
    return "`gcloud dataflow jobs drain`" if is_dataflow(beam_flags) else "`skillstream flink stop`"


def prepare(config: StreamConfig, *, here: bool) -> tuple[Start[StreamConfig], StreamPlan]:
    """Everything before the first record: the topic and the chains are looked at, the output is claimed.

    Args:
        config: what to do.
        here: whether this process tags.

    Returns:
        The job that may begin, with the configuration for its workers, and what is about to be read.

    Raises:
        UsageError: refused; nothing was written, or nothing but `run.json` and the chains' roots.
    """
    chain_name(config.topic, 0)  # a file's name has less room than Kafka gives to topics
    check_layout(config.output)
    plan = plan_stream(config, lambda partition: Chain(config.output, config.topic, partition))
    identity = {
        "source": "kafka",
        "topic": config.topic,
        "topic_id": plan.topic_id,
        "cluster_id": plan.cluster_id,
    }
    sources = {config.topic: f"kafka://{config.bootstrap_servers}/{config.topic}"}
    start = start_job(config, identity, here=here, follow=True, sources=sources)
    for partition, root in plan.roots.items():
        Chain(config.output, config.topic, partition).claim(root)
    return start, plan


def summary(config: StreamConfig, seconds: float) -> StreamSummary:
    """The figures of this process as a summary."""
    live = LIVE.snapshot()
    return StreamSummary(
        output=config.output,
        topic=config.topic,
        records=live.records,
        rejected=dict(live.rejected),
        tags=live.tags,
        seconds=round(seconds, 3),
        positions=dict(sorted(live.positions.items())),
        lag=dict(sorted(live.lag.items())),
        age_p50=live.age_p50,
        age_p99=live.age_p99,
        model_version=live.model_version,
        taxonomy_version=live.taxonomy_version,
        title_only=live.title_only,
        fields=list(live.fields),
        warnings=list(live.warnings),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m skillstream.pipelines.tag_stream`: our flags in Beam's style, the rest is Beam's."""
    logging.getLogger("kafka").propagate = False  # the reader tells what is wrong, once
    return run_command(
        "skillstream.pipelines.tag_stream",
        StreamConfig,
        lambda config, _, beam_flags: run(config, beam_flags),
        argv,
    )


@contextmanager
def _drain_on_signals() -> Iterator[None]:
    """The first SIGINT or SIGTERM drains, the second ends the process at once: both without harm."""
    DRAIN.clear()
    if threading.current_thread() is not threading.main_thread():
        yield  # somebody else's program: signals are its own
        return

    def on_signal(number: int, _frame: object) -> None:
        if DRAIN.is_set():
            os._exit(128 + number)
        DRAIN.set()
        print("draining: publishing what is buffered (once more to stop at once)", file=sys.stderr)  # noqa: T201

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _metrics(config: StreamConfig) -> Iterator[None]:
    if config.metrics_port is None:
        yield
        return
    with serve_metrics(LIVE, config.metrics_address, config.metrics_port, config.topic) as port:
        logger.info("metrics on http://%s:%d/metrics", config.metrics_address, port)
        yield


if __name__ == "__main__":
    sys.exit(main())
