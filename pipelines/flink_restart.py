"""Starts a stalled stream on Flink afresh, for the watchdog; what somebody else has stopped stays stopped.

Whose stop it was is read off the cluster: a job that is FINISHED was stopped with a savepoint, or has come to
its end; one that is CANCELED was cancelled by somebody, unless its mark in the output says that a watchdog
did it. Flink forgets ended jobs after an hour, and a JobManager without high availability forgets all of them
when it ends. So the `Restarter` remembers the last job it saw, and starts none where it has never seen any.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from skillstream.errors import RunError
from skillstream.flink import FlinkConfig, FlinkJob, FlinkRest
from skillstream.monitoring.watchdog import RestartResult
from skillstream.output import restart_mark
from skillstream.pipelines.flink import submit
from skillstream.storage import is_url, open_store
from skillstream.tagging import StreamConfig

__all__ = ["Restarter"]

# Flink gives a stuck task 180 s before it takes the whole TaskManager down.
CANCEL_S = 240.0
LOCK = "_afresh.lock"


class Restarter:
    """Restarts the job of one stream.

    Args:
        config, flink, beam_flags: as `submit` takes them.
        patience_s: a job younger than that is left alone.
    """

    def __init__(
        self, config: StreamConfig, flink: FlinkConfig, beam_flags: Sequence[str] = (), *, patience_s: float
    ) -> None:
        self._config, self._flink, self._beam_flags = config, flink, beam_flags
        self._patience_s = patience_s
        self._name = flink.name_for(config.topic)
        self._last: FlinkJob | None = None

    def see(self) -> None:
        """Remembers what the cluster says of the job now; a cluster that does not answer says nothing."""
        with suppress(RunError):
            self._jobs(FlinkRest(self._flink.rest))

    def restart(self) -> RestartResult:
        """Cancels the job, if there still is one, and submits it again: safe at any time.

        Of several watchdogs of one output one does it: the others find the file `_afresh.lock` in the output
        taken (an object store cannot lock) or a job younger than the patience, which is `theirs`.

        Returns:
            `started`; `theirs`; or `stopped`: somebody has stopped the job, or no job was ever seen.

        Raises:
            UsageError: as `submit`.
            RunError: the cluster does not answer, the old job does not end, or the new one does not start.
        """
        output = self._config.output
        lock = nullcontext() if is_url(output) else FileLock(Path(output, LOCK), timeout=0)
        cluster = FlinkRest(self._flink.rest)
        try:
            with lock:
                jobs = self._jobs(cluster)
                alive = [job for job in jobs if not job.ended]
                if any(job.duration < self._patience_s * 1000 for job in alive):
                    return "theirs"
                if not alive and self._stopped():
                    return "stopped"
                for job in alive:
                    if not self._cancel(cluster, job):
                        return "stopped"
                submit(self._config, self._flink, self._beam_flags)
                return "started"
        except Timeout:
            return "theirs"

    def _jobs(self, cluster: FlinkRest) -> list[FlinkJob]:
        """The stream's jobs that the cluster remembers, newest first."""
        jobs = [job for job in cluster.jobs() if job.name == self._name]
        if jobs:
            self._last = jobs[0]
        return jobs

    def _stopped(self) -> bool:
        """Whether the last job ended because somebody wanted it to; a job never seen counts as well."""
        if self._last is None or self._last.state == "FINISHED":
            return True
        if self._last.state != "CANCELED":
            return False  # failed, or lost by the cluster
        return open_store(self._config.output).read(restart_mark(self._last.id)) is None

    def _cancel(self, cluster: FlinkRest, job: FlinkJob) -> bool:
        """Cancels the job for a restart; False: somebody has stopped it in the same moment."""
        # Before the cancellation: if this process dies behind it, the next watchdog knows whose it was.
        open_store(self._config.output).create(restart_mark(job.id), b"")
        cluster.cancel(job.id, timeout_s=CANCEL_S)
        ended = next((found for found in self._jobs(cluster) if found.id == job.id), None)
        return ended is None or ended.state != "FINISHED"
