"""`skillstream evaluate --judgements`: the lists of whole postings, as a careful reader judged them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from skillstream.errors import UsageError
from skillstream.postings import parse_payload
from skillstream.ranking import JudgedFigures, JudgedPosting, JudgedTag, judged_figures, picture
from skillstream.rejections import Rejection
from skillstream.rows import Tag
from skillstream.tagging import Tagger

__all__ = ["judged_report", "print_judged", "report_to_dict", "tag_judged"]

Counts = Callable[[Tag, JudgedTag | None], bool]


def tag_judged(tagger: Tagger, judged: Sequence[JudgedPosting], source: Path) -> dict[str, list[Tag]]:
    """The tags of every judged posting of a .jsonl file; one that cannot be read has none.

    Raises:
        UsageError: the file cannot be read, or has none of the judged postings.
    """
    wanted = {posting.id for posting in judged}
    lists = {}
    try:
        lines = source.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read postings from {source}: {error.strerror}") from None
    for line in lines:
        posting = parse_payload(line, tagger.config.fields, tagger.config.max_record_bytes)
        if not isinstance(posting, Rejection) and posting.posting_id in wanted:
            lists[posting.posting_id] = tagger.tag(posting)
    if not lists:
        raise UsageError(f"{source} has none of the judged postings: are the ids the same?")
    return lists


def judged_report(
    judged: Sequence[JudgedPosting], lists: Mapping[str, Sequence[Tag]]
) -> dict[str, JudgedFigures]:
    """Figures of all tags, by taxonomy of the judgement, and by kind of match."""
    report = {"all": judged_figures(judged, lists)}
    taxonomies = sorted({tag.taxonomy for posting in judged for tag in posting.tags})
    for taxonomy in taxonomies if len(taxonomies) > 1 else ():
        report[taxonomy] = judged_figures(judged, lists, _of_taxonomy(taxonomy), _wanted(taxonomy))
    for kind in ("both", "exact", "semantic"):
        report[kind] = judged_figures(judged, lists, _of_kind(kind))
    return report


def _of_taxonomy(taxonomy: str) -> Counts:
    return lambda _tag, judged: judged is not None and judged.taxonomy == taxonomy


def _wanted(taxonomy: str) -> Callable[[JudgedTag], bool]:
    return lambda tag: tag.taxonomy == taxonomy


def _of_kind(kind: str) -> Counts:
    return lambda tag, _judged: tag.match == kind


def print_judged(report: Mapping[str, JudgedFigures], title: str, lists: int) -> None:
    """A table with one row per kind, and the reliability of all tags as a picture."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("tags")
    for name in (
        "per posting", "unjudged", "right", "or debatable", "wrong", "recall", "P@5", "calibration error"
    ):  # fmt: skip
        table.add_column(name, justify="right")
    for name, figures in report.items():
        table.add_row(name, *_cells(figures, lists))
    console = Console(highlight=False, width=None if Console().is_terminal else 110)
    console.print(table)
    console.print()
    for line in picture(report["all"].reliability):
        console.print(line, markup=False)


def _cells(figures: JudgedFigures, lists: int) -> list[str]:
    shares: list[Any] = [
        figures.right, figures.right_or_debatable, figures.wrong, figures.recall, figures.precision_at_5
    ]  # fmt: skip
    return [
        f"{figures.tags / lists:.1f}",
        f"{figures.unjudged / lists:.1f}",
        *(f"{100 * share:.1f}" for share in shares),
        f"{figures.calibration_error:.3f}",
    ]


def report_to_dict(report: Mapping[str, JudgedFigures]) -> dict[str, Any]:
    """For JSON."""
    return {name: msgspec.to_builtins(figures) for name, figures in report.items()}
