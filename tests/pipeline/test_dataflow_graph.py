"""The job graphs as Dataflow would get them: built offline, coders deterministic, size bounded."""

from __future__ import annotations

from types import SimpleNamespace

import apache_beam as beam
import pytest
from apache_beam.coders import Coder
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext

from skillstream.pipelines import dataflow, tag_files, tag_stream
from skillstream.sources.files.formats import FileFormat
from skillstream.sources.files.plan import FileRange
from skillstream.sources.kafka.plan import StreamPlan
from skillstream.tagging.config import FilesConfig
from skillstream.tagging.stream_config import StreamConfig

# The whole request may have 10 MB; the flags and the environment need little of it.
DATAFLOW_LIMIT_BYTES = 10_000_000

IMAGE = "europe-docker.pkg.dev/some-project/images/skillstream:0.1.0"
GIVEN = [
    "--runner=DataflowRunner",
    "--project=some-project",
    "--region=europe-west1",
    "--temp_location=gs://some-bucket/temp",
    f"--sdk_container_image={IMAGE}",
]
PLAN = StreamPlan("cluster", "topic", roots={0: 0, 1: 0}, ends={0: 10, 1: 10})


@pytest.fixture(autouse=True)
def google_clients(monkeypatch):
    """As if they were installed: only sending a job takes them."""
    monkeypatch.setattr(dataflow, "find_spec", lambda _: True)


def stream_pipeline(*more: str, **options: object) -> beam.Pipeline:
    config = StreamConfig(
        bootstrap_servers="kafka:9092",
        topic="postings",
        output="gs://some-bucket/tags",
        index="gs://some-bucket/index",
        model="/opt/skillstream/model",
        **options,
    )
    flags = dataflow.dataflow_flags([*GIVEN, *more], config, config.output, topic=config.topic)
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    tag_stream.build(pipeline, config, PLAN, bundle_s=tag_stream.CLUSTER_BUNDLE_S)
    return pipeline


def stream_graph(**options: object) -> beam_runner_api_pb2.Pipeline:
    return stream_pipeline("--update", **options).to_runner_api()


def files_pipeline(ranges: int, *more: str) -> beam.Pipeline:
    planned = [
        FileRange(
            source="postings-0123456789abcdef",
            partition=number,
            path="gs://some-bucket/some/folder/postings.jsonl",
            how=FileFormat("jsonl"),
            start=number * 10_000,
            end=(number + 1) * 10_000,
            byte_start=number * 64_000_000,
            byte_end=(number + 1) * 64_000_000,
            size=ranges * 64_000_000,
            mtime_ns=1_795_000_000_000_000_000,
        )
        for number in range(ranges)
    ]
    config = FilesConfig(
        output="gs://some-bucket/tags", index="gs://some-bucket/index", model="/opt/skillstream/model"
    )
    flags = dataflow.dataflow_flags([*GIVEN, *more], config, config.output, inputs=[planned[0].path])
    pipeline = beam.Pipeline(options=PipelineOptions(flags))
    tag_files.build(pipeline, config, planned, "gs://some-bucket/index")
    return pipeline


def files_graph(ranges: int) -> beam_runner_api_pb2.Pipeline:
    return files_pipeline(ranges).to_runner_api()


def path_to_publish(graph: beam_runner_api_pb2.Pipeline, begin: str) -> list[str]:
    """Names of the steps from `begin` to the sink, backwards along their main inputs."""
    steps = {name: step for name, step in graph.components.transforms.items() if not step.subtransforms}
    producers = {output: step for step in steps.values() for output in step.outputs.values()}
    step = next(step for step in steps.values() if step.unique_name.startswith("Publish/"))
    path = [step.unique_name]
    while step.unique_name != begin:
        side_inputs = beam_runner_api_pb2.ParDoPayload.FromString(step.spec.payload).side_inputs
        [main] = [pcollection for tag, pcollection in step.inputs.items() if tag not in side_inputs]
        step = producers[main]
        path.append(step.unique_name)
        assert step.spec.urn == common_urns.primitives.PAR_DO.urn, f"{step.unique_name} ends the fused stage"
    return path[::-1]


def element_coders(graph: beam_runner_api_pb2.Pipeline, steps: list[str]) -> dict[str, Coder]:
    context = PipelineContext(graph.components)
    coders = {}
    for step in graph.components.transforms.values():
        if step.unique_name in steps:
            for pcollection in step.outputs.values():
                coder_id = graph.components.pcollections[pcollection].coder_id
                coders[step.unique_name] = context.coders.get_by_id(coder_id)
    return coders


def test_read_tag_publish_is_one_fused_stage():
    path = path_to_publish(stream_graph(), "ReadKafka/Read")
    assert path == ["ReadKafka/Read", "Tag/ParDo(_TagChunk)", "Observe", "Publish/ParDo(_Publish)"]


def test_files_are_read_tagged_and_published_in_one_fused_stage():
    path = path_to_publish(files_graph(3), "ReadFiles/ReadRange")
    assert path == ["ReadFiles/ReadRange", "Tag/ParDo(_TagChunk)", "Publish/ParDo(_Publish)"]


@pytest.mark.parametrize("graph", [stream_graph, lambda: files_graph(3)], ids=["stream", "files"])
def test_coders_of_all_elements_are_deterministic(graph):
    graph = graph()
    steps = [
        step.unique_name
        for step in graph.components.transforms.values()
        # What the sink yields is for other people's pipelines; here nobody takes it.
        if not step.subtransforms and not step.unique_name.startswith("Publish/")
    ]
    ours = ("ReadKafka/Read", "ReadFiles/ReadRange", "Tag/", "Observe", "PackIndex")
    # Beam's own reshuffle carries what it is given beside a key of its own, whose coder is deterministic.
    steps = [step for step in steps if step.startswith(ours) and "/Reshuffle/" not in step]
    coders = element_coders(graph, steps)
    assert len(coders) >= 3
    assert [step for step, coder in coders.items() if not coder.is_deterministic()] == []


def test_the_stream_graph_is_small_whatever_it_reads():
    """23 KB with one reader, 29 KB with a thousand (Beam 2.77)."""
    assert stream_graph(readers=1000).ByteSize() < 100_000


def test_ten_thousand_ranges_fit_into_one_request():
    """640 GB of files, at 64 MB a range: 374 KB (Beam 2.77)."""
    small, large = files_graph(100).ByteSize(), files_graph(200).ByteSize()
    assert small + (large - small) / 100 * 10_000 < DATAFLOW_LIMIT_BYTES


def test_the_graph_is_the_same_each_time():
    """`--update` matches steps by name and coders by their bytes."""
    names = [sorted(step.unique_name for step in stream_graph().components.transforms.values()) for _ in "ab"]
    assert names[0] == names[1]
    coders = [{c.spec.urn: c.spec.payload for c in stream_graph().components.coders.values()} for _ in "ab"]
    assert coders[0] == coders[1]


# `--update` carries the state of a step over to the step of that name. What lies deeper is Beam's own, and
# has line numbers of Beam in it: no update across versions of Beam.
STREAM_STEPS = [
    "Observe",
    "Publish",
    "Publish/ParDo(_Publish)",
    "ReadKafka",
    "ReadKafka/Read",
    "ReadKafka/Readers",
    "Tag",
    "Tag/ParDo(_TagChunk)",
]


def test_the_steps_of_the_stream_keep_their_names():
    names = {step.unique_name for step in stream_graph().components.transforms.values()}
    ours = {name for name in names if name.count("/") < 2 and not name.startswith("ref_")}
    assert sorted(ours) == STREAM_STEPS


@pytest.mark.parametrize(
    "make", [stream_pipeline, lambda *more: files_pipeline(3, *more)], ids=["stream", "files"]
)
def test_dataflows_own_runner_takes_it(make):
    """All that happens before the first byte goes to Google, where its clients are installed."""
    pytest.importorskip("apitools", reason="the extra `dataflow` is not installed")
    from apache_beam.runners.dataflow.internal import apiclient

    pipeline = make("--dry_run=true", "--no_auth", "--staging_location=gs://some-bucket/staging")
    job = pipeline.run().job
    assert job.proto_pipeline.ByteSize() < 100_000
    environment = apiclient.Environment([], pipeline.options, "9", "gs://x/y", job.proto_pipeline).proto
    assert "use_multiple_sdk_containers" in environment.experiments  # a process a vCPU
    [pool] = environment.worker_pools
    assert pool.num_threads_per_worker == 2
    assert {image.container_image for image in pool.sdk_harness_container_images} == {IMAGE}


def test_a_template_that_was_written_has_no_figures():
    """Dataflow's launcher only makes the template; nothing has run when the pipeline comes back."""
    metrics = tag_files._RunMetrics(SimpleNamespace(has_job=False))
    assert (metrics.count("records"), metrics.counts("rejected_"), metrics.strings("problems")) == (0, {}, [])
