"""How a stream runs on a Flink cluster: options of `skillstream flink` (see `skillstream.tagging.config`)."""

from __future__ import annotations

from dataclasses import dataclass

from skillstream.errors import UsageError
from skillstream.flink.rest import check_url
from skillstream.options import at_least, check_options, option

__all__ = ["FlinkConfig", "check_endpoint"]


@dataclass(frozen=True, kw_only=True)
class FlinkConfig:
    """Where the cluster is, and how the job behaves there.

    Raises:
        UsageError: a value is out of its range.
    """

    rest: str = option("http://localhost:8081", "Address of the Flink cluster's REST API.")
    job_name: str | None = option(None, "Name of the job on the cluster; default: skillstream-TOPIC.")
    job_endpoint: str | None = option(
        None,
        "HOST:PORT of a running Beam job server. By default Beam starts one here, which needs Java.",
    )
    worker_pool: str | None = option(
        None, "HOST:PORT of the Python worker pool beside each TaskManager, as seen from the TaskManager."
    )
    parallelism: int = option(
        1, "Number of parallel subtasks and of Kafka readers: at most the topic's number of partitions."
    )
    workers_per_task_manager: int = option(
        1, "Number of Python processes beside each TaskManager; 0 is one per core."
    )
    checkpoint_interval: float = option(
        10.0,
        "Seconds between checkpoints. 0 is refused: without checkpoints a failure would lose the job.",
    )
    checkpoint_dir: str | None = option(
        None,
        "Address for checkpoints that the whole cluster can reach; default: the cluster's own setting.",
    )
    bundle_seconds: float = option(
        2.0,
        "Seconds after which a reader ends its bundle; checkpoints and stops wait for that. 0: readers never "
        "end it, and there are no checkpoints; nothing grows, and only --cancel stops the job.",
    )
    savepoint_path: str | None = option(
        None,
        "Address of a savepoint to start from. It is never needed: a job resumes where its output ends.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        check_url(self.rest)
        for name, endpoint in (("job-endpoint", self.job_endpoint), ("worker-pool", self.worker_pool)):
            if endpoint is not None:
                check_endpoint(name, endpoint)
        for name, address in (
            ("checkpoint-dir", self.checkpoint_dir),
            ("savepoint-path", self.savepoint_path),
        ):
            if address is not None and "://" not in address and not address.startswith("file:/"):
                raise UsageError(
                    f"--{name} must be an address such as file:///shared/{name} or s3://..., got {address!r}"
                )
        at_least("parallelism", self.parallelism, 1)
        if self.workers_per_task_manager < 0:
            raise UsageError(
                f"--workers-per-task-manager must not be negative, got {self.workers_per_task_manager}"
            )
        if self.checkpoint_interval <= 0:
            raise UsageError(
                "--checkpoint-interval must be above 0: streaming on Flink without checkpoints stops for "
                "good, without an error, at the first failure"
            )
        if self.bundle_seconds != 0 and not 0.1 <= self.bundle_seconds <= 60:
            raise UsageError(f"--bundle-seconds must be 0 or lie in [0.1, 60], got {self.bundle_seconds}")

    def name_for(self, topic: str) -> str:
        """The job's name."""
        return self.job_name or f"skillstream-{topic}"


def check_endpoint(name: str, endpoint: str) -> None:
    """Refuses what is not HOST:PORT. Raises `UsageError`, which calls it --`name`."""
    host, _, port = endpoint.rpartition(":")
    if not host or "/" in endpoint or not (port.isdecimal() and 0 < int(port) < 65536):
        raise UsageError(f"--{name} must be HOST:PORT, got {endpoint!r}")
