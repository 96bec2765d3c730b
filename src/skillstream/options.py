"""How an option is declared: one dataclass field for the command line, Beam's flags and Python."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any

from skillstream.errors import UsageError

__all__ = ["at_least", "check_options", "default_text", "flag_name", "is_repeatable", "option", "value_type"]


def option(default: Any, help_text: str, *, choices: tuple[str, ...] = (), required: bool = False) -> Any:
    """A dataclass field that the command lines show with `help_text`.

    Args:
        default: its value if nothing is given; `""` for a required option.
        help_text: whole sentences, as in the help of a command.
        choices: the values that it takes; any, if empty.
        required: a value must be given, see `check_options`.
    """
    metadata = {"help": help_text, "choices": choices, "required": required}
    return dataclasses.field(default=default, metadata=metadata)


def check_options(config: Any) -> None:
    """Checks what the fields of `config`, made by `option`, say of their values.

    Raises:
        UsageError: a required option is missing, or a value is none of its choices.
    """
    for field in dataclasses.fields(config):
        value, choices = getattr(config, field.name), field.metadata.get("choices")
        if field.metadata.get("required") and not value:
            raise UsageError(f"{flag_name(field)} is missing: {field.metadata['help']}")
        if choices and value not in choices:
            raise UsageError(f"{flag_name(field)} must be one of {', '.join(choices)}, got {value!r}")


def flag_name(field: dataclasses.Field[Any]) -> str:
    """`--like-this` for a field `like_this`."""
    return "--" + field.name.replace("_", "-")


def default_text(field: dataclasses.Field[Any]) -> str:
    """What follows the help text of an option: `[required]`, `[default: 20]`, or nothing if it is off."""
    if field.metadata["required"]:
        return "[required]"
    shown = field.default not in (None, "") and field.default is not False
    value = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
    return f"[default: {value}]" if shown else ""


def at_least(name: str, value: int, least: int) -> None:
    """Raises `UsageError` if the value of the option `--name` is below `least`."""
    if value < least:
        raise UsageError(f"--{name} must be at least {least}, got {value}")


def is_repeatable(hint: Any) -> bool:
    """Whether an option of this type may be given several times: `tuple[str, ...]`."""
    return typing.get_origin(hint) is tuple


def value_type(hint: Any) -> type[Any]:
    """`int` for `int`, `int | None` and `tuple[int, ...]`."""
    if is_repeatable(hint):
        hint = typing.get_args(hint)[0]
    if isinstance(hint, types.UnionType):
        hint = next(arm for arm in typing.get_args(hint) if arm is not type(None))
    return typing.cast("type[Any]", hint)
