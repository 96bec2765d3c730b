"""Who in this process waits for a store that is away: so that health can tell waiting from hanging.

Written by whoever asks a store again and again, read by other threads.
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
    """The requests of this process that are being repeated; one thread waits for one at a time."""

    now: Callable[[], float] = time.monotonic
    ended_at: float = float("-inf")  # when the last wait was over
    _waits: dict[int, Wait] = field(default_factory=dict)

    def failed(self, problem: str) -> None:
        """An attempt of this thread has failed, and there will be another."""
        now, thread = self.now(), threading.get_ident()
        begun = self._waits.get(thread)
        self._waits[thread] = Wait(now if begun is None else begun.since, now, problem)

    def over(self) -> None:
        """This thread waits no more: it has an answer, or has given up."""
        if self._waits.pop(threading.get_ident(), None) is not None:
            self.ended_at = self.now()

    def longest(self) -> tuple[float, str] | None:
        """Seconds of the longest wait, and what fails; `None` if nobody waits, or who does hangs."""
        now = self.now()
        waits = [wait for wait in list(self._waits.values()) if now - wait.failed_at <= ATTEMPT_S]
        first = min(waits, key=lambda wait: wait.since, default=None)
        return None if first is None else (now - first.since, first.problem)


# Those of this process.
WAITS = Waits()
