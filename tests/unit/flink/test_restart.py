"""Whose stop it was: what a watchdog starts afresh, and what it leaves alone."""

from __future__ import annotations

import pytest
from filelock import FileLock

from skillstream.errors import RunError
from skillstream.flink import FlinkConfig, FlinkJob
from skillstream.pipelines import flink_restart
from skillstream.pipelines.flink_restart import Restarter
from skillstream.tagging import StreamConfig


class Cluster:
    """Stands in for `FlinkRest`: jobs as the cluster lists them, newest first."""

    def __init__(self):
        self.listed: list[FlinkJob] = []
        self.cancelled: list[str] = []
        self.ends_as = "CANCELED"
        self.away = False

    def add(self, job_id, state="RUNNING", age_s=600, name="skillstream-t"):
        self.listed.insert(0, FlinkJob(job_id, name, state, len(self.listed), age_s * 1000))

    def end(self, job_id, state):
        self.listed = [
            FlinkJob(job.id, job.name, state if job.id == job_id else job.state, job.started_ms, job.duration)
            for job in self.listed
        ]

    def jobs(self):
        if self.away:
            raise RunError("Flink cannot be reached")
        return self.listed

    def cancel(self, job_id, timeout_s):
        self.cancelled.append(job_id)
        self.end(job_id, self.ends_as)


@pytest.fixture
def cluster(monkeypatch):
    cluster = Cluster()

    def submit(*_):
        assert all(job.ended or job.name != "skillstream-t" for job in cluster.listed)
        cluster.add(f"new-{len(cluster.listed)}", age_s=0)

    monkeypatch.setattr(flink_restart, "FlinkRest", lambda _: cluster)
    monkeypatch.setattr(flink_restart, "submit", submit)
    return cluster


@pytest.fixture
def restarter(cluster, tmp_path):
    return new_restarter(tmp_path)


def new_restarter(tmp_path):
    config = StreamConfig(bootstrap_servers="k:1", topic="t", output=str(tmp_path))
    return Restarter(config, FlinkConfig(), patience_s=60)


def states(cluster):
    return [(job.id, job.state) for job in cluster.listed]


def test_an_old_job_is_cancelled_and_submitted_again(cluster, restarter):
    cluster.add("other", name="skillstream-u")
    cluster.add("a", age_s=61)
    assert restarter.restart() == "started"
    assert states(cluster) == [("new-2", "RUNNING"), ("a", "CANCELED"), ("other", "RUNNING")]


def test_a_young_job_keeps_its_time(cluster, restarter):
    cluster.add("a", age_s=59)
    assert restarter.restart() == "theirs"
    assert states(cluster) == [("a", "RUNNING")]


def test_one_of_two_watchdogs_starts_it(cluster, restarter, tmp_path):
    cluster.add("a")
    with FileLock(tmp_path / "_afresh.lock"):
        assert restarter.restart() == "theirs"
    assert restarter.restart() == "started"


@pytest.mark.parametrize("state", ["FINISHED", "CANCELED"])
def test_what_somebody_has_stopped_stays_stopped(cluster, restarter, tmp_path, state):
    cluster.add("old", "FAILED")
    cluster.add("a")
    restarter.see()
    cluster.end("a", state)
    assert restarter.restart() == "stopped"
    assert new_restarter(tmp_path).restart() == "stopped"
    restarter.see()
    cluster.listed = []  # Flink forgets ended jobs after an hour
    assert restarter.restart() == "stopped"
    assert cluster.cancelled == []


def test_a_job_that_failed_is_started(cluster, restarter):
    cluster.add("a", "FAILED")
    assert restarter.restart() == "started"


def test_a_job_that_the_cluster_has_lost_is_started_by_who_has_seen_it(cluster, restarter):
    assert restarter.restart() == "stopped"
    cluster.add("a")
    restarter.see()
    cluster.listed = []  # a JobManager without high availability is another one
    assert restarter.restart() == "started"


def test_a_watchdog_that_dies_between_cancel_and_submit_has_a_successor(
    cluster, restarter, tmp_path, monkeypatch
):
    def die(*_):
        raise KeyboardInterrupt

    cluster.add("a")
    with monkeypatch.context() as patch:
        patch.setattr(flink_restart, "submit", die)
        with pytest.raises(KeyboardInterrupt):
            restarter.restart()
    assert states(cluster) == [("a", "CANCELED")]
    assert new_restarter(tmp_path).restart() == "started"


def test_a_stop_with_savepoint_that_is_faster_than_the_cancellation_is_a_stop(cluster, restarter, tmp_path):
    cluster.add("a")
    cluster.ends_as = "FINISHED"
    assert restarter.restart() == "stopped"
    assert new_restarter(tmp_path).restart() == "stopped"
    assert states(cluster) == [("a", "FINISHED")]


def test_a_cluster_that_does_not_answer_changes_nothing(cluster, restarter):
    cluster.add("a")
    restarter.see()
    cluster.away = True
    restarter.see()
    with pytest.raises(RunError, match="cannot be reached"):
        restarter.restart()
    cluster.away = False
    assert restarter.restart() == "started"
