"""What `skillstream inspect` found, for the terminal."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from skillstream.cli.tables import plain_console
from skillstream.postings import RecordsReport, SampleText
from skillstream.sources.files import Dialect, FileReport, FilesReport

__all__ = ["print_files", "print_topic"]

_MAX_FIELDS = 40
_MAX_LINES = 40  # of the text of the sample
_MAX_PROBLEMS = 5
_INDENT = (0, 0, 0, 2)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "blank", "": "none"}


def print_files(report: FilesReport) -> None:
    """All files, then what was not looked at."""
    console = plain_console()
    for number, file in enumerate(report.files):
        if number:
            console.print()
        _print_file(console, file)
    if report.not_looked_at:
        console.print(f"\n{report.not_looked_at:,} further files were not looked at")
    for line in report.left_out:
        console.print(_text(f"\nleft out: {line}"))


def print_topic(topic: str, report: RecordsReport) -> None:
    """The records of a topic."""
    console = plain_console()
    console.print(_text(topic, style="bold"))
    facts = _facts()
    _add_records(facts, report, "the first")
    console.print(Padding(facts, _INDENT))
    _print_records(console, report, "partition {partition} offset {offset}")


def _text(value: str, style: str = "") -> Text:
    """A text as it is, but for characters that would speak to the terminal."""
    return Text(_CONTROLS.sub("\ufffd", value), style=style)


def _facts() -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _print_file(console: Console, file: FileReport) -> None:
    console.print(_text(file.path, style="bold"))
    facts = _facts()
    if file.format is not None:
        kind = file.format + (f", {file.compression}" if file.compression else "")
        facts.add_row("format", _text(kind + (f", {file.encoding}" if file.encoding else "")))
    if file.dialect is not None:
        facts.add_row("dialect", _text(_dialect(file.dialect)))
    if file.element is not None:
        facts.add_row("record", _text(f"each <{file.element}>"))
    if file.records_path is not None:
        facts.add_row("record", _text(f"each element of {file.records_path}"))
    if file.records is not None:
        _add_records(facts, file.records, "all" if file.whole else "the first")
    for name, lines in (("refused", [file.refused]), ("problem", [file.fault]), ("note", file.notes)):
        for line in lines:
            if line is not None:
                facts.add_row(name, _text(line))
    console.print(Padding(facts, _INDENT))
    if file.records is not None:
        _print_records(console, file.records, "offset {offset}")


def _dialect(dialect: Dialect) -> str:
    said = [
        f"{name} {_NAMES.get(value, value)}"
        for name, value in (
            ("delimiter", dialect.delimiter),
            ("quote", dialect.quote),
            ("escape", dialect.escape),
        )
    ]
    skipped = f", {dialect.skipped} line(s) before the header" if dialect.skipped else ""
    return f"{', '.join(said)}, {len(dialect.columns)} columns{skipped}"


def _add_records(facts: Table, report: RecordsReport, which: str) -> None:
    rejected = sum(report.rejected.values())
    codes = ", ".join(f"{code} {count:,}" for code, count in report.rejected.items())
    facts.add_row(
        "looked at",
        f"{which} {report.records:,} records: {report.records - rejected:,} can be tagged"
        + (f", {rejected:,} rejected ({codes})" if rejected else ""),
    )
    if report.records > rejected:
        feeds = ", ".join(f"{name} ({count:,})" for name, count in report.feeds.items())
        facts.add_row("feed", feeds or "none recognised: fields are found by their names")
    if report.title_only:
        facts.add_row(
            "no text", f"{report.title_only:,} with a title but no description (--text-field, --feed)"
        )
    if report.unread_times:
        facts.add_row(
            "no time", _text(f"{report.unread_times:,} cannot be read, such as {report.unread_time}")
        )


def _print_records(console: Console, report: RecordsReport, where: str) -> None:
    if report.fields:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("field", overflow="fold", max_width=40)
        table.add_column("taken for")
        table.add_column("in", justify="right")
        table.add_column("for example", no_wrap=True)
        used_first = sorted(report.fields, key=lambda field: field.taken_for is None)
        for field in used_first[:_MAX_FIELDS]:
            share = f"{field.share:.0%}" if field.share in (0, 1) else f"{field.share:.1%}"
            style = "" if field.taken_for else "dim"
            table.add_row(_text(field.name), field.taken_for or "-", share, _text(field.example), style=style)
        console.print()
        console.print(Padding(table, _INDENT))
        if len(used_first) > _MAX_FIELDS:
            console.print(f"  and {len(used_first) - _MAX_FIELDS:,} more fields that are not read")
    if report.problems:
        console.print()
        for problem in report.problems[:_MAX_PROBLEMS]:
            at = where.format(partition=problem.partition, offset=problem.offset)
            console.print(Padding(_text(f"rejected: {at}: {problem.code}: {problem.detail}"), _INDENT))
        more = sum(report.rejected.values()) - _MAX_PROBLEMS
        if more > 0:
            console.print(f"  and {more:,} more")
    if report.sample is not None:
        console.print()
        at = where.format(partition=report.sample.partition, offset=report.sample.offset)
        _print_sample(console, report.sample, at)


def _print_sample(console: Console, sample: SampleText, at: str) -> None:
    said = [at]
    if sample.posting_id is not None:
        said.append(f"id {sample.posting_id}")
    if sample.event_time is not None:
        said.append(datetime.fromtimestamp(sample.event_time / 1000, UTC).isoformat(timespec="minutes"))
    if sample.language is not None:
        said.append(f"language {sample.language}")
    console.print(Padding(_text(f"text of {', '.join(said)}"), _INDENT))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    left = _MAX_LINES
    for part in sample.sections:
        lines = part.text.split("\n")
        table.add_row(part.section, _text("\n".join(lines[:left])))
        left -= len(lines)
        if left < 0:
            table.add_row("", "… (all of it with --json)")
            break
    console.print(Padding(table, (0, 0, 0, 4)))
