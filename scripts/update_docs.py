"""Writes the generated pages of docs: commands with all options, feeds, the schema, `inspect` on feeds.

python scripts/update_docs.py            # tests/unit/test_docs.py fails while a page is behind

Also what is generated in deploy/: the templates' parameters, and the alarms for Kubernetes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from skillstream.cli import cli

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]  # as a program
from scripts import dataflow_templates, feeds_page, inspect_page, kubernetes_alerts, schema_page  # noqa: E402

DOCS = Path(__file__).parents[1] / "docs"
NOTE = "<!-- Written by scripts/update_docs.py; do not edit. -->\n\n"


def contexts(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """A context for the command and for everything below it, depth first."""
    settings = {**command.context_settings, "max_content_width": 100, "terminal_width": 100}
    context = click.Context(command, info_name=name, parent=parent, **settings)
    yield context
    if isinstance(command, click.Group):
        for child_name in command.list_commands(context):
            child = command.get_command(context, child_name)
            if child is not None:
                yield from contexts(child, child_name, context)


def cli_page() -> str:
    """`--help` of every command."""
    parts = [NOTE, "# Commands\n"]
    for context in contexts(cli, "skillstream"):
        parts.append(f"\n## {context.command_path}\n\n```text\n{context.get_help()}\n```\n")
    return "".join(parts)


PAGES = {
    "how-to/inspect.md": lambda: NOTE + inspect_page.inspect_page(),
    "reference/cli.md": cli_page,
    "reference/feeds.md": lambda: NOTE + feeds_page.feeds_page(),
    "reference/schema.md": lambda: NOTE + schema_page.schema_page(),
}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), "utf-8")
    dataflow_templates.main()
    kubernetes_alerts.main()


if __name__ == "__main__":
    main()
