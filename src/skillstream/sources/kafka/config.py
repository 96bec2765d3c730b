"""What to read from Kafka: options of `skillstream stream`, checked. They hold no secrets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kafka.util import ensure_valid_topic_name

from skillstream.errors import UsageError
from skillstream.options import option

__all__ = ["KafkaConfig", "parse_start"]


@dataclass(frozen=True, kw_only=True)
class KafkaConfig:
    """A topic, where to start in it and how to cut it into chunks.

    Raises:
        UsageError: a value is missing or out of its range.
    """

    bootstrap_servers: str = option("", "Kafka's HOST:PORT, several separated by commas.")
    topic: str = option("", "Topic to read; its name is the source in every row.")
    kafka_config: str | None = option(
        None, "Client settings, such as SASL and SSL: a properties or JSON file, there on every worker."
    )
    start: str = option(
        "earliest", "Where a new output begins: earliest, latest or a time (2026-01-31T12:00:00Z)."
    )
    stop_at_end: bool = option(False, "End at the offsets seen at start: back-fills.")
    on_gap: str = option(
        "fail",
        "Records lost to retention before they were read: fail, or skip them.",
        choices=("fail", "skip"),
    )
    max_chunk_rows: int = option(100, "Close a chunk, which is one published file, at so many records ...")
    max_chunk_bytes: int = option(4_000_000, "... at so many bytes ...")
    linger: float = option(1.0, "... or when its first record has waited for so many seconds.")
    group: str | None = option(
        None,
        "Group to commit offsets for, so that lag tools work; default skillstream.TOPIC, '' commits nothing.",
    )

    def __post_init__(self) -> None:
        if not self.topic:
            raise UsageError("--topic is missing: name the Kafka topic to read")
        try:
            ensure_valid_topic_name(self.topic)
        except (TypeError, ValueError) as error:
            raise UsageError(f"--topic {self.topic!r} is no topic's name: {error}") from error
        parse_start(self.start)
        for name, value in (
            ("max-chunk-rows", self.max_chunk_rows),
            ("max-chunk-bytes", self.max_chunk_bytes),
        ):
            if value < 1:
                raise UsageError(f"--{name} must be at least 1, got {value}")
        if not 0 <= self.linger <= 3600:
            raise UsageError(f"--linger must lie in [0, 3600] seconds, got {self.linger}")
        if self.on_gap not in ("fail", "skip"):
            raise UsageError(f"--on-gap must be fail or skip, got {self.on_gap!r}")

    @property
    def commit_group(self) -> str:
        """The group whose committed offsets show our progress; empty for none."""
        return f"skillstream.{self.topic}" if self.group is None else self.group


def parse_start(start: str) -> str | int:
    """`earliest`, `latest`, or milliseconds since the epoch for an ISO 8601 time (UTC by default).

    Raises:
        UsageError: it is none of these.
    """
    if start in ("earliest", "latest"):
        return start
    try:
        moment = datetime.fromisoformat(start)
    except ValueError:
        raise UsageError(
            f"--start must be earliest, latest or a time such as 2026-01-31T12:00:00Z, got {start!r}"
        ) from None
    milliseconds = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    if milliseconds < 0:
        raise UsageError(f"--start lies before 1970: {start!r}")
    return milliseconds
