"""A Kafka topic as chunks of records."""
