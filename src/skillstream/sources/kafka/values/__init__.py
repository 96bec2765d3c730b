"""What a Kafka value says: Avro, protobuf, JSON, in envelopes or compressed, as one JSON document.

`value_decoder` is the face; the schema registry is in `registry`, each form in a module of its own.
"""

from __future__ import annotations

from skillstream.sources.kafka.values.decoder import ValueDecoder, value_decoder
from skillstream.sources.kafka.values.registry import RegistryAwayError

__all__ = ["RegistryAwayError", "ValueDecoder", "value_decoder"]
