"""A Flink cluster: what a job on it needs, and its REST interface."""
