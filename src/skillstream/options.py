"""How an option is declared: one dataclass field for the command line, Beam's flags and Python."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from skillstream.errors import UsageError

__all__ = ["at_least", "option", "value_type"]


def option(default: Any, help_text: str, *, choices: tuple[str, ...] = ()) -> Any:
    """A dataclass field that the command lines show with `help_text`."""
    return dataclasses.field(default=default, metadata={"help": help_text, "choices": choices})


def at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"--{name} must be at least {least}, got {value}")


def value_type(hint: Any) -> type[Any]:
    """`int` for `int` and for `int | None`."""
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    return typing.cast("type[Any]", hint)
