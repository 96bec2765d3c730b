"""Dataflow: what is missing is refused in one line before anything is touched, what is not said is set."""

from __future__ import annotations

import pytest

from skillstream.errors import UsageError
from skillstream.pipelines import dataflow, tag_files, tag_stream
from skillstream.pipelines.dataflow import dataflow_flags
from skillstream.tagging.config import FilesConfig
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
    complete(stream(), flags_of(max_num_workers="4", machine_type="some-machine"))
    complete(stream(), flags_of(machine_type="n2-standard-2"))


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
