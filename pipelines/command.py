"""`python -m skillstream.pipelines.*`: our options as flags in Beam's style, and exit codes."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

import msgspec

from skillstream.errors import SkillstreamError, UsageError
from skillstream.options import default_text, flag_name, is_repeatable, value_type

__all__ = ["FlagParser", "add_config_flags", "config_from_flags", "run_command"]

C = TypeVar("C")


class FlagParser(argparse.ArgumentParser):
    """A parser whose errors are a `UsageError` of one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def run_command(
    name: str,
    config_class: type[C],
    job: Callable[[C, argparse.Namespace, list[str]], Any],
    argv: Sequence[str] | None = None,
    *,
    repeated: Mapping[str, str] | None = None,
) -> int:
    """Parses the command line, runs the job, prints its result as JSON and returns the exit code.

    Args:
        name: the pipeline's module, for the help.
        config_class: its options.
        job: called with the configuration, all of our flags, and those left for Beam.
        argv: the command line; by default that of this process.
        repeated: further flags, which are required and may be repeated, with their help texts.

    Returns:
        0 done, 1 failed while running or the result names `problems`, 2 refused before the first record.
    """
    parser = FlagParser(
        prog=f"python -m {name}",
        usage="%(prog)s [FLAGS] [BEAM FLAGS]",
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="All other flags are passed to Beam, such as --runner=FlinkRunner.",
    )
    for flag, help_text in (repeated or {}).items():
        parser.add_argument(f"--{flag}", action="append", required=True, help=f"{help_text} [required]")
    add_config_flags(parser, config_class)
    logging.basicConfig(level=logging.WARNING)
    try:
        flags, beam_flags = parser.parse_known_args(argv)
        result = job(config_from_flags(config_class, flags), flags, beam_flags)
    except SkillstreamError as error:
        print(f"skillstream: {error}", file=sys.stderr)  # noqa: T201
        return 2 if isinstance(error, UsageError) else 1
    print(msgspec.json.encode(result).decode())  # noqa: T201
    return 1 if getattr(result, "problems", None) else 0


def add_config_flags(parser: argparse.ArgumentParser, config_class: type[Any]) -> None:
    """One `--flag` per field of `config_class`, with its help; `--like_this` and `--like-this` both work."""
    hints = typing.get_type_hints(config_class)
    for field in dataclasses.fields(config_class):
        help_text = f"{field.metadata['help']} {default_text(field)}".strip().replace("%", "%%")
        settings: dict[str, Any] = {
            "dest": field.name,
            "default": field.default,
            "required": field.metadata["required"],
            "help": help_text,
        }
        if hints[field.name] is bool:
            # Dataflow's templates can only say `--flag=true`.
            settings |= {"nargs": "?", "const": True, "type": _truth, "metavar": "true|false"}
        else:
            settings |= {"type": value_type(hints[field.name]), "choices": field.metadata["choices"] or None}
            if is_repeatable(hints[field.name]):
                settings |= {"action": "append", "default": None}  # argparse would append to a default
        parser.add_argument(*dict.fromkeys([f"--{field.name}", flag_name(field)]), **settings)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text == "true"


def config_from_flags(config_class: type[C], flags: argparse.Namespace) -> C:
    """The configuration that the parsed flags say.

    Raises:
        UsageError: a value is missing or out of its range.
    """
    fields = dataclasses.fields(config_class)  # type: ignore[arg-type]
    given = {field.name: getattr(flags, field.name) for field in fields}
    return config_class(**{name: value for name, value in given.items() if value is not None})
