"""The options of `skillstream stream` (see `skillstream.tagging.config` for how options are declared)."""

from __future__ import annotations

from dataclasses import dataclass

from skillstream.errors import UsageError
from skillstream.options import at_least, option
from skillstream.sources.kafka import KafkaConfig
from skillstream.tagging.config import TagConfig

__all__ = ["StreamConfig"]


@dataclass(frozen=True, kw_only=True)
class StreamConfig(TagConfig, KafkaConfig):
    """`skillstream stream`: Kafka in, Parquet out.

    Raises:
        UsageError: a value is missing or out of its range.
    """

    output: str = option(
        "",
        "Folder or address (s3://, gs://, az://) to write Parquet files to; an existing output is resumed.",
        required=True,
    )
    force: bool = option(
        False,
        "Resume although run.json in the output says that it was made from another cluster or taxonomy.",
    )
    readers: int | None = option(
        None,
        "Number of consumers that share the topic's partitions; on a cluster, its parallelism; default: on "
        "Dataflow one for each partition, else 1.",
    )
    metrics_port: int | None = option(
        None, "Port to serve Prometheus metrics, /healthz and /readyz on; default: none."
    )
    metrics_address: str = option(
        "127.0.0.1", "Address that --metrics-port listens on; 0.0.0.0 is all interfaces."
    )

    def __post_init__(self) -> None:
        TagConfig.__post_init__(self)
        KafkaConfig.__post_init__(self)
        if self.readers is not None:
            at_least("readers", self.readers, 1)
        if self.metrics_port is not None and not 0 <= self.metrics_port <= 65535:
            raise UsageError(f"--metrics-port must lie in [0, 65535], got {self.metrics_port}")
