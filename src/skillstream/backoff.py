"""How long to wait between attempts: one policy for Kafka and for object stores."""

from __future__ import annotations

from tenacity import wait_exponential, wait_random_exponential
from tenacity.wait import wait_base

__all__ = ["backoff"]

FIRST_DELAY_S = 0.1


def backoff(most_s: float) -> wait_base:
    """Delays that double from 0.1 s up to `most_s` seconds, half of each at random.

    The fixed half keeps a client from asking at once, the random one keeps many from asking together.
    """
    half = FIRST_DELAY_S / 2
    return wait_exponential(half, max=most_s / 2) + wait_random_exponential(half, max=most_s / 2)
