"""Where postings come from: files or a Kafka topic, both as chunks of contiguous records."""
