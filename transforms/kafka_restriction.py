"""What is left to do for one reader of a topic, as Beam wants to see it: restriction, tracker, provider."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.transforms.core import RestrictionProvider

from skillstream.transforms.coders import StructCoder

__all__ = ["Backlog", "KafkaRestriction", "KafkaRestrictionProvider", "KafkaTracker"]

# A reader that has not begun knows no backlog yet; it tells one with its first poll.
NOT_KNOWN = 1.0


class KafkaRestriction(msgspec.Struct, frozen=True, array_like=True):
    """How far a reader has come.

    Attributes:
        positions: partition → where its next chunk starts.
        ended: whether the reader is at its end.
        backlog: bytes that are left to read, as the reader last estimated; `None` before it has begun. Fields
            at the end may be missing: savepoints from before them are read.
    """

    positions: dict[int, int] = {}
    ended: bool = False
    backlog: int | None = None

    @property
    def size(self) -> float:
        """Bytes that are left to read: what an autoscaler goes by."""
        if self.ended:
            return 0.0
        return NOT_KNOWN if self.backlog is None else float(self.backlog)


class Backlog(msgspec.Struct, frozen=True):
    """A claim that hands nothing out, but tells how many bytes are left to read."""

    bytes: int


class KafkaTracker(RestrictionTracker):
    """Claims are `(partition, end)` of a chunk to hand out, a `Backlog`, or `None` for the end of the reader.

    It splits at 0 only: a checkpoint. The rest is then another bundle's, and all claims are refused. Progress
    is the backlog as last told; how much is done means nothing where there is no end.
    """

    def __init__(self, restriction: KafkaRestriction) -> None:
        self._positions = dict(restriction.positions)
        self._ended = restriction.ended
        self._backlog = restriction.backlog
        self._given_back = False

    def current_restriction(self) -> KafkaRestriction:
        return KafkaRestriction(dict(self._positions), self._ended, self._backlog)

    def try_claim(self, position: tuple[int, int] | Backlog | None) -> bool:
        if self._given_back or self._ended:
            return False
        if position is None:
            self._ended = True
        elif isinstance(position, Backlog):
            self._backlog = position.bytes
        else:
            partition, end = position
            self._positions[partition] = end
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[KafkaRestriction, KafkaRestriction] | None:
        if fraction_of_remainder != 0 or self._given_back or self._ended:
            return None
        self._given_back = True
        done = KafkaRestriction(dict(self._positions), ended=True)
        return done, KafkaRestriction(dict(self._positions), backlog=self._backlog)

    def check_done(self) -> None:
        if not (self._given_back or self._ended):
            raise ValueError("the reader stopped before its end and without giving the rest back")

    def current_progress(self) -> RestrictionProgress:
        done = self._given_back or self._ended
        return RestrictionProgress(completed=0.0, remaining=0.0 if done else self.current_restriction().size)

    def is_bounded(self) -> bool:
        return False


class KafkaRestrictionProvider(RestrictionProvider):
    """Each element is a reader (see `reader_elements`); it begins with no positions: the chains know them."""

    def initial_restriction(self, element: int) -> KafkaRestriction:  # noqa: ARG002
        return KafkaRestriction()

    def create_tracker(self, restriction: KafkaRestriction) -> KafkaTracker:
        return KafkaTracker(restriction)

    def split(self, element: int, restriction: KafkaRestriction) -> Iterator[KafkaRestriction]:  # noqa: ARG002
        yield restriction

    def restriction_size(self, element: int, restriction: KafkaRestriction) -> float:  # noqa: ARG002
        return restriction.size

    def restriction_coder(self) -> StructCoder:
        return _RestrictionCoder()

    def truncate(self, element: int, restriction: KafkaRestriction) -> None:
        """A drain by the runner: what is buffered is read again at the next start."""


class _RestrictionCoder(StructCoder):
    struct = KafkaRestriction
