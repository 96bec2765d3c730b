"""A real Kafka for the tests that want one."""

from tests.kafka.conftest import kafka, new_topic, own_kafka, produce

__all__ = ["kafka", "new_topic", "own_kafka", "produce"]
