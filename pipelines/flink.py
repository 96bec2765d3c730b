"""The stream as a job on a Flink cluster: its Beam flags, and sending it there."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Sequence

import apache_beam as beam
import grpc  # type: ignore[import-untyped]
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from skillstream.errors import RunError, SkillstreamError, UsageError
from skillstream.flink import FlinkConfig, FlinkJob, FlinkRest
from skillstream.pipelines import tag_stream
from skillstream.pipelines.options import BUNDLE_SIZE, check_cluster_flags, pipeline_runner
from skillstream.tagging import StreamConfig
from skillstream.tagging.stream_start import prepare_stream

__all__ = ["flink_flags", "submit"]

# Readers that never end their bundle let no checkpoint through: ten years, so that none is ever begun.
# Without any interval Flink would not restart a job that fails.
NO_CHECKPOINTS_MS = 10 * 365 * 86_400_000

# A switch without a value, which turns off what is on by default. Flink chains the impulse to what follows it
# at parallelism 1 only, names operators by their chains, and refuses a savepoint of other names.
NO_CHAINING = "--operator_chaining"


def flink_flags(flink: FlinkConfig, topic: str) -> list[str]:
    """The Beam flags that `flink` stands for."""
    flags = {
        "runner": "PortableRunner" if flink.job_endpoint else "FlinkRunner",
        "job_name": flink.name_for(topic),
        "parallelism": flink.parallelism,
        "sdk_worker_parallelism": flink.workers_per_task_manager,
        "checkpointing_interval": round(flink.checkpoint_interval * 1000)
        if flink.bundle_seconds
        else NO_CHECKPOINTS_MS,
        "max_bundle_size": BUNDLE_SIZE,
    }
    if flink.job_endpoint:
        flags["job_endpoint"] = flink.job_endpoint
    else:
        # Beam has no job server for its newest Flink where ours was tested: name the tested one.
        flags |= {"flink_master": flink.rest, "flink_version": "1.19"}
    if flink.worker_pool:
        flags |= {"environment_type": "EXTERNAL", "environment_config": flink.worker_pool}
    if flink.checkpoint_dir:
        flags |= {"state_backend": "filesystem", "state_backend_storage_path": flink.checkpoint_dir}
    if flink.savepoint_path:
        flags["savepoint_path"] = flink.savepoint_path
    return ["--streaming", NO_CHAINING, *(f"--{name}={value}" for name, value in flags.items())]


def submit(config: StreamConfig, flink: FlinkConfig, beam_flags: Sequence[str] = ()) -> FlinkJob:
    """Starts the stream on the cluster and comes back when all its tasks run.

    It resumes where the chains in the output end, no matter what ran before or how it ended.

    Args:
        config: what to do; `readers` is set to the parallelism.
        flink: where and how.
        beam_flags: Beam's own; they win over those of `flink`.

    Raises:
        UsageError: refused; nothing runs.
        RunError: the cluster could not start it.
    """
    cluster, name = FlinkRest(flink.rest), flink.name_for(config.topic)
    running = cluster.alive(name)
    if running:
        raise UsageError(
            f"job {name!r} is on the cluster already ({running[0].state}, {running[0].id}): stop it first, "
            "or choose another --job-name"
        )
    flags = [*flink_flags(flink, config.topic), *beam_flags]
    check_cluster_flags(flags)
    runner = pipeline_runner(flags)
    config = dataclasses.replace(config, readers=flink.parallelism)
    start, plan = prepare_stream(config, here=False)
    # Beam does not know the Flink runner's own flags, which the job server does, and warns of each.
    logging.getLogger("apache_beam.options.pipeline_options").setLevel(logging.ERROR)
    try:
        pipeline = beam.Pipeline(runner=runner, options=PipelineOptions(flags))
        tag_stream.build(pipeline, start.config, plan, bundle_s=flink.bundle_seconds or math.inf)
        result = pipeline.run()
    except SkillstreamError:
        raise
    except Exception as error:
        where = flink.job_endpoint or flink.rest
        raise RunError(f"the job could not be sent to {where}: {error}") from error

    def given_up() -> bool:
        try:
            return bool(result.state == PipelineState.FAILED)
        except grpc.RpcError:  # a job that has been sent needs its job server no more
            return False

    return cluster.await_running(name, given_up=given_up)
