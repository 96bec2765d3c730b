"""What errors of the client mean, and how long to wait after one."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import time
import uuid

import psutil
import pytest
from kafka import errors

from skillstream.sources.kafka import client
from skillstream.sources.kafka.client import TopicFacts, make_admin, make_consumer, topic_facts
from skillstream.sources.kafka.client_settings import ClientSettings
from skillstream.sources.kafka.resume import bounds_problem
from skillstream.sources.kafka.retry import Retries, error_kind, one_line


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (errors.KafkaConnectionError("refused"), "retry"),
        (errors.KafkaTimeoutError(), "retry"),
        (errors.NotLeaderForPartitionError(), "retry"),
        (errors.UnknownTopicOrPartitionError(), "retry"),
        (ConnectionResetError(), "retry"),
        (errors.CorruptRecordError(), "suspect"),
        (ValueError("a bug of the client"), "suspect"),
        (errors.TopicAuthorizationFailedError(), "fatal"),
        (errors.SaslAuthenticationFailedError(), "fatal"),
        (errors.UnsupportedCodecError(), "fatal"),
        (errors.LogTruncationError({}), "fatal"),
        (errors.KafkaConnectionError("Handshake failed: [SSL: CERTIFICATE_VERIFY_FAILED]"), "fatal"),
    ],
)
def test_error_kinds(error, kind):
    assert error_kind(error) == kind


def test_delays_double_up_to_a_limit_with_jitter():
    retries = Retries(lambda: 0.0, most_s=1.0)
    for _ in range(2):
        for most in (0.1, 0.2, 0.4, 0.8, 1.0, 1.0):
            assert retries.failed(errors.KafkaConnectionError("away"), "away")
            assert most / 2 <= retries.wait_s <= most
        retries.worked()
    drawn = set()
    for _ in range(20):
        retries.failed(errors.KafkaConnectionError("away"), "away")
        retries.worked()
        drawn.add(retries.wait_s)
    assert len(drawn) > 10


def test_messages_are_one_line_and_hint_at_passwords():
    assert one_line(ValueError("a\n  b")) == "ValueError: a b"
    assert one_line(errors.KafkaConnectionError("gone")) == "KafkaConnectionError: gone"
    sasl = ClientSettings({"sasl_mechanism": "PLAIN"})
    assert "wrong user name, password" in one_line(errors.KafkaConnectionError("gone"), sasl)
    assert one_line(errors.KafkaConnectionError("gone"), ClientSettings({})) == "KafkaConnectionError: gone"


def test_bounds():
    assert bounds_problem("t", 0, 5, 5, 5) is None
    assert bounds_problem("t", 0, 5, 0, 9) is None
    assert "already reaches 5" in bounds_problem("t", 0, 5, 0, 4)
    assert "offsets 5 to 6 were lost to retention" in bounds_problem("t", 0, 5, 6, 9)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_absent_broker_is_waited_for_without_end():
    clock = Clock()
    retries = Retries(clock, most_s=1.0)
    for _ in range(100):
        assert retries.failed(errors.KafkaConnectionError("away"), "away")
        assert 0 < retries.wait_s <= 1.0
        clock.now += 1.0
        assert retries.wait_s == 0.0
    assert retries.problem == "away"
    retries.worked()
    assert retries.problem is None


def test_errors_that_ought_not_to_be_end_it_if_they_come_again_and_again():
    clock = Clock()
    retries = Retries(clock)
    for attempt in range(6):
        clock.now += 10
        assert retries.failed(errors.CorruptRecordError(), "damaged") is (attempt < 5)
        retries.worked()  # other partitions went on


def test_errors_that_ought_not_to_be_pass_if_they_are_rare():
    clock = Clock()
    retries = Retries(clock)
    for _ in range(50):
        clock.now += 100
        assert retries.failed(errors.CorruptRecordError(), "damaged")


def test_what_no_retry_mends_ends_it_at_once():
    assert not Retries(Clock()).failed(errors.TopicAuthorizationFailedError(), "no")


@pytest.mark.parametrize(
    ("stated", "known"),
    [
        (None, ""),
        (uuid.UUID(int=0), ""),
        ("AAAAAAAAAAAAAAAAAAAAAA", ""),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    ],
)
def test_a_topic_id_of_zeros_is_none(stated, known):
    class Admin:
        def describe_topics(self, _: list[str]) -> list[dict[str, object]]:
            return [{"error_code": 0, "topic_id": stated, "partitions": [{"partition_index": 0}]}]

    assert topic_facts(Admin(), "t") == TopicFacts(known, (0,))


@pytest.mark.parametrize("make", [make_admin, make_consumer])
def test_a_client_that_reaches_no_server_leaves_nothing_behind(make, monkeypatch):
    """During an outage a new one is made every few seconds: threads and open files once stayed of each."""
    monkeypatch.setattr(client, "CALL_TIMEOUT_MS", 100)
    # Pytest keeps what is logged, with the errors and so their sockets: at the root, and at this logger once
    # a command that ran in this process has ended the propagation.
    monkeypatch.setattr(logging.getLogger("kafka"), "propagate", False)
    monkeypatch.setattr(logging.getLogger("kafka"), "handlers", [logging.NullHandler()])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there, and nobody else gets it
        settings = ClientSettings({"bootstrap_servers": [f"127.0.0.1:{taken.getsockname()[1]}"]})
        with pytest.raises(errors.KafkaError):
            make(settings)  # the first one opens what stays open for all
        gc.collect()
        # Other tests' threads and files may end meanwhile: only what has come counts.
        threads, files = set(threading.enumerate()), psutil.Process().num_fds()
        for _ in range(5):
            with pytest.raises(errors.KafkaError):
                make(settings)
        for _ in range(100):  # a closed client's thread takes a moment to end
            gc.collect()
            left = set(threading.enumerate()) - threads, psutil.Process().num_fds() - files
            if not left[0] and left[1] < 5:
                break
            time.sleep(0.1)
        assert not left[0]
        assert left[1] < 5  # the last attempt's socket is kept with its error; a leak is three an attempt
