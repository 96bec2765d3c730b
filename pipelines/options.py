"""Beam, as all pipelines need it: flags, the runner, what a stream on Flink must have, a run to its end."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import io
import re
import typing
from collections.abc import Sequence
from typing import Any, TypeVar

import apache_beam as beam
import grpc  # type: ignore[import-untyped]
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult, PipelineRunner, create_runner

from skillstream.errors import RunError, SkillstreamError, UsageError
from skillstream.flink import check_endpoint
from skillstream.options import value_type

__all__ = [
    "BUNDLE_SIZE",
    "add_config_flags",
    "check_cluster_flags",
    "config_from_flags",
    "pipeline_runner",
    "root_cause",
    "run_to_end",
]

C = TypeVar("C")

# `DirectRunner` is a switch in Beam: it tries Prism and falls back silently, and some flags push it to
# a runner that truncates unbounded reads. Here local means this one, always.
LOCAL_RUNNERS = frozenset({"", "local", "directrunner", "fnapirunner"})


def add_config_flags(parser: argparse.ArgumentParser, config_class: type[Any]) -> None:
    """One `--flag` a field of `config_class`, with its help; `--like_this` and `--like-this` both work."""
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        flags = [f"--{field.name}"]
        if "_" in field.name:
            flags.append("--" + field.name.replace("_", "-"))
        settings: dict[str, Any] = {"dest": field.name, "default": field.default}
        help_text = field.metadata["help"].replace("%", "%%")
        if hints[field.name] is bool:
            # Dataflow's templates can only say `--flag=true`.
            settings |= {"nargs": "?", "const": True, "type": _truth, "metavar": "true|false"}
            parser.add_argument(*flags, help=help_text, **settings)
        else:
            choices = field.metadata["choices"] or None
            parser.add_argument(
                *flags, type=value_type(hints[field.name]), choices=choices, help=help_text, **settings
            )


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text == "true"


def config_from_flags(config_class: type[C], flags: argparse.Namespace) -> C:
    """The configuration that the parsed flags say.

    Raises:
        UsageError: a value is out of its range.
    """
    names = [field.name for field in dataclasses.fields(config_class)]  # type: ignore[arg-type]
    return config_class(**{name: getattr(flags, name) for name in names})


def pipeline_runner(beam_flags: Sequence[str]) -> PipelineRunner:
    """The runner that the flags name: ours for every name of a local one, else Beam's by its name.

    Raises:
        UsageError: Beam knows no such runner or, for the local one, no such flag (a portable runner
            may have flags of its own), or cannot read a flag's value.
        RunError: the job server that the flags name does not answer.
    """
    flags, unknown = _parse_beam_flags(beam_flags)
    name = flags.runner or ""
    if name.lower() in LOCAL_RUNNERS:
        if unknown:
            raise UsageError(f"no such option: {' '.join(unknown)}")
        return FnApiRunner()
    try:
        runner = create_runner(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise UsageError(f"--runner={name}: {error}") from error
    if flags.job_endpoint not in (None, "embed"):
        _await_job_server(flags.job_endpoint)
    return runner


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


def _parse_beam_flags(beam_flags: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Beam's flags as Beam's own parser reads them, and what it does not know: Beam only logs both."""
    parser = argparse.ArgumentParser(prog="--", add_help=False, allow_abbrev=False)
    for options in PipelineOptions.__subclasses__():
        if "_add_argparse_args" in vars(options):
            options._add_argparse_args(parser)  # noqa: SLF001 - the hook that Beam documents for options
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_known_args(list(beam_flags))
    except SystemExit as error:
        lines = said.getvalue().strip().splitlines() or ["Beam cannot read its flags"]
        raise UsageError(lines[-1].removeprefix("--: error: ")) from error


# Runners of which a job may land on Flink.
FLINK_RUNNERS = ("flinkrunner", "portablerunner")

# Every element is a bundle of its own. With larger ones a checkpoint can fall into an open bundle; Flink's
# runner then keeps the bundle's output back until the next element comes. Ours are a handful of readers'
# numbers at the very start, so none would come: the job says RUNNING, takes checkpoints and reads nothing.
BUNDLE_SIZE = 1


def check_cluster_flags(beam_flags: Sequence[str]) -> None:
    """Refuses what would make a stream on Flink lose its job, or never start, without an error.

    Raises:
        UsageError: no checkpoints, or bundles of more than one element.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--runner", default="")
    parser.add_argument("--checkpointing_interval", type=int, default=-1)
    parser.add_argument("--max_bundle_size", type=int, default=0)
    flags, _ = parser.parse_known_args(list(beam_flags))
    if flags.runner.lower() not in FLINK_RUNNERS:
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
    """Runs the pipeline and waits; a worker's failure is told by its cause, not by Beam's wrapping.

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
