"""Who waits for a store that is away: so that health can tell waiting from hanging.

Written by whoever asks a store again and again, read by other threads. A worker process tells its parent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["WAITS", "Wait", "Waits"]

# A wait counts while its attempts end. One attempt takes at most a minute (a request's time limit), and the
# next one begins within seconds; one that has not ended by now hangs.
ATTEMPT_S = 90.0


@dataclass(frozen=True)
class Wait:
    """A request that is being repeated: since when, when its last attempt failed (monotonic), and how."""

    since: float
    failed_at: float
    problem: str


@dataclass
class Waits:
    """The requests that are being repeated, by who waits: a thread of this process, or a worker.

    `tell` is called with each problem, and with `None` when a wait is over.
    """

    now: Callable[[], float] = time.monotonic
    tell: Callable[[str | None], object] | None = None
    ended_at: float = float("-inf")  # when the last wait was over
    _waits: dict[object, Wait] = field(default_factory=dict)

    def failed(self, problem: str, who: object = None) -> None:
        """An attempt has failed, and there will be another; by default one of this thread."""
        now, key = self.now(), who or threading.get_ident()
        begun = self._waits.get(key)
        self._waits[key] = Wait(now if begun is None else begun.since, now, problem)
        if self.tell is not None:
            self.tell(problem)

    def over(self, who: object = None) -> None:
        """There is an answer, or it has given up."""
        if self._waits.pop(who or threading.get_ident(), None) is None:
            return
        self.ended_at = self.now()
        if self.tell is not None:
            self.tell(None)

    def longest(self) -> tuple[float, str] | None:
        """Seconds of the longest wait, and what fails; `None` if nobody waits, or who does hangs."""
        now = self.now()
        waits = [wait for wait in list(self._waits.values()) if now - wait.failed_at <= ATTEMPT_S]
        first = min(waits, key=lambda wait: wait.since, default=None)
        return None if first is None else (now - first.since, first.problem)


# Those of this process.
WAITS = Waits()
