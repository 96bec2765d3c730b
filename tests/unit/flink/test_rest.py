"""The REST client against a stand-in for the cluster that answers as Flink does."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skillstream.cli import main
from skillstream.errors import RunError, UsageError
from skillstream.flink.rest import FlinkRest


def job(jid, name="skillstream-postings", state="RUNNING", started=1):
    return {"jid": jid, "name": name, "state": state, "start-time": started, "duration": 5, "tasks": {}}


class FakeCluster(ThreadingHTTPServer):
    """Answers by a table (method, path) → list of (status, body); the last one stays."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[tuple[str, str], list[tuple[int, object]]] = {}
        self.asked: list[tuple[str, str, object]] = []

    def says(self, method, path, *answers):
        self.answers[method, path] = list(answers)


class _Handler(BaseHTTPRequestHandler):
    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.asked.append((self.command, self.path, body))
        answers = self.server.answers.get((self.command, self.path), [(404, {"errors": ["Not found."]})])
        status, answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def cluster():
    server = FakeCluster()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def rest(cluster):
    return FlinkRest(f"http://127.0.0.1:{cluster.server_port}/", sleep=lambda _: None)


def overview(*jobs):
    return 200, {"jobs": list(jobs)}


def test_jobs_newest_first(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview(job("a", started=1), job("b", started=2)))
    assert [found.id for found in rest.jobs()] == ["b", "a"]


def test_a_name_means_the_job_that_lives(cluster, rest):
    jobs = [job("old", state="FAILED", started=9), job("new", started=1), job("x", name="other")]
    cluster.says("GET", "/jobs/overview", overview(*jobs))
    assert rest.find("skillstream-postings").id == "new"
    assert rest.find("old").state == "FAILED"


def test_an_unknown_job_is_wrong_usage(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview(job("a")))
    with pytest.raises(UsageError, match="knows no job 'nothing'"):
        rest.find("nothing")


def test_two_living_jobs_of_a_name_have_to_be_told_apart(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview(job("a"), job("b", state="RESTARTING")))
    with pytest.raises(UsageError, match="name one by its id: a, b"):
        rest.find("skillstream-postings")


RUNNING = (200, {"vertices": [{"status": "RUNNING"}]})
RECOVERING = (200, {"vertices": [{"status": "RUNNING"}, {"status": "INITIALIZING"}]})


def test_stop_waits_for_the_savepoint(cluster, rest):
    cluster.says("GET", "/jobs/a", RECOVERING, RUNNING)
    cluster.says("POST", "/jobs/a/stop", (202, {"request-id": "t1"}))
    cluster.says(
        "GET",
        "/jobs/a/savepoints/t1",
        (200, {"status": {"id": "IN_PROGRESS"}, "operation": None}),
        (200, {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/1"}}),
    )
    assert rest.stop("a", "file:///s") == "file:/s/1"
    assert ("POST", "/jobs/a/stop", {"drain": False, "targetDirectory": "file:///s"}) in cluster.asked


def test_a_savepoint_that_fails_is_told_by_its_cause(cluster, rest):
    trace = "java.util.concurrent.CompletionException: x\n\tat a.b.C\nCaused by: no space left\n\tat d.e.F"
    cluster.says("GET", "/jobs/a", RUNNING)
    cluster.says("POST", "/jobs/a/stop", (202, {"request-id": "t1"}))
    failure = {"status": {"id": "COMPLETED"}, "operation": {"failure-cause": {"stack-trace": trace}}}
    cluster.says("GET", "/jobs/a/savepoints/t1", (200, failure))
    with pytest.raises(RunError, match="could not stop job a: no space left$"):
        rest.stop("a", None)


def test_a_job_that_does_not_recover_is_not_stopped_but_cancelled(cluster, rest):
    cluster.says("GET", "/jobs/a", RECOVERING)
    with pytest.raises(RunError, match="--cancel"):
        rest.stop("a", None, timeout_s=3)
    assert all(method == "GET" for method, _, _ in cluster.asked)


def test_a_savepoint_that_never_comes(cluster, rest):
    cluster.says("GET", "/jobs/a", RUNNING)
    cluster.says("POST", "/jobs/a/stop", (202, {"request-id": "t1"}))
    cluster.says("GET", "/jobs/a/savepoints/t1", (200, {"status": {"id": "IN_PROGRESS"}}))
    with pytest.raises(RunError, match="no savepoint of job a after 3 s"):
        rest.stop("a", None, timeout_s=3)


def test_cancel_waits_for_the_end(cluster, rest):
    cluster.says("PATCH", "/jobs/a?mode=cancel", (202, {}))
    states = ["CANCELLING", "CANCELLING", "CANCELED"]
    cluster.says("GET", "/jobs/overview", *(overview(job("a", state=state)) for state in states))
    rest.cancel("a")
    cluster.says("GET", "/jobs/overview", overview(job("a", state="CANCELLING")))
    with pytest.raises(RunError, match="has not ended 2 s after"):
        rest.cancel("a", timeout_s=2)


def test_a_job_manager_that_is_away_for_a_moment_is_asked_again(cluster, rest):
    election = (503, {"errors": ["Service temporarily unavailable due to an ongoing leader election."]})
    cluster.says("GET", "/jobs/overview", election, election, overview(job("a")))
    cluster.says("GET", "/jobs/a", RUNNING)
    assert rest.await_running("skillstream-postings").id == "a"
    cluster.says("GET", "/jobs/overview", (500, {"errors": ["broken"]}))
    with pytest.raises(RunError, match="broken"):
        rest.await_running("skillstream-postings")


def test_running_means_all_tasks(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview(job("a")))
    tasks = [["RUNNING", "SCHEDULED"], ["RUNNING", "RUNNING"]]
    answers = [(200, {"vertices": [{"status": status} for status in states]}) for states in tasks]
    cluster.says("GET", "/jobs/a", *answers)
    assert rest.await_running("skillstream-postings").id == "a"
    assert sum(path == "/jobs/a" for _, path, _ in cluster.asked) == 2


def test_a_job_that_does_not_run_tells_its_state(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview(job("a", state="FAILED")))
    history = {"entries": [{"stacktrace": "java.lang.Exception: a\nCaused by: no such folder\n"}]}
    path = "/jobs/a/exceptions?maxExceptions=1"
    cluster.says("GET", path, (200, {"root-exception": None, "exceptionHistory": history}))
    with pytest.raises(RunError, match=r"does not run after 2 s \(FAILED\): no such folder"):
        rest.await_running("skillstream-postings", timeout_s=2)


def test_a_job_that_never_comes_because_the_job_server_gave_it_up(cluster, rest):
    cluster.says("GET", "/jobs/overview", overview())
    with pytest.raises(RunError, match="has failed: the job server's log says why"):
        rest.await_running("skillstream-postings", given_up=lambda: True)


def test_checkpoints_and_failures(cluster, rest):
    completed = {"state_size": 100, "end_to_end_duration": 7, "external_path": "file:/c/1"}
    counts = {"completed": 3, "failed": 1, "restored": 1}
    answer = {"counts": counts, "latest": {"completed": completed, "savepoint": None}}
    cluster.says("GET", "/jobs/a/checkpoints", (200, answer))
    found = rest.checkpoints("a")
    assert (found.completed, found.failed, found.latest_bytes, found.latest_ms) == (3, 1, 100, 7)
    history = {"entries": [{"stacktrace": "java.lang.Exception: a\nCaused by: worker gone\n"}]}
    path = "/jobs/a/exceptions?maxExceptions=1"
    cluster.says("GET", path, (200, {"root-exception": None, "exceptionHistory": history}))
    assert rest.last_failure("a") == "worker gone"
    cluster.says("GET", path, (200, {"root-exception": None, "exceptionHistory": {"entries": []}}))
    assert rest.last_failure("a") is None


def test_refusals_and_strange_answers_are_one_line(cluster, rest):
    cluster.says("GET", "/jobs/overview", (500, {"errors": ["Internal error.", "at x\nCaused by: busy\n"]}))
    with pytest.raises(RunError, match="refuses GET /jobs/overview: busy"):
        rest.jobs()
    cluster.says("GET", "/jobs/overview", (200, b"<html>"))
    with pytest.raises(RunError, match="does not answer as Flink does"):
        rest.jobs()


def test_nobody_listens():
    with pytest.raises(RunError, match="cannot be reached: .*refused"):
        FlinkRest("http://127.0.0.1:9").jobs()


def test_other_schemes_are_refused():
    with pytest.raises(UsageError, match="http"):
        FlinkRest("file:///etc/passwd")


def test_the_commands_show_what_the_cluster_says(cluster, rest, capsys):
    cluster.says("GET", "/jobs/overview", overview(job("a1b2", state="FINISHED")))
    completed = {"state_size": 1234, "end_to_end_duration": 7}
    counts = {"completed": 3, "failed": 1}
    cluster.says(
        "GET", "/jobs/a1b2/checkpoints", (200, {"counts": counts, "latest": {"completed": completed}})
    )
    cluster.says("GET", "/jobs/a1b2/exceptions?maxExceptions=1", (200, {"root-exception": None}))
    assert main(["flink", "status", f"--rest={rest.url}"]) == 0
    assert capsys.readouterr().out == "a1b2  FINISHED   0:00:00  skillstream-postings\n"
    assert main(["flink", "status", "skillstream-postings", f"--rest={rest.url}"]) == 0
    out = capsys.readouterr().out
    assert "checkpoints: 3 complete, 1 failed; the latest: 1,234 bytes in 7 ms" in out
    assert "last failure: none" in out


def test_stopping_what_has_ended_is_no_error(cluster, rest, capsys):
    cluster.says("GET", "/jobs/overview", overview(job("a1b2", state="FAILED")))
    assert main(["flink", "stop", "a1b2", f"--rest={rest.url}"]) == 0
    assert "had ended already: FAILED" in capsys.readouterr().out
    assert all(method == "GET" for method, _, _ in cluster.asked)


def test_submit_without_a_job_server_is_one_line_and_touches_nothing(
    cluster, rest, capsys, tmp_path, monkeypatch
):
    monkeypatch.setattr("skillstream.pipelines.options.JOB_SERVER_S", 0.5)
    cluster.says("GET", "/jobs/overview", overview())
    options = ["--bootstrap-servers=127.0.0.1:9", "--topic=t", f"--output={tmp_path / 'out'}"]
    options += [f"--rest={rest.url}", "--job-endpoint=127.0.0.1:9"]
    assert main(["flink", "submit", *options]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skillstream: no Beam job server answers at 127.0.0.1:9")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_submit_beside_a_job_of_that_name_is_refused(cluster, rest, capsys):
    cluster.says("GET", "/jobs/overview", overview(job("a", name="skillstream-t")))
    options = ["--bootstrap-servers=127.0.0.1:9", "--topic=t", "--output=o", f"--rest={rest.url}"]
    assert main(["flink", "submit", *options]) == 2
    assert "'skillstream-t' is on the cluster already (RUNNING, a)" in capsys.readouterr().err
