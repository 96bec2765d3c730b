"""What a Flink cluster's REST API can do for us: find a job, stop it with a savepoint, cancel it.

Only what `skillstream flink` needs, by the standard library: the API is JSON over HTTP.
"""

from __future__ import annotations

import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from typing import TypeVar

import msgspec

from skillstream.errors import RunError, UsageError

__all__ = ["Checkpoints", "FlinkJob", "FlinkRest", "check_url"]

T = TypeVar("T")

# A job in one of these states will never run again.
ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})

TIMEOUT_S = 10.0
POLL_S = 0.5


class FlinkJob(msgspec.Struct, frozen=True, rename={"id": "jid", "started_ms": "start-time"}):
    """A job as the cluster lists it.

    Attributes:
        state: Flink's word: RUNNING, RESTARTING, FINISHED, CANCELED, FAILED ...
        started_ms: since the epoch; `duration` in milliseconds as well.
    """

    id: str
    name: str
    state: str
    started_ms: int
    duration: int

    @property
    def ended(self) -> bool:
        """Whether it will never run again."""
        return self.state in ENDED


class Checkpoints(msgspec.Struct, frozen=True):
    """A job's checkpoints: how many, and size (bytes) and duration (ms) of the latest complete one."""

    completed: int
    failed: int
    restored: int
    latest_bytes: int | None
    latest_ms: int | None
    latest_path: str | None


class _AwayError(RunError):
    """The cluster does not answer now; it may in a moment."""


class FlinkRest:
    """A cluster's REST API.

    Args:
        url: such as `http://localhost:8081`.
        sleep: how to wait between two looks at a savepoint.
    """

    def __init__(self, url: str, sleep: Callable[[float], None] = time.sleep) -> None:
        check_url(url)
        self.url = url.rstrip("/")
        self._sleep = sleep

    def jobs(self) -> list[FlinkJob]:
        """All jobs the cluster remembers, newest first.

        Raises:
            RunError: the cluster does not answer, or not as Flink does.
        """
        jobs = self._ask("GET", "/jobs/overview", _Jobs).jobs
        return sorted(jobs, key=lambda job: job.started_ms, reverse=True)

    def find(self, name_or_id: str) -> FlinkJob:
        """The job of this id, or the one of this name that has not ended, else the last that had it.

        Raises:
            UsageError: there is none, or several of that name are alive.
        """
        found = [job for job in self.jobs() if name_or_id in (job.id, job.name)]
        alive = [job for job in found if not job.ended]
        if not found:
            raise UsageError(f"{self.url} knows no job {name_or_id!r}; `skillstream flink status` lists them")
        if len(alive) > 1:
            ids = ", ".join(job.id for job in alive)
            raise UsageError(f"several jobs are called {name_or_id!r}; name one by its id: {ids}")
        return alive[0] if alive else found[0]

    def alive(self, name: str) -> list[FlinkJob]:
        """The jobs of this name that have not ended."""
        return [job for job in self.jobs() if job.name == name and not job.ended]

    def await_running(
        self, name: str, timeout_s: float = 120.0, given_up: Callable[[], bool] = lambda: False
    ) -> FlinkJob:
        """The job of this name once all its tasks run.

        Raises:
            RunError: it does not run within the time, or whoever sent it has `given_up`.
        """

        def running() -> FlinkJob | None:
            alive = self.alive(name)
            if not alive and given_up():
                raise RunError(f"job {name!r} has failed: the job server's log says why")
            return alive[0] if alive and self._all_tasks_run(alive[0].id) else None

        job = self._await(running, timeout_s)
        if job is not None:
            return job
        found = [job for job in self.jobs() if job.name == name]
        state = found[0].state if found else "unknown to the cluster"
        failure = self.last_failure(found[0].id) if found else None
        raise RunError(
            f"job {name!r} does not run after {timeout_s:.0f} s ({state}): "
            + (failure or "are there free slots and workers?")
        )

    def stop(
        self, job_id: str, savepoints: str | None, *, drain: bool = False, timeout_s: float = 300.0
    ) -> str:
        """Stops with a savepoint: what is buffered is published. The savepoint's address.

        A job that is just recovering cannot make one: it is waited for.

        Args:
            job_id: which job.
            savepoints: folder for it that all of the cluster sees; `None`: the cluster's own.
            drain: also end all windows and timers: a savepoint to look at, not to restore.
            timeout_s: give up waiting after so long; the cluster goes on trying.

        Raises:
            RunError: it failed, or took too long.
        """
        if not self._await(lambda: self._all_tasks_run(job_id), timeout_s):
            raise RunError(
                f"job {job_id} has tasks that do not run, so it cannot make a savepoint; `skillstream flink "
                "stop --cancel` ends it without one, which loses nothing"
            )
        body: dict[str, object] = {"drain": drain}
        if savepoints is not None:
            body["targetDirectory"] = savepoints
        trigger = self._ask("POST", f"/jobs/{job_id}/stop", _Trigger, body).request_id

        def ended() -> _Operation | None:
            answer = self._ask("GET", f"/jobs/{job_id}/savepoints/{trigger}", _Savepoint)
            return (answer.operation or _Operation()) if answer.status.id == "COMPLETED" else None

        operation = self._await(ended, timeout_s)
        if operation is None:
            raise RunError(f"no savepoint of job {job_id} after {timeout_s:.0f} s; is a worker stuck?")
        if operation.location is None:
            raise RunError(f"Flink could not stop job {job_id}: {operation.reason}")
        return operation.location

    def cancel(self, job_id: str, timeout_s: float = 60.0) -> None:
        """Ends the job at once, without a savepoint: safe, the chain knows where it was.

        Raises:
            RunError: it has not ended within the time.
        """
        self._ask("PATCH", f"/jobs/{job_id}?mode=cancel", dict)
        if not self._await(lambda: any(j.id == job_id and j.ended for j in self.jobs()), timeout_s):
            raise RunError(f"job {job_id} has not ended {timeout_s:.0f} s after it was cancelled")

    def checkpoints(self, job_id: str) -> Checkpoints:
        """How its checkpoints go."""
        answer = self._ask("GET", f"/jobs/{job_id}/checkpoints", _CheckpointAnswer)
        latest = answer.latest.completed
        return Checkpoints(
            completed=answer.counts.get("completed", 0),
            failed=answer.counts.get("failed", 0),
            restored=answer.counts.get("restored", 0),
            latest_bytes=None if latest is None else latest.state_size,
            latest_ms=None if latest is None else latest.end_to_end_duration,
            latest_path=None if latest is None else latest.external_path,
        )

    def last_failure(self, job_id: str) -> str | None:
        """What made the job fail or restart last, in one line."""
        answer = self._ask("GET", f"/jobs/{job_id}/exceptions?maxExceptions=1", _Exceptions)
        text = next((entry.stacktrace for entry in answer.history.entries), None) or answer.root
        return _cause(text) if text else None

    def _await(self, found: Callable[[], T], timeout_s: float) -> T | None:
        """Asks until something is found. A JobManager that is busy or restarting may not answer at times."""
        for _ in range(max(1, round(timeout_s / POLL_S))):
            with suppress(_AwayError):
                if answer := found():
                    return answer
            self._sleep(POLL_S)
        return None

    def _all_tasks_run(self, job_id: str) -> bool:
        job = self._ask("GET", f"/jobs/{job_id}", _JobDetails)
        return bool(job.vertices) and all(vertex.status in ("RUNNING", "FINISHED") for vertex in job.vertices)

    def _ask(self, method: str, path: str, kind: type[T], body: dict[str, object] | None = None) -> T:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            f"{self.url}{path}",
            method=method,
            data=None if body is None else msgspec.json.encode(body),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                return msgspec.json.decode(answer.read() or b"{}", type=kind)
        except urllib.error.HTTPError as error:
            failure = _AwayError if error.code == HTTPStatus.SERVICE_UNAVAILABLE else RunError
            raise failure(f"Flink at {self.url} refuses {method} {path}: {_reason(error)}") from error
        except OSError as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise _AwayError(f"Flink's REST API at {self.url} cannot be reached: {reason}") from error
        except (HTTPException, msgspec.MsgspecError) as error:
            raise RunError(f"{self.url} does not answer as Flink does: {error}") from error


def check_url(url: str) -> None:
    """Refuses what is no address of a REST API. Raises `UsageError`."""
    try:
        parts = urllib.parse.urlsplit(url)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        whole = False
    if not whole:
        raise UsageError(f"--rest must be http://HOST:PORT or https://HOST:PORT, got {url!r}")


def _reason(error: urllib.error.HTTPError) -> str:
    """The first line of Flink's own words, which come as JSON with a Java stack trace."""
    try:
        told = msgspec.json.decode(error.read(), type=dict[str, Sequence[str]]).get("errors", ())
    except (OSError, msgspec.MsgspecError):
        told = ()
    return _cause("\n".join(told)) if told else str(error)


def _cause(stack_trace: str) -> str:
    """The innermost cause of a Java stack trace, in one line."""
    causes = [line for line in stack_trace.splitlines() if line.startswith("Caused by:")]
    line = causes[-1] if causes else stack_trace.strip().splitlines()[0]
    return line.removeprefix("Caused by:").strip()[:500]


class _Jobs(msgspec.Struct):
    jobs: list[FlinkJob]


class _Vertex(msgspec.Struct):
    status: str


class _JobDetails(msgspec.Struct):
    vertices: list[_Vertex]


class _Trigger(msgspec.Struct, rename={"request_id": "request-id"}):
    request_id: str


class _Status(msgspec.Struct):
    id: str


class _Operation(msgspec.Struct, rename={"failure": "failure-cause"}):
    location: str | None = None
    failure: dict[str, object] | None = None

    @property
    def reason(self) -> str:
        text = (self.failure or {}).get("stack-trace")
        return _cause(text) if isinstance(text, str) and text else "it gave no reason"


class _Savepoint(msgspec.Struct):
    status: _Status
    operation: _Operation | None = None


class _Completed(msgspec.Struct):
    state_size: int
    end_to_end_duration: int
    external_path: str | None = None


class _Latest(msgspec.Struct):
    completed: _Completed | None = None


class _CheckpointAnswer(msgspec.Struct):
    counts: dict[str, int]
    latest: _Latest


class _Entry(msgspec.Struct):
    stacktrace: str | None = None


class _History(msgspec.Struct):
    entries: list[_Entry] = []


class _Exceptions(msgspec.Struct, rename={"root": "root-exception", "history": "exceptionHistory"}):
    root: str | None = None
    history: _History = msgspec.field(default_factory=_History)
