"""What the flags of a Beam command line are and say: the one place that parses them."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions

from skillstream.errors import UsageError

__all__ = ["LOCAL_RUNNERS", "BeamFlags", "read_beam_flags"]

# `DirectRunner` is a switch in Beam: it tries Prism and falls back silently, and some flags push it to
# a runner that truncates unbounded reads. Here local means Beam's FnApiRunner, always.
LOCAL_RUNNERS = frozenset({"", "local", "directrunner", "fnapirunner"})

# Runners of which a job may end up on Flink.
FLINK_RUNNERS = frozenset({"flinkrunner", "portablerunner"})

# Flags of Flink's job server that we look at, with their defaults there; Beam's Python side knows none.
FLINK_FLAGS = {"checkpointing_interval": -1, "max_bundle_size": 0}


class BeamFlags(argparse.Namespace):
    """Values of all flags that Beam has, under their names (`.region`), and of `FLINK_FLAGS`."""

    runner: str | None = None
    unknown: Sequence[str] = ()  # flags that Beam does not know; a job server may

    @property
    def is_local(self) -> bool:
        return (self.runner or "").lower() in LOCAL_RUNNERS

    @property
    def is_flink(self) -> bool:
        return (self.runner or "").lower() in FLINK_RUNNERS

    @property
    def is_dataflow(self) -> bool:
        return (self.runner or "").lower() == "dataflowrunner"


def read_beam_flags(beam_flags: Sequence[str]) -> BeamFlags:
    """The flags as Beam's own parser reads them; Beam itself only logs what it cannot read.

    Raises:
        UsageError: the value of a flag cannot be read.
    """
    parser = _parser()
    for options in PipelineOptions.__subclasses__():
        if "_add_argparse_args" in vars(options):
            options._add_argparse_args(parser)  # noqa: SLF001 - the hook that Beam documents for options
    flags = BeamFlags()
    _, flags.unknown = _parse(parser, beam_flags, flags)
    flink = _parser()
    for name, default in FLINK_FLAGS.items():
        flink.add_argument(f"--{name}", type=int, default=default)
    _parse(flink, flags.unknown, flags)
    return flags


def _parser() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog="--", add_help=False, allow_abbrev=False)


def _parse(
    parser: argparse.ArgumentParser, arguments: Sequence[str], into: BeamFlags
) -> tuple[BeamFlags, list[str]]:
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            return parser.parse_known_args(list(arguments), into)
    except SystemExit as error:
        lines = said.getvalue().strip().splitlines() or ["Beam cannot read its flags"]
        raise UsageError(lines[-1].removeprefix("--: error: ")) from error
