"""The form in which a sentence is compared: letters of one shape, names apart from scripts without blanks.

Full-width letters, ligatures, mathematical alphabets and letters written as base and accent become plain
ones (Unicode's NFKC, for letters only: "Excel™" must not become "ExcelTM"), and a blank is put between a
Latin name and Chinese, Japanese, Korean or Thai text. What is shown is always the text as given: spans are
led back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from skillstream.ranking.matches import SentenceMatches

__all__ = ["MatchingForm", "in_the_text", "matching_form"]

# A letter with its accents, or one character.
_CLUSTER = re.compile("[^\\W\\d_][\u0300-\u036f]++|.", re.DOTALL)
# Scripts that write words without blanks, or hang particles on foreign names.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
)
_SEAM = re.compile(f"(?<=[{_UNSPACED}])(?=[!-~])|(?<=[!-~])(?=[{_UNSPACED}])")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")
_FULL_WIDTH = range(0xFF01, 0xFF5F)


class MatchingForm(msgspec.Struct, frozen=True):
    """A text in the form in which it is compared.

    Attributes:
        text: the form.
        starts, ends: for each character of the form the first character of the text that it stands for, and
            the one behind it; `None` if all are at the same place.
    """

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the text, half-open, that [start, end) of the form stands for."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            at = self.starts[start] if start < len(self.starts) else self.ends[-1] if self.ends else 0
            return at, at
        return self.starts[start], self.ends[end - 1]


def matching_form(text: str, *, keep_unspaced: bool = True) -> MatchingForm:
    """The matching form of a text; time and memory are linear in it.

    Args:
        text: a sentence.
        keep_unspaced: whether letters of scripts without blanks stay, or become blanks: to a model that knows
            none of these languages they are noise around the names it knows.
    """
    if not keep_unspaced and not text.isascii():
        text = _UNSPACED_RUN.sub(lambda run: " " * len(run[0]), text)
        if text.isascii():
            return MatchingForm(text)
    if text.isascii() or (unicodedata.is_normalized("NFKC", text) and not _SEAM.search(text)):
        return MatchingForm(text)
    parts: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        form = _plain(cluster[0])
        parts.append(form)
        starts += [cluster.start()] * len(form)
        ends += [cluster.end()] * len(form)
    joined = "".join(parts)
    seams = [seam.start() for seam in _SEAM.finditer(joined)]
    if joined == text and not seams:
        return MatchingForm(text)
    return _with_blanks(joined, starts, ends, seams)


def _plain(cluster: str) -> str:
    if cluster[0].isalpha() or ord(cluster[0]) in _FULL_WIDTH:
        return unicodedata.normalize("NFKC", cluster)
    return cluster


def _with_blanks(text: str, starts: list[int], ends: list[int], seams: list[int]) -> MatchingForm:
    """The form with a blank at each seam; it stands for no character, the one before it says where."""
    cuts = [0, *seams, len(text)]
    parts = [text[a:b] for a, b in pairwise(cuts)]
    new_starts = starts[: cuts[1]]
    new_ends = ends[: cuts[1]]
    for a, b in pairwise(cuts[1:]):
        new_starts += [ends[a - 1], *starts[a:b]]
        new_ends += [ends[a - 1], *ends[a:b]]
    return MatchingForm(" ".join(parts), new_starts, new_ends)


def in_the_text(matches: SentenceMatches, form: MatchingForm) -> SentenceMatches:
    """Matches found in a sentence's matching form, with their characters in the sentence as given."""
    if form.starts is None:
        return matches
    placed = []
    for match in matches:
        start, end = form.original(match.start, match.end)
        placed.append(msgspec.structs.replace(match, start=start, end=end))
    return tuple(placed)
