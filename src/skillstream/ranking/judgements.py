"""How good the lists of tags are, by judgements of a careful reader.

A judgement says of one tag of one posting: `r` right, `o` right but only wished for, `d` debatable, `w`
wrong. Right is `r` or `o`. Tags without a judgement are counted apart and enter no other figure. A file of
judgements has one posting per line, a JSON object with `id` and `tags`, each with `uri`, `label`, `taxonomy`
and `verdict`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from skillstream.errors import UsageError
from skillstream.rows import Tag

__all__ = [
    "Bin",
    "JudgedFigures",
    "JudgedPosting",
    "JudgedTag",
    "calibration_error",
    "judged_figures",
    "picture",
    "read_judgements",
    "reliability",
]

Verdict = Literal["r", "o", "d", "w"]
RIGHT = frozenset("ro")
BINS = 10


class JudgedTag(msgspec.Struct, frozen=True):
    """One tag and what the reader said of it."""

    uri: str
    label: str
    verdict: Verdict
    taxonomy: str = "esco"

    @property
    def right(self) -> bool:
        return self.verdict in RIGHT


class JudgedPosting(msgspec.Struct, frozen=True):
    """The judged tags of one posting."""

    id: str
    tags: list[JudgedTag]

    def find(self, uri: str, label: str) -> JudgedTag | None:
        """The judgement of a tag, by uri, else by label whatever the case, "software" apart."""
        named = _plain(label)
        by_uri = (tag for tag in self.tags if tag.uri == uri)
        by_label = (tag for tag in self.tags if _plain(tag.label) == named)
        return next(by_uri, None) or next(by_label, None)


class Bin(msgspec.Struct, frozen=True):
    """Tags of like confidence: how many, their mean confidence, the share of right ones."""

    tags: int
    confidence: float
    right: float


class JudgedFigures(msgspec.Struct, frozen=True):
    """What judgements say of the lists; fractions, not percent; 0 where there is nothing to count.

    Attributes:
        postings: judged postings.
        tags, unjudged: tags in all lists, and how many of them have no judgement.
        right, right_or_debatable, wrong: shares of the judged ones.
        recall: right tags in the lists / right tags judged.
        precision_at_5: share of right ones among the first five judged tags of a list, mean over lists.
        calibration_error: mean distance of confidence and share of right ones over bins of equal count.
        reliability: these bins, by rising confidence.
    """

    postings: int
    tags: int
    unjudged: int
    right: float
    right_or_debatable: float
    wrong: float
    recall: float
    precision_at_5: float
    calibration_error: float
    reliability: list[Bin]


class _Pair(NamedTuple):
    """A tag that has a judgement."""

    tag: Tag
    judged: JudgedTag


def read_judgements(path: Path) -> list[JudgedPosting]:
    """Judged postings, in the order of the file.

    Raises:
        UsageError: the file cannot be read, or a line is no judged posting.
    """
    decoder = msgspec.json.Decoder(JudgedPosting)
    postings = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"cannot read judgements from {path}: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                postings.append(decoder.decode(line))
            except msgspec.MsgspecError as error:
                raise UsageError(f"{path}, line {number}: no judged posting: {error}") from None
    if not postings:
        raise UsageError(f"{path} has no judged postings: expected one JSON object a line")
    return postings


def judged_figures(
    postings: Sequence[JudgedPosting],
    lists: Mapping[str, Sequence[Tag]],
    counts: Callable[[Tag, JudgedTag | None], bool] = lambda _tag, _judged: True,
    wanted: Callable[[JudgedTag], bool] = lambda _: True,
) -> JudgedFigures:
    """Figures of the lists of all judged postings.

    Args:
        postings: the judgements.
        lists: id of a posting → its tags, best first; a posting without a list has an empty one.
        counts: which tags, with their judgement or `None`, to look at; for figures by kind.
        wanted: which right tags the recall is of.
    """
    pairs: list[_Pair] = []
    firsts: list[float] = []
    tags = found = 0
    for posting in postings:
        judged = [(tag, posting.find(tag.uri, tag.label)) for tag in lists.get(posting.id, ())]
        listed = [(tag, judgement) for tag, judgement in judged if counts(tag, judgement)]
        mine = [_Pair(tag, judgement) for tag, judgement in listed if judgement is not None]
        tags += len(listed)
        pairs += mine
        found += sum(pair.judged.right and wanted(pair.judged) for pair in mine)
        if mine:
            firsts.append(_share(pair.judged.right for pair in mine[:5]))
    right = sum(tag.right and wanted(tag) for posting in postings for tag in posting.tags)
    bins = reliability([(pair.tag.confidence, pair.judged.right) for pair in pairs])
    return JudgedFigures(
        postings=len(postings),
        tags=tags,
        unjudged=tags - len(pairs),
        right=_share(pair.judged.right for pair in pairs),
        right_or_debatable=_share(pair.judged.verdict != "w" for pair in pairs),
        wrong=_share(pair.judged.verdict == "w" for pair in pairs),
        recall=found / right if right else 0.0,
        precision_at_5=sum(firsts) / len(firsts) if firsts else 0.0,
        calibration_error=calibration_error(bins),
        reliability=bins,
    )


def reliability(outcomes: Sequence[tuple[float, bool]], bins: int = BINS) -> list[Bin]:
    """Bins of equal count of (confidence, right) pairs, by rising confidence."""
    ordered = sorted(outcomes)
    cuts = [round(i * len(ordered) / bins) for i in range(bins + 1)]
    parts = [ordered[a:b] for a, b in pairwise(cuts) if b > a]
    return [
        Bin(len(part), sum(chance for chance, _ in part) / len(part), _share(right for _, right in part))
        for part in parts
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Mean distance of confidence and share of right ones, weighed by the number of tags."""
    tags = sum(part.tags for part in bins)
    return sum(part.tags * abs(part.right - part.confidence) for part in bins) / tags if tags else 0.0


def picture(bins: Sequence[Bin], width: int = 50) -> list[str]:
    """A reliability picture: a line per bin, `=` up to the share of right ones, `|` at the confidence."""
    lines = ["confidence  right   tags  0" + " " * (width - 2) + "1"]
    for part in bins:
        bar = list("=" * round(part.right * width) + " " * (width - round(part.right * width)))
        bar[min(width - 1, round(part.confidence * width))] = "|"
        lines.append(f"{part.confidence:10.2f}  {part.right:5.2f}  {part.tags:5d}  {''.join(bar)}")
    return lines


def _plain(label: str) -> str:
    return label.casefold().removesuffix(" software")


def _share(outcomes: Iterable[bool]) -> float:
    values = list(outcomes)
    return sum(values) / len(values) if values else 0.0
