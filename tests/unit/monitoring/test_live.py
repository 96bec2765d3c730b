"""Figures of a running stream, the metrics made of them, and probes that tell the truth."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request

import pytest

from skillstream.cli.stream_status import status_line
from skillstream.errors import UsageError
from skillstream.monitoring import metrics
from skillstream.monitoring.live import NAMES, Live, Reading
from skillstream.monitoring.metrics import serve_metrics
from skillstream.storage import Waits


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live(clock: Clock) -> Live:
    return Live(now=clock, waits=Waits(now=clock))


def reading(clock: Clock, problem: str | None = None, contact_ago: float = 0.0) -> Reading:
    return Reading({0: 7, 1: 9}, {0: 3, 1: 0}, clock.now - contact_ago, problem)


def test_rates_and_ages_are_those_of_the_last_minute(live, clock):
    live.published(10, [5.0] * 10)
    clock.now += 70
    live.published(40, [1.0] * 40)
    clock.now += 10
    live.published(20, [2.0] * 20)
    snapshot = live.snapshot()
    assert snapshot.records == 70
    assert snapshot.rate == 6.0
    assert (snapshot.age_p50, snapshot.age_p99) == (1.0, 2.0)
    assert snapshot.age_buckets[2] == (1.0, 40)
    assert snapshot.age_buckets[-1] == (float("inf"), 70)
    assert snapshot.age_sum == 130.0


def test_nothing_yet(live):
    snapshot = live.snapshot()
    assert (snapshot.rate, snapshot.age_p50, snapshot.stuck) == (0.0, None, None)
    assert snapshot.not_ready == "nothing is being read"


def test_a_reader_without_an_answer_is_stuck(live, clock):
    live.read(0, reading(clock))
    assert live.snapshot().stuck is None
    clock.now += 40
    live.read(0, reading(clock, contact_ago=40))
    assert live.snapshot().stuck == "reader 0 has had no answer from Kafka for 40 s"


def test_kafka_that_is_away_and_asked_again_is_no_reason_to_start_anew(live, clock):
    live.read(0, reading(clock))
    clock.now += 400
    live.read(0, reading(clock, problem="KafkaConnectionError: away", contact_ago=400))
    snapshot = live.snapshot()
    assert (snapshot.stuck, snapshot.not_ready) == (None, "KafkaConnectionError: away")


def test_waiting_for_the_store_is_told_and_is_not_hanging(live, clock):
    """A chunk cannot be published for five minutes; to start the process anew would help nothing."""
    live.read(0, reading(clock))
    for _ in range(60):
        live.waits.failed("cannot write s3://b/t: refused")
        clock.now += 5
    snapshot = live.snapshot()
    assert (snapshot.stuck, snapshot.waiting_s) == (None, 300.0)
    assert snapshot.not_ready == "waiting for the store for 300 s: cannot write s3://b/t: refused"
    assert snapshot.not_ready in status_line(snapshot)
    live.waits.over()
    clock.now += 100
    assert live.snapshot().stuck is live.snapshot().not_ready is None
    clock.now += 100  # and now it hangs at something else
    assert live.snapshot().stuck == "reader 0 has been at one chunk for 200 s"


def test_an_attempt_that_does_not_end_is_hanging(live, clock):
    live.read(0, reading(clock))
    live.waits.failed("cannot write s3://b/t: refused")
    clock.now += 200
    snapshot = live.snapshot()
    assert (snapshot.stuck, snapshot.waiting_s) == ("reader 0 has been at one chunk for 200 s", 0.0)


def test_a_reader_that_hangs_is_stuck_and_one_that_ended_is_not(live, clock):
    live.read(0, reading(clock))
    live.read(1, reading(clock))
    live.ended(1)
    clock.now += 200
    assert live.snapshot().stuck == "reader 0 has been at one chunk for 200 s"
    live.ended(0)
    assert live.snapshot().stuck is None


def test_counts_add_up_from_several_threads(live):
    def work() -> None:
        for _ in range(500):
            live.tagged({"empty": 1}, tags=2, sentences=3, cached=1, tokens=9, versions=("m", "t"))
            live.published(1, [0.1])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    snapshot = live.snapshot()
    assert (snapshot.records, snapshot.tags, snapshot.tokens, snapshot.rejected) == (
        2000,
        4000,
        18000,
        {"empty": 2000},
    )
    assert (snapshot.model_version, snapshot.taxonomy_version) == ("m", "t")


def test_the_status_line_says_it_all(live, clock):
    live.read(0, reading(clock, problem="KafkaConnectionError: away"))
    live.tagged({"empty": 2}, tags=0, sentences=10, cached=4, tokens=5, versions=None)
    live.published(1200, [0.5, 1.5])
    line = status_line(live.snapshot())
    assert line == (
        "1,200 records · 1,200.0/s · lag 3 · age p50 1.50 s p99 1.50 s · cache 40% · rejected 2"
        " · trying again: KafkaConnectionError: away"
    )


def test_descriptions_that_were_not_found_are_told(live):
    for _ in range(3):
        live.tagged(
            {}, tags=0, sentences=0, cached=0, tokens=0, versions=None,
            title_only=2, fields=["id", "blurb"], warnings=["no record has 'x'"],
            unread_times=1, unread_time="on: soon",
        )  # fmt: skip
    snapshot = live.snapshot()
    assert (snapshot.title_only, snapshot.fields, snapshot.warnings) == (
        6,
        ["id", "blurb"],
        ["no record has 'x'"],
    )
    assert (snapshot.unread_times, snapshot.unread_time) == (3, "on: soon")
    line = status_line(snapshot)
    assert "6 without a description · 3 with a time that cannot be read · no record has 'x'" in line
    live.tagged(
        {}, tags=0, sentences=0, cached=0, tokens=0, versions=None, fields=[f"f{n}" for n in range(99)]
    )
    assert len(live.snapshot().fields) == NAMES


def test_ready_is_only_who_reads_everything(live, clock):
    live.expect(2)
    live.phase("loading the model")
    live.read(0, reading(clock))
    assert live.snapshot().not_ready == "loading the model"
    live.read(1, reading(clock))
    assert live.snapshot().not_ready is None
    live.phase("worker 1 died and is started again")
    live.lost(1)
    snapshot = live.snapshot()
    assert snapshot.not_ready == "worker 1 died and is started again"
    assert (snapshot.stuck, snapshot.restarts) == (None, 1)
    live.read(1, reading(clock))
    assert live.snapshot().not_ready is None


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_and_probes(live, clock):
    with serve_metrics(live, "127.0.0.1", 0, "jobs") as port:
        assert get(port, "/healthz") == (200, "ok\n")
        assert get(port, "/readyz") == (503, "nothing is being read\n")
        live.read(0, reading(clock))
        live.tagged({"empty": 2}, tags=5, sentences=10, cached=4, tokens=5, versions=("m", "t"))
        live.published(3, [0.3])
        assert get(port, "/readyz") == (200, "ok\n")
        status, text = get(port, "/metrics")
        assert status == 200
        for line in (
            "skillstream_records_total 3.0",
            "skillstream_title_only_total 0.0",
            "skillstream_unread_times_total 0.0",
            'skillstream_rejected_total{code="empty"} 2.0',
            'skillstream_lag{partition="0",topic="jobs"} 3.0',
            'skillstream_chain_end{partition="1",topic="jobs"} 9.0',
            'skillstream_record_age_seconds_bucket{le="0.5"} 1.0',
            'skillstream_record_age_seconds_bucket{le="+Inf"} 1.0',
            "skillstream_healthy 1.0",
            "skillstream_store_away_seconds 0.0",
        ):
            assert line in text.splitlines()
        assert 'model="m"' in text
        live.read(0, reading(clock, problem="KafkaConnectionError: away"))
        assert get(port, "/readyz") == (503, "KafkaConnectionError: away\n")
        assert get(port, "/healthz")[0] == 200
        clock.now += 500
        assert get(port, "/healthz")[0] == 503
        assert get(port, "/elsewhere")[0] == 404


def test_a_port_in_use_is_told(live):
    with (
        serve_metrics(live, "127.0.0.1", 0, "jobs") as port,
        pytest.raises(UsageError, match=f"--metrics-port {port}: cannot listen"),
        serve_metrics(live, "127.0.0.1", port, "jobs"),
    ):
        pass


def test_clearing_forgets_everything(live, clock):
    live.read(0, reading(clock))
    live.tagged({"empty": 1}, tags=2, sentences=3, cached=1, tokens=9, versions=("m", "t"))
    live.published(3, [0.3])
    live.clear()
    assert live.snapshot() == Live(now=clock, waits=Waits(now=clock)).snapshot()


def sizes(live: Live) -> dict[str, int]:
    return {name: len(value) for name, value in vars(live).items() if hasattr(value, "__len__")}


@pytest.mark.parametrize("per_second", [0.1, 7, 100_000])
def test_nothing_grows_with_the_number_of_chunks_although_nobody_asks(live, clock, per_second):
    """As on a cluster, where no status line and no metrics take the figures."""
    found = []
    for chunk in range(200_001):
        live.read(0, reading(clock))
        live.tagged({"empty": 1}, tags=0, sentences=0, cached=0, tokens=0, versions=None)
        live.published(0, [0.1])
        clock.now += 1 / per_second
        if chunk % 100_000 == 0:
            found.append(sizes(live))
    assert max(found[-1]["_published"], found[-2]["_published"]) <= 130
    assert {name: size for name, size in found[-1].items() if name not in ("_published", "_ages")} == {
        name: size for name, size in found[-2].items() if name not in ("_published", "_ages")
    }
    assert found[-1]["_ages"] <= 10_000


def test_chunks_that_are_one_entry_count_in_full(live, clock):
    live.published(10, [])
    clock.now += 10
    for _ in range(5):
        live.published(2, [])
        clock.now += 0.01
    assert live.snapshot().records == 20
    assert live.snapshot().rate == pytest.approx(20 / 10.05)


def test_a_client_that_sends_or_takes_nothing_is_cut_off(live):
    with (
        serve_metrics(live, "127.0.0.1", 0, "jobs", request_s=0.1) as port,
        socket.create_connection(("127.0.0.1", port), timeout=30) as silent,
        socket.create_connection(("127.0.0.1", port), timeout=30) as slow,
    ):
        slow.sendall(b"GET /metr")
        assert (silent.recv(1), slow.recv(1)) == (b"", b"")
        assert get(port, "/elsewhere")[0] == 404


def test_so_many_clients_at_once_and_no_more(live, monkeypatch):
    monkeypatch.setattr(metrics, "MOST_REQUESTS", 2)
    with serve_metrics(live, "127.0.0.1", 0, "jobs", request_s=60) as port:
        held = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(2)]
        with socket.create_connection(("127.0.0.1", port), timeout=30) as third:
            assert third.recv(1) == b""
        for one in held:  # both are still served
            one.sendall(b"GET /elsewhere HTTP/1.0\r\n\r\n")
            assert b"404" in one.recv(100)
            one.close()
