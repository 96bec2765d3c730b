"""What follows an error of Kafka's client: another attempt after a while, or the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from kafka import errors as kafka_errors
from tenacity import RetryCallState, Retrying

from skillstream.backoff import backoff
from skillstream.sources.kafka.client_settings import ClientSettings

__all__ = ["Retries", "error_kind", "one_line"]

logger = logging.getLogger(__name__)

# With these no retry helps: somebody has to change something first.
FATAL = (
    kafka_errors.AuthorizationError,
    kafka_errors.IllegalSaslStateError,
    kafka_errors.InvalidTopicError,
    kafka_errors.KafkaConfigurationError,
    kafka_errors.LogTruncationError,
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.SecurityDisabledError,
    kafka_errors.UnsupportedCodecError,
    kafka_errors.UnsupportedCompressionTypeError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.UnsupportedVersionError,
)

# A `suspect` error that comes this many times, never more than a minute apart, is not going to pass.
SUSPECT_ATTEMPTS = 6
SUSPECT_S = 60.0


def error_kind(error: Exception) -> Literal["retry", "suspect", "fatal"]:
    """What to do about an error of the client.

    `retry`: the cluster or the network is away; go on trying. `suspect`: may pass (a damaged response,
    a broker in the middle of its start), but not for ever. `fatal`: no retry helps.
    """
    if isinstance(error, FATAL) or "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "fatal"
    if isinstance(error, OSError) or getattr(error, "retriable", False):
        return "retry"
    return "suspect"


def one_line(error: BaseException, settings: ClientSettings | None = None) -> str:
    """The error's kind and message without line breaks, with a hint where `settings` make one likely."""
    name = type(error).__name__
    words = str(error).split()
    text = " ".join(words if words and words[0].startswith(name) else [f"{name}:", *words])
    if (
        isinstance(error, kafka_errors.KafkaConnectionError)
        and settings
        and "sasl_mechanism" in settings.values
    ):
        # The broker closes the connection on a wrong password, and the client reads no reason.
        text += " (with SASL often a wrong user name, password or mechanism)"
    return text


class Retries:
    """When to try again after which errors.

    Args:
        now: monotonic seconds.
        most_s: the longest delay between attempts, seconds.
        what: does not answer, for the log.
    """

    def __init__(self, now: Callable[[], float], most_s: float = 10.0, what: str = "Kafka") -> None:
        self._what = what
        self.problem: str | None = None  # the error that is being retried
        self._now = now
        self._delay = backoff(most_s)
        self._state = RetryCallState(
            Retrying(), None, (), {}
        )  # all that the delay needs: a count of attempts
        self._at = float("-inf")
        self._suspected = 0
        self._suspected_at = float("-inf")

    @property
    def wait_s(self) -> float:
        """Seconds until the next attempt; 0 if it may be made now."""
        return max(0.0, self._at - self._now())

    def worked(self) -> None:
        """An attempt worked."""
        self._state.attempt_number = 1
        self.problem = None

    def failed(self, error: Exception, message: str) -> bool:
        """Plans the next attempt and tells of the problem, once; False: give up."""
        kind = error_kind(error)
        if kind == "suspect":
            recent = self._now() - self._suspected_at < SUSPECT_S
            self._suspected = self._suspected + 1 if recent else 1
            self._suspected_at = self._now()
        if kind == "fatal" or self._suspected >= SUSPECT_ATTEMPTS:
            return False
        self._at = self._now() + self._delay(self._state)
        self._state.attempt_number += 1
        if message != self.problem:
            logger.warning("%s: %s; trying again", self._what, message)
        self.problem = message
        return True
