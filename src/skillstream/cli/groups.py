"""Groups of commands: what they say of a command that they do not know."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click

__all__ = ["CommandGroup", "LazyGroup"]

# What some programs have as a command is an option here.
INSTEAD = {"help": "--help", "version": "--version"}


class CommandGroup(click.Group):
    """A group that suggests what may have been meant by an unknown command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {name!r}.{self._suggestion(ctx, name)}")
        return super().resolve_command(ctx, args)

    def _suggestion(self, ctx: click.Context, name: str) -> str:
        options = {flag for parameter in self.get_params(ctx) for flag in parameter.opts}
        if INSTEAD.get(name) in options:
            near = [f"{ctx.command_path} {INSTEAD[name]}"]
        else:
            near = difflib.get_close_matches(name, self.list_commands(ctx))
        return f" Did you mean {' or '.join(repr(one) for one in near)}?" if near else ""


class LazyGroup(CommandGroup):
    """A group whose commands are imported on use, so that `--help` is quick.

    Args:
        lazy: command → (module, attribute), in the order of the help.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._lazy)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in self._lazy:
            return None
        module, attribute = self._lazy[name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command
