"""What a running stream tells: live figures, Prometheus metrics, the watchdog. Nothing depends on it for correctness."""
