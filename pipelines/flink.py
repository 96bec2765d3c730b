"""The stream as a job on a Flink cluster: its Beam flags, and sending it there."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from skillstream.errors import RunError, SkillstreamError, UsageError
from skillstream.flink_config import FlinkConfig
from skillstream.flink_rest import FlinkJob, FlinkRest
from skillstream.pipelines import tag_stream
from skillstream.pipelines.options import BUNDLE_SIZE, check_cluster_flags
from skillstream.stream_config import StreamConfig

__all__ = ["flink_flags", "submit"]


def flink_flags(flink: FlinkConfig, topic: str) -> list[str]:
    """The Beam flags that `flink` stands for."""
    flags = {
        "runner": "PortableRunner" if flink.job_endpoint else "FlinkRunner",
        "job_name": flink.name_for(topic),
        "parallelism": flink.parallelism,
        "sdk_worker_parallelism": flink.workers_per_task_manager,
        "checkpointing_interval": round(flink.checkpoint_interval * 1000),
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
    return ["--streaming", *(f"--{name}={value}" for name, value in flags.items())]


def submit(config: StreamConfig, flink: FlinkConfig, beam_flags: Sequence[str] = ()) -> FlinkJob:
    """Starts the stream on the cluster and comes back when all its tasks run.

    It goes on where the chains in the output end, whatever ran before and however that ended.

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
    config = dataclasses.replace(config, readers=flink.parallelism)
    config, plan = tag_stream.prepare(config)
    # Beam does not know the Flink runner's own flags, which the job server does, and warns of each.
    logging.getLogger("apache_beam.options.pipeline_options").setLevel(logging.ERROR)
    try:
        pipeline = beam.Pipeline(options=PipelineOptions(flags))
        tag_stream.build(pipeline, config, plan, bundle_s=flink.bundle_seconds)
        pipeline.run()
    except SkillstreamError:
        raise
    except Exception as error:
        where = flink.job_endpoint or flink.rest
        raise RunError(f"the job could not be sent to {where}: {error}") from error
    return cluster.await_running(name)
