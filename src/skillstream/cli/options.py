"""Click options out of the fields of a configuration class (see `skillstream.tagging.config`)."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Sequence
from typing import Any

import click

from skillstream.options import value_type

__all__ = ["config_options"]


def config_options(
    config_class: type[Any], leave_out: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that gives a command one option for each field of `config_class` not in `leave_out`."""
    hints = typing.get_type_hints(config_class)

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for field in reversed(dataclasses.fields(config_class)):
            if field.name not in leave_out:
                command = _option(field, hints[field.name])(command)
        return command

    return decorate


def _option(field: dataclasses.Field[Any], hint: Any) -> Callable[..., Any]:
    flag = "--" + field.name.replace("_", "-")
    help_text = field.metadata["help"]
    if hint is bool:
        return click.option(flag, field.name, is_flag=True, default=field.default, help=help_text)
    kind: Any = value_type(hint)
    if field.metadata["choices"]:
        kind = click.Choice(field.metadata["choices"])
    return click.option(
        flag,
        field.name,
        type=kind,
        default=field.default,
        show_default=field.default is not None,
        help=help_text,
    )
