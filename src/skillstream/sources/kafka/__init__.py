"""A Kafka topic as chunks of records.

Only the configuration is named here, so that what needs no more does not load the client: the reader is in
`reader`, what is read from where in `plan`, the client itself in `client`.
"""

from __future__ import annotations

from skillstream.sources.kafka.config import (
    VALUE_FORMATS,
    KafkaConfig,
    Share,
    check_registry_url,
    parse_start,
)

__all__ = ["VALUE_FORMATS", "KafkaConfig", "Share", "check_registry_url", "parse_start"]
