"""Dataflow: what is missing is refused in one line before anything is touched, what is not said is set."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from skillstream.errors import SourceError, UsageError
from skillstream.pipelines import dataflow, tag_files, tag_stream
from skillstream.pipelines.dataflow import dataflow_flags, with_readers
from skillstream.sources.kafka.plan import KafkaAwayError, StreamPlan
from skillstream.tagging import stream_start
from skillstream.tagging.config import FilesConfig
from skillstream.tagging.start import Start
from skillstream.tagging.stream_config import StreamConfig

GIVEN = {
    "runner": "DataflowRunner",
    "project": "some-project",
    "region": "europe-west1",
    "temp_location": "gs://some-bucket/temp",
    "sdk_container_image": "some/image:1",
}
IN_THE_IMAGE = {"model": "/opt/skillstream/model", "index": "/opt/skillstream/index"}


@pytest.fixture(autouse=True)
def google_clients(monkeypatch):
    monkeypatch.setattr(dataflow, "find_spec", lambda _: True)


def flags_of(leave_out: str = "", **more: str) -> list[str]:
    return [f"--{name}={value}" for name, value in {**GIVEN, **more}.items() if name != leave_out]


def stream(**options: object) -> StreamConfig:
    settings = {"topic": "Job.Postings", "output": "gs://some-bucket/tags", **IN_THE_IMAGE, **options}
    return StreamConfig(bootstrap_servers="kafka:9092", **settings)


def complete(config: StreamConfig, flags: list[str]) -> list[str]:
    return dataflow_flags(flags, config, config.output, topic=config.topic)


def test_what_is_not_said_is_set():
    assert complete(stream(), flags_of())[len(GIVEN) :] == [
        "--number_of_worker_harness_threads=2",
        "--sdk_location=container",
        "--streaming",
        "--job_name=skillstream-job-postings",
    ]


def test_what_is_said_wins():
    more = {"number_of_worker_harness_threads": "7", "job_name": "mine", "sdk_location": "somewhere"}
    flags = [*flags_of(**more), "--streaming", "--enable_streaming_engine"]
    assert complete(stream(), flags) == flags


def test_other_runners_flags_stay_as_they_are():
    for flags in ([], ["--runner=DirectRunner"], ["--runner=FlinkRunner", "--parallelism=4"]):
        assert complete(stream(output="tags", index=None, model="default"), flags) == flags


@pytest.mark.parametrize(
    ("leave_out", "said"),
    [
        ("project", "--project=..."),
        ("region", "--region=..."),
        ("temp_location", "--temp_location=gs://BUCKET/PATH"),
        ("sdk_container_image", "--sdk_container_image=IMAGE (or --setup_file=./setup.py)"),
    ],
)
def test_a_missing_flag_is_named(leave_out, said):
    with pytest.raises(UsageError, match="Dataflow needs, after --: ") as error:
        complete(stream(), flags_of(leave_out))
    assert str(error.value).endswith(said)


def test_all_that_is_missing_is_said_at_once():
    with pytest.raises(UsageError, match=r"--project=\.\.\., --region=\.\.\., --temp_location=gs"):
        complete(stream(), ["--runner=DataflowRunner", "--temp_location=/tmp"])


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("output", "tags", "do not see --output tags"),
        ("model", "default", "give --model as a folder of their image"),
        ("index", None, "give --index as a folder of their image"),
    ],
)
def test_what_workers_cannot_see_is_refused(option, value, said):
    with pytest.raises(UsageError, match=said):
        complete(stream(**{option: value}), flags_of())


def test_inputs_are_in_an_object_store_as_well(tmp_path):
    config = FilesConfig(output="gs://some-bucket/tags", **IN_THE_IMAGE)
    with pytest.raises(UsageError, match=r"do not see INPUT a\.jsonl"):
        tag_files.run(config, ["a.jsonl"], flags_of())


@pytest.mark.parametrize("workers", ["num_workers", "max_num_workers"])
def test_vcpus_without_a_reader_are_refused(workers):
    flags = flags_of(**{workers: "4", "machine_type": "n2-standard-2"})
    complete(stream(readers=8), flags)
    with pytest.raises(UsageError, match="4 workers of n2-standard-2 have 8 vCPUs for --readers 7: raise it"):
        complete(stream(readers=7), flags)


def test_machines_of_unknown_size_are_taken():
    for flags in (
        flags_of(max_num_workers="4", machine_type="some-machine"),
        flags_of(machine_type="n2-standard-2"),
    ):
        complete(stream(readers=1), flags)
        assert with_readers(flags, stream(), 2).readers == 2


def test_readers_default_to_the_topics_partitions():
    assert with_readers(flags_of(), stream(), 12).readers == 12
    assert with_readers(flags_of(), stream(readers=5), 12).readers == 5
    elsewhere = stream(output="tags", index=None, model="default")
    assert with_readers(["--runner=FlinkRunner"], elsewhere, 12) == elsewhere


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        (None, "have 8 vCPUs for a topic of 7 partitions: lower --max_num_workers"),
        (9, "have 8 vCPUs for a topic of 7 partitions: lower --max_num_workers"),
        (6, "have 8 vCPUs for --readers 6: raise it"),
    ],
)
def test_vcpus_without_a_partition_are_refused(readers, said):
    flags = flags_of(max_num_workers="4", machine_type="n2-standard-2")
    with pytest.raises(UsageError, match=said):
        with_readers(flags, stream(readers=readers), 7)


def test_a_vcpu_for_each_partition_is_taken():
    flags = flags_of(max_num_workers="4", machine_type="n2-standard-2")
    assert with_readers(flags, stream(), 8).readers == 8


@pytest.fixture
def topic_of_seven(monkeypatch, tmp_path):
    """`stream_start` with a topic of seven partitions, and a folder in place of the bucket."""
    plan = StreamPlan("cluster", "topic", dict.fromkeys(range(7), 0), dict.fromkeys(range(7), 0))
    monkeypatch.setattr(stream_start, "plan_stream", lambda *_: plan)
    monkeypatch.setattr(dataflow, "is_url", lambda _: True)
    return str(tmp_path / "out")


def test_refused_with_the_topic_known_and_nothing_written(topic_of_seven, tmp_path):
    flags = flags_of(max_num_workers="4", machine_type="n2-standard-2")
    with pytest.raises(UsageError, match="8 vCPUs for a topic of 7 partitions"):
        tag_stream.run(stream(output=topic_of_seven), flags)
    assert list(tmp_path.iterdir()) == []


def test_the_job_that_is_sent_has_a_reader_for_each_partition(topic_of_seven, monkeypatch):
    sent = []
    monkeypatch.setattr(stream_start, "start_job", lambda config, *_, **__: Start(config, "m", "t", None))
    monkeypatch.setattr(
        tag_stream, "build", lambda _, config, *__, **more: sent.append((config.readers, more))
    )
    monkeypatch.setattr(tag_stream.beam.Pipeline, "run", lambda _: SimpleNamespace(wait_until_finish=int))
    tag_stream.run(stream(output=topic_of_seven), flags_of())
    assert sent == [(7, {"bundle_s": tag_stream.CLUSTER_BUNDLE_S, "idle_s": tag_stream.DATAFLOW_IDLE_S})]


def test_a_cluster_that_cannot_be_asked_from_here_is_told_with_the_way_out(topic_of_seven, monkeypatch):
    def away(*_: object) -> None:
        raise KafkaAwayError("Kafka at kafka:9092 cannot be used: no route")

    monkeypatch.setattr(stream_start, "plan_stream", away)
    with pytest.raises(
        SourceError, match="no route; start the job from inside Kafka's network: a flex template"
    ):
        tag_stream.run(stream(output=topic_of_seven), flags_of())


def test_without_googles_clients_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(dataflow, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'skillstream\[dataflow\]'"):
        complete(stream(), flags_of())


def test_refused_before_kafka_is_asked(capsys):
    arguments = ["--bootstrap_servers=127.0.0.1:1", "--topic=t", "--output=out", "--runner=DataflowRunner"]
    assert tag_stream.main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("skillstream: Dataflow needs, after --: --project=")
    assert said.count("\n") == 1
