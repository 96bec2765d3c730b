"""Options of `skillstream flink`, the Beam flags they stand for, and what is refused."""

from __future__ import annotations

import socket

import pytest

from skillstream.cli import main
from skillstream.errors import UsageError
from skillstream.flink.config import FlinkConfig
from skillstream.pipelines.flink import flink_flags
from skillstream.pipelines.options import check_cluster_flags


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"checkpoint_interval": 0}, "without checkpoints"),
        ({"checkpoint_interval": -1.0}, "without checkpoints"),
        ({"parallelism": 0}, "--parallelism"),
        ({"rest": "localhost:8081"}, "http://"),
        ({"rest": "http://"}, "http://HOST:PORT"),
        ({"rest": "http://flink:x"}, "http://HOST:PORT"),
        ({"job_endpoint": "jobs"}, "--job-endpoint must be HOST:PORT"),
        ({"job_endpoint": "http://jobs:8099"}, "--job-endpoint"),
        ({"worker_pool": "localhost:"}, "--worker-pool"),
        ({"checkpoint_dir": "/shared/checkpoints"}, "--checkpoint-dir must be an address such as file:///"),
        ({"savepoint_path": "savepoint-1"}, "--savepoint-path must be an address"),
        ({"bundle_seconds": 0.01}, "--bundle-seconds"),
        ({"workers_per_task_manager": -1}, "--workers-per-task-manager"),
    ],
)
def test_values_out_of_range_are_refused(options, told):
    with pytest.raises(UsageError, match=told):
        FlinkConfig(**options)


def test_flags_for_a_running_job_server():
    config = FlinkConfig(
        job_endpoint="jobs:8099",
        worker_pool="localhost:50000",
        parallelism=4,
        checkpoint_interval=2.5,
        checkpoint_dir="s3://bucket/checkpoints",
        savepoint_path="s3://bucket/savepoint-1",
    )
    flags = flink_flags(config, "postings")
    assert {
        "--streaming",
        "--operator_chaining",
        "--runner=PortableRunner",
        "--job_endpoint=jobs:8099",
        "--job_name=skillstream-postings",
        "--parallelism=4",
        "--checkpointing_interval=2500",
        "--max_bundle_size=1",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--state_backend_storage_path=s3://bucket/checkpoints",
        "--savepoint_path=s3://bucket/savepoint-1",
    } <= set(flags)
    check_cluster_flags(flags)


def test_without_a_job_server_beam_starts_one():
    flags = flink_flags(FlinkConfig(rest="http://flink:8081"), "postings")
    assert {"--runner=FlinkRunner", "--flink_master=http://flink:8081"} <= set(flags)
    check_cluster_flags(flags)


GOOD = ["--runner=PortableRunner", "--checkpointing_interval=1000", "--max_bundle_size=1"]


@pytest.mark.parametrize("missing", GOOD[1:])
@pytest.mark.parametrize("runner", ["PortableRunner", "FlinkRunner", "flinkrunner"])
def test_streams_on_flink_need_checkpoints_and_single_bundles(runner, missing):
    flags = [f"--runner={runner}", *(flag for flag in GOOD[1:] if flag != missing)]
    with pytest.raises(UsageError, match=missing.split("=")[0]):
        check_cluster_flags(flags)
    check_cluster_flags([*flags, missing])


@pytest.mark.parametrize("runner", ["", "local", "DirectRunner", "DataflowRunner"])
def test_other_runners_need_neither(runner):
    check_cluster_flags([f"--runner={runner}"])


def test_refused_with_exit_code_2_before_anything_is_asked(capsys, tmp_path):
    arguments = ["--bootstrap-servers=127.0.0.1:9", "--topic=t", f"--output={tmp_path / 'out'}"]
    assert main(["flink", "submit", *arguments, "--checkpoint-interval=0"]) == 2
    assert "without checkpoints" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_no_cluster_is_one_line_and_exit_code_1(capsys):
    assert main(["flink", "status", "--rest=http://127.0.0.1:9"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skillstream: Flink's REST API at http://127.0.0.1:9 cannot be reached: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["submit"], "Missing option '--topic'"),
        (["submit", "--topic=t", "--bootstrap-servers=k:1"], "Missing option '--output'"),
        (["submit", "--parallelism=two"], "'--parallelism'"),
        (["submit", "--nonsense"], "--nonsense"),
        (["stop"], "'JOB'"),
        (["stop", "x", "--rest=flink"], "--rest must be http"),
        (["watch", "--every=0"], "'--every'"),
        (["watch", "--stall-after=0"], "'--stall-after'"),
        (["watch", "--metrics-port=70000"], "'--metrics-port'"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments, told, capsys):
    assert main(["flink", *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_metrics_port_in_use_is_told(capsys, tmp_path):
    options = ["--bootstrap-servers=127.0.0.1:9", "--topic=t", f"--output={tmp_path}"]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["flink", "watch", *options, f"--metrics-port={port}"]) == 2
    assert f"--metrics-port {port}: cannot listen on 127.0.0.1" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["tag", "training-data"])
def test_no_job_server_is_one_line_and_exit_code_1(command, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("skillstream.pipelines.options.JOB_SERVER_S", 0.5)
    (tmp_path / "in.jsonl").write_text("{}\n")
    source = {"tag": [str(tmp_path / "in.jsonl")], "training-data": ["--source=phrases=builtin"]}[command]
    flags = ["--runner=PortableRunner", "--", "--job_endpoint=127.0.0.1:9"]
    assert main([command, *source, f"--output={tmp_path / 'out'}", *flags]) == 1
    error = capsys.readouterr().err
    assert error.startswith("skillstream: no Beam job server answers at 127.0.0.1:9")
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
