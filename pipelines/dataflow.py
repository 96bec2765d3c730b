"""What a job on Dataflow needs: what is missing is refused early, what is not said gets our defaults."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from importlib.util import find_spec

from skillstream.errors import UsageError
from skillstream.pipelines.beam_flags import BeamFlags, read_beam_flags
from skillstream.storage import is_url
from skillstream.tagging import StreamConfig, TagConfig

__all__ = ["dataflow_flags", "is_dataflow", "with_readers"]

# Beam starts one Python process a vCPU. Tagging in a process is one thread's work at a time: a second one
# reads or uploads meanwhile. More of them only hold more chunks in memory.
HARNESS_THREADS = 2


def is_dataflow(beam_flags: Sequence[str]) -> bool:
    """Whether the flags name Dataflow's runner."""
    return read_beam_flags(beam_flags).is_dataflow


def dataflow_flags(
    beam_flags: Sequence[str], config: TagConfig, output: str, *, topic: str = "", inputs: Sequence[str] = ()
) -> list[str]:
    """The flags with our defaults for Dataflow; for any other runner as they are.

    Args:
        beam_flags: as given; they win.
        config: what the job does.
        output: where it writes to.
        topic: what a streaming job reads; the job is named after it, so that it cannot be started twice.
        inputs: what a batch job reads.

    Raises:
        UsageError: something is missing, or lies where workers cannot see it.
    """
    flags = read_beam_flags(beam_flags)
    if not flags.is_dataflow:
        return list(beam_flags)
    _refuse_missing(flags)
    for name, address in (("--output", output), *(("INPUT", path) for path in inputs)):
        if not is_url(address):
            raise UsageError(f"Dataflow's workers do not see {name} {address}: it must be gs://BUCKET/PATH")
    for name, place in (("index", config.index), ("model", config.model)):
        if not place or not (is_url(place) or place.startswith("/")):
            raise UsageError(
                f"Dataflow's workers cannot make the {name} themselves: give --{name} as a folder of their "
                f"image (/opt/skillstream/{name}) or as gs://BUCKET/PATH"
            )
    if isinstance(config, StreamConfig) and config.readers is not None:
        _refuse_idle(flags, config.readers)
    if find_spec("apitools") is None:
        raise UsageError("Dataflow needs Google's clients here: pip install 'skillstream[dataflow]'")
    return [*beam_flags, *_defaults(flags, topic)]


def with_readers(beam_flags: Sequence[str], config: StreamConfig, partitions: int) -> StreamConfig:
    """For Dataflow, the configuration with its readers: as many as partitions unless it says otherwise.

    Raises:
        UsageError: some of the workers' vCPUs would have nothing to read.
    """
    flags = read_beam_flags(beam_flags)
    if not flags.is_dataflow:
        return config
    readers = partitions if config.readers is None else config.readers
    _refuse_idle(flags, readers, partitions)
    return dataclasses.replace(config, readers=readers)


def _refuse_missing(flags: BeamFlags) -> None:
    missing = [f"--{name}=..." for name in ("project", "region") if not getattr(flags, name)]
    if not (flags.temp_location or "").startswith("gs://"):
        missing.append("--temp_location=gs://BUCKET/PATH")
    if not flags.sdk_container_image and not flags.setup_file:
        missing.append("--sdk_container_image=IMAGE (or --setup_file=./setup.py)")
    if missing:
        raise UsageError(f"Dataflow needs, after --: {', '.join(missing)}")


def _refuse_idle(flags: BeamFlags, readers: int, partitions: int | None = None) -> None:
    """A vCPU without anything to read costs money and does nothing: Beam starts one process for each."""
    most = readers if partitions is None else partitions
    workers = flags.max_num_workers or flags.num_workers or 0
    cores = re.search(r"-(\d+)$", flags.machine_type or "")
    if not cores or workers * int(cores[1]) <= min(readers, most):
        return
    have = f"{workers} workers of {flags.machine_type} have {workers * int(cores[1])} vCPUs"
    if partitions is None or readers < partitions:
        raise UsageError(
            f"{have} for --readers {readers}: raise it (at most to the number of partitions), or lower "
            "--max_num_workers"
        )
    raise UsageError(f"{have} for a topic of {partitions} partitions: lower --max_num_workers")


def _defaults(flags: BeamFlags, topic: str) -> list[str]:
    added = []
    if not flags.number_of_worker_harness_threads:
        added.append(f"--number_of_worker_harness_threads={HARNESS_THREADS}")
    if flags.sdk_container_image and flags.sdk_location == "default":
        added.append("--sdk_location=container")  # Beam is in the image
    if topic:
        if not flags.streaming:
            added.append("--streaming")
        if not flags.job_name:
            added.append("--job_name=skillstream-" + re.sub(r"[^a-z0-9]+", "-", topic.lower()).strip("-"))
    return added
