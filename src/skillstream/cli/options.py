"""Click options: from the fields of a configuration class (see `skillstream.options`), and common ones."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Sequence
from typing import Any

import click

from skillstream.errors import UsageError
from skillstream.options import flag_name, is_repeatable, value_type

__all__ = [
    "READING_OPTIONS",
    "check_workers",
    "config_options",
    "json_option",
    "runner_option",
    "workers_option",
]

# Fields of `FilesConfig` that say how files are read.
READING_OPTIONS = ("encoding", "csv_delimiter", "csv_quote", "csv_escape")

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the result as JSON on standard output, for scripts."
)
runner_option = click.option(
    "--runner",
    default="local",
    show_default=True,
    help="Beam runner that executes the job; 'local' runs it on this machine and needs nothing else.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of processes that share the work on this machine; default: as many as cores, memory and "
    "work allow.",
)


def check_workers(workers: int | None, runner: str, beam_flags: Sequence[str] | None) -> bool:
    """Whether it runs without Beam, in processes of our own: on the local runner without flags for it.

    Raises:
        UsageError: several are asked for, and a runner of Beam is to do it.
    """
    own = runner == "local" and not beam_flags
    if not own and workers not in (None, 1):
        raise UsageError("--workers is for the local runner without flags for Beam")
    return own


def config_options(
    config_class: type[Any],
    leave_out: Sequence[str] = (),
    *,
    only: Sequence[str] | None = None,
    required: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command one option for each field of `config_class`.

    Args:
        config_class: its fields are made by `skillstream.options.option`.
        leave_out: names of fields without an option.
        only: names of the fields with one; `None` for all.
        required: whether the command insists on required options; else the class does, once it is made.
    """
    hints = typing.get_type_hints(config_class)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(dataclasses.fields(config_class)):
            if field.name not in leave_out and (only is None or field.name in only):
                command = _option(field, hints[field.name], required=required)(command)
        return command

    return decorate


def _option(field: dataclasses.Field[Any], hint: Any, *, required: bool) -> Callable[..., Any]:
    help_text = field.metadata["help"]
    if hint is bool:
        return click.option(flag_name(field), field.name, is_flag=True, default=field.default, help=help_text)
    kind: Any = value_type(hint)
    if field.metadata["choices"]:
        kind = click.Choice(field.metadata["choices"])
    return click.option(
        flag_name(field),
        field.name,
        type=kind,
        multiple=is_repeatable(hint),
        **({"required": True} if field.metadata["required"] and required else {"default": field.default}),
        show_default=field.default not in (None, ""),
        help=help_text,
    )
