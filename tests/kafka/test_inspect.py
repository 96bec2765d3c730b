"""`skillstream inspect --topic` against a real broker: nothing is committed, all partitions are looked at."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from skillstream.cli import main
from tests.servers.kafka import KafkaServer, send

pytestmark = pytest.mark.kafka


def test_inspect_shows_the_first_records_of_all_partitions(
    kafka: KafkaServer, new_topic: Callable[..., str], capsys
) -> None:
    topic = new_topic(partitions=3)
    lever = {"id": "a", "text": "Cook", "hostedUrl": "u", "description": "You cook pasta."}
    send(kafka.bootstrap, topic, [json.dumps(lever).encode()] * 50, partition=0)
    send(kafka.bootstrap, topic, [b"{broken", None], partition=2, keys=[None, b"k"])
    arguments = ["inspect", "--bootstrap-servers", kafka.bootstrap, "--topic", topic, "--records", "10"]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["records"]
    assert report["records"] == 5 + 2
    assert report["rejected"] == {"invalid_json": 1, "tombstone": 1}
    assert report["feeds"] == {"lever": 5}
    assert [(p["partition"], p["offset"]) for p in report["problems"]] == [(2, 0), (2, 1)]
    assert report["sample"]["text"] == "Cook\nYou cook pasta."
    assert main(arguments) == 0
    page = capsys.readouterr().out
    assert "rejected: partition 2 offset 1: tombstone" in page


def test_an_empty_topic_is_shown_and_a_missing_one_refused(
    kafka: KafkaServer, new_topic: Callable[..., str], capsys
) -> None:
    topic = new_topic()
    arguments = ["inspect", "--bootstrap-servers", kafka.bootstrap, "--topic"]
    assert main([*arguments, topic]) == 0
    assert "the first 0 records" in capsys.readouterr().out
    assert main([*arguments, f"{topic}-none"]) == 2
    assert "there is no topic" in capsys.readouterr().err
