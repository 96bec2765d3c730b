"""What to read from Kafka: options of `skillstream stream`, checked. They hold no secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

from skillstream.errors import UsageError
from skillstream.options import at_least, check_options, option

__all__ = ["VALUE_FORMATS", "KafkaConfig", "Share", "check_registry_url", "parse_start"]

VALUE_FORMATS = ("json", "avro", "protobuf", "json-schema")


@dataclass(frozen=True, kw_only=True)
class KafkaConfig:
    """A topic, where to start in it and how to cut it into chunks.

    Raises:
        UsageError: a value is missing or out of its range.
    """

    bootstrap_servers: str = option(
        "", "Kafka brokers as HOST:PORT, separated by commas; may also come from --kafka-config."
    )
    topic: str = option("", "Kafka topic to read; its name becomes the source of every row.", required=True)
    kafka_config: str | None = option(
        None,
        "Properties or JSON file with Kafka client settings, such as SASL or SSL; must be on every worker.",
    )
    kafka_token_provider: str | None = option(
        None,
        "Where tokens for Kafka (OAUTHBEARER) come from: 'google' for Google's managed Kafka, 'msk' for "
        "Amazon MSK with IAM, or a function of yours as module:function.",
    )
    value_format: str = option(
        "json",
        "How the records' values are written: 'json' is plain; 'avro', 'protobuf' and 'json-schema' come in "
        "Confluent's wire format, with schemas from --schema-registry. Gzip and envelopes of Kafka Connect "
        "and Debezium are found in all of them.",
        choices=VALUE_FORMATS,
    )
    schema_registry: str | None = option(
        None,
        "Address of the schema registry (Confluent's API), http://HOST:PORT; user, password or token belong "
        "in --kafka-config or the environment.",
    )
    start: str = option(
        "earliest",
        "Where a new output starts: 'earliest', 'latest' or a time (2026-01-31T12:00:00Z). Later starts "
        "ignore it and resume where the output ends.",
    )
    stop_at_end: bool = option(
        False, "Stop at the offsets that were the topic's ends at the start, as a back-fill does."
    )
    on_gap: str = option(
        "fail",
        "What to do if retention deleted records before they were read: 'fail', or 'skip' them.",
        choices=("fail", "skip"),
    )
    max_chunk_rows: int = option(
        100, "Maximum records per chunk (one chunk is one file); smaller while the stream keeps up."
    )
    max_chunk_bytes: int = option(4_000_000, "Maximum bytes per chunk (one chunk is one file).")
    linger: float = option(
        0.25,
        "Maximum seconds that a record waits before its chunk is closed, and minimum seconds between two "
        "chunks of a partition that are not full; a record that comes after a quiet while does not wait.",
    )
    group: str | None = option(
        None,
        "Consumer group to commit offsets for, so that lag tools work; default: skillstream.TOPIC. With '' "
        "nothing is committed.",
    )

    def __post_init__(self) -> None:
        from kafka.util import ensure_valid_topic_name  # the whole client: half a second

        check_options(self)
        try:
            ensure_valid_topic_name(self.topic)
        except (TypeError, ValueError) as error:
            raise UsageError(f"--topic {self.topic!r} is no topic's name: {error}") from error
        check_registry_url(self.schema_registry)
        parse_start(self.start)
        at_least("max-chunk-rows", self.max_chunk_rows, 1)
        at_least("max-chunk-bytes", self.max_chunk_bytes, 1)
        if not 0 <= self.linger <= 3600:
            raise UsageError(f"--linger must lie in [0, 3600] seconds, got {self.linger}")

    @property
    def commit_group(self) -> str:
        """The group whose committed offsets show our progress; empty for none."""
        return f"skillstream.{self.topic}" if self.group is None else self.group


@dataclass(frozen=True)
class Share:
    """What of a topic one reader reads.

    Attributes:
        number, readers: it owns the partitions `p` with `p % readers == number`.
        topic_id: the topic that is meant (see `TopicFacts`); another one by the same name is refused.
            `None` or empty: not known, so any.
        stop_at: partition → exclusive end to stop at; `None` reads for ever, new partitions included.
    """

    number: int = 0
    readers: int = 1
    topic_id: str | None = None
    stop_at: Mapping[int, int] | None = None

    def owns(self, partition: int) -> bool:
        """Whether the partition is this reader's, and there is anything to read in it."""
        mine = partition % self.readers == self.number
        return mine and (self.stop_at is None or partition in self.stop_at)

    def is_done(self, positions: Mapping[int, int]) -> bool:
        """Whether each of its partitions is read up to `stop_at`; never if there is none."""
        if self.stop_at is None:
            return False
        return all(positions.get(p, -1) >= end for p, end in self.stop_at.items() if self.owns(p))


def check_registry_url(url: str | None) -> None:
    """Raises `UsageError` unless it is an address without user and password, which everybody may see."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"--schema-registry is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("--schema-registry must be http://HOST:PORT or https://HOST:PORT")
    if "@" in parts.netloc:
        raise UsageError(
            "--schema-registry must not hold a user and password, which others could see: set "
            "schema.registry.basic.auth.user.info in --kafka-config, or the variable "
            "SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO"
        )


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
