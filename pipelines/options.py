"""Beam, as all pipelines need it: the runner, what a stream on Flink must have, a run to its end."""

from __future__ import annotations

import re
from collections.abc import Sequence

import apache_beam as beam
import grpc  # type: ignore[import-untyped]
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, create_runner

from skillstream.errors import RunError, SkillstreamError, UsageError
from skillstream.flink import check_endpoint
from skillstream.pipelines.beam_flags import read_beam_flags

__all__ = [
    "BUNDLE_SIZE",
    "check_cluster_flags",
    "pipeline_runner",
    "root_cause",
    "run_to_end",
    "runs_here",
]


def pipeline_runner(beam_flags: Sequence[str]) -> PipelineRunner:
    """The runner that the flags name: ours for every name of a local one, else Beam's by its name.

    Raises:
        UsageError: Beam knows no such runner or, for the local one, no such flag (a portable runner
            may have flags of its own), or cannot read a flag's value.
        RunError: the job server that the flags name does not answer.
    """
    flags = read_beam_flags(beam_flags)
    if flags.is_local:
        if flags.unknown:
            raise UsageError(f"no such option: {' '.join(flags.unknown)}")
        return FnApiRunner()
    try:
        runner = create_runner(flags.runner)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner={flags.runner}: {error}") from error
    if flags.job_endpoint not in (None, "embed"):
        _await_job_server(flags.job_endpoint)
    return runner


def runs_here(runner: PipelineRunner, options: PipelineOptions) -> bool:
    """Whether this process is the job's only worker: the local runner, unless it is to start processes."""
    mode = options.view_as(DirectOptions).direct_running_mode
    return isinstance(runner, FnApiRunner) and mode != "multi_processing"


# Beam itself waits five minutes and then has nothing to say.
JOB_SERVER_S = 20.0


def _await_job_server(endpoint: str) -> None:
    check_endpoint("job-endpoint", endpoint)
    channel = grpc.insecure_channel(endpoint)
    try:
        grpc.channel_ready_future(channel).result(timeout=JOB_SERVER_S)
    except grpc.FutureTimeoutError as error:
        raise RunError(f"no Beam job server answers at {endpoint} within {JOB_SERVER_S:.0f} s") from error
    finally:
        channel.close()


# Every element is a bundle of its own. With larger ones a checkpoint can fall into an open bundle; Flink's
# runner then keeps the bundle's output back until the next element comes. Ours are a handful of readers'
# numbers at the very start, so none would come: the job says RUNNING, takes checkpoints and reads nothing.
BUNDLE_SIZE = 1


def check_cluster_flags(beam_flags: Sequence[str]) -> None:
    """Refuses what would make a stream on Flink lose its job, or never start, without an error.

    Raises:
        UsageError: no checkpoints, or bundles of more than one element.
    """
    flags = read_beam_flags(beam_flags)
    if not flags.is_flink:
        return
    if flags.checkpointing_interval <= 0:
        raise UsageError(
            "streaming on Flink without checkpoints stops for good at the first failure: add "
            "--checkpointing_interval=10000 (milliseconds) after --, or use `skillstream flink submit`"
        )
    if flags.max_bundle_size != BUNDLE_SIZE:
        raise UsageError(
            "streaming on Flink may never begin to read with bundles of several elements: add "
            f"--max_bundle_size={BUNDLE_SIZE} after --, or use `skillstream flink submit`"
        )


def run_to_end(pipeline: beam.Pipeline, remedy: str) -> PipelineResult:
    """Runs the pipeline and waits; a worker's failure is reported by its cause, not by Beam's wrapping.

    Raises:
        RunError: a worker failed; the message ends with `remedy`.
    """
    try:
        result = pipeline.run()
        result.wait_until_finish()
    except SkillstreamError:
        raise
    except Exception as error:
        raise RunError(f"{root_cause(error)}; {remedy}") from error
    return result


_WHERE = re.compile(r"\s*\[while running [^\]]*\]")


def root_cause(error: BaseException) -> str:
    """The first cause in one line: Beam wraps a worker's error several times, with its traceback as text."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in _WHERE.sub("", str(error)).splitlines() if line.strip()]
    message = lines[-1] if lines else "unknown"
    return message if isinstance(error, RuntimeError) else f"{type(error).__name__}: {message}"
