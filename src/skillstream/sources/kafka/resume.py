"""Where a partition is read on: at the end of its chain of files, if the topic still has what comes there."""

from __future__ import annotations

from typing import Protocol

from kafka import errors as kafka_errors

from skillstream.errors import SourceError
from skillstream.sources.kafka.client_settings import ClientSettings
from skillstream.sources.kafka.retry import one_line

__all__ = ["ChainEnd", "TopicShrunkError", "advice", "bounds_problem"]


class ChainEnd(Protocol):
    """What a reader wants to know of a partition's chain of files (`skillstream.output.chain.Chain`).

    `leader_epoch` is Kafka's at the head, known after `head`; `None` if the chain does not say.
    """

    leader_epoch: int | None

    def head(self) -> int | None:
        """The offset that the next file starts at; `None` without a root."""

    def claim(self, start: int) -> int:
        """Root the chain at `start` unless it has a root: the root that holds."""


class TopicShrunkError(Exception):
    """The topic ends before the position: recreated, or a broker that is not ready yet."""


def bounds_problem(topic: str, partition: int, position: int, first: int, end: int) -> str | None:
    """Why reading cannot go on at `position` in a partition that has [first, end); `None` if it can."""
    where = f"topic {topic!r} partition {partition}"
    if position > end:
        return (
            f"{where} ends at {end}, but the output already reaches {position}: the topic was recreated, "
            "or this is another cluster; write to a new --output"
        )
    if position < first:
        return f"{where}: offsets {position} to {first} were lost to retention before they were read"
    return None


def advice(error: Exception, topic: str, settings: ClientSettings) -> str:
    """The one line to tell of an error that ends the reader."""
    where = f"Kafka topic {topic!r}"
    if isinstance(error, TopicShrunkError | SourceError):
        return str(error)
    if isinstance(error, kafka_errors.LogTruncationError | kafka_errors.OffsetOutOfRangeError):
        why = "has lost records that were read already: recreated, or an unclean leader election"
        return f"{where} {why}; write to a new --output"
    return f"{where}: {one_line(error, settings)}"
