"""Every file of deploy/ is what its reader takes: Docker, Compose, Kubernetes, Dataflow."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import pytest

from skillstream.pipelines.command import add_config_flags
from skillstream.tagging.config import FilesConfig, taxonomy_names
from skillstream.tagging.stream_config import StreamConfig
from tests.deploy.manifests import (
    COMPOSE,
    DEPLOY,
    KUBERNETES,
    ROOT,
    documents,
    instruction,
    our_containers,
    pods,
)

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
PINS = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines())
TEMPLATES = {"stream.json": StreamConfig, "tag.json": FilesConfig}


def check(program: str, *arguments: object) -> str:
    """Runs a program that pip has put beside Python; what it says."""
    command = [str(Path(sys.executable).parent / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("dockerfile", sorted(DEPLOY.glob("*/Dockerfile")), ids=lambda path: path.parent.name)
def test_dockerfiles(dockerfile):
    assert check("hadolint", dockerfile) == ""


def test_what_a_dockerfile_copies_gets_past_dockerignore():
    """`.dockerignore` keeps everything back but what it names."""
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    ]
    for pattern in kept:
        assert list(ROOT.glob(pattern)), f"{pattern} of .dockerignore is not there"
    copied = instruction("COPY", DEPLOY / "dataflow" / "Dockerfile").split()[:-1]
    assert set(copied) <= set(kept)
    for needed in (
        "pyproject.toml",
        "setup.py",
        "constraints.txt",
        "README.md",
        "src",
        "pipelines",
        "transforms",
    ):
        assert needed in kept


@pytest.mark.parametrize("profile", [[], ["--profile", "flink"]], ids=["local", "flink"])
def test_compose(profile):
    found = json.loads(check("docker-compose", "--file", COMPOSE, *profile, "config", "--format", "json"))
    assert ("taskmanager" in found["services"]) == bool(profile)
    for service in found["services"].values():
        for volume in service.get("volumes", []):
            assert volume["type"] == "volume" or Path(volume["source"]).exists(), volume["source"]
        for port in service.get("ports", []):
            assert port["host_ip"] == "127.0.0.1"


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_kubernetes_manifests(path):
    known = 0
    for document in documents(path):
        if document["apiVersion"].startswith("flink.apache.org"):
            continue
        kubernetes_validate.validate(document, PINS["kubernetes-validate"].rpartition(".")[0], strict=True)
        known += 1
    assert known


@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_pods_are_valid_and_run_with_few_rights(path):
    """Those within Flink's own resource as well, whose main container the operator fills in."""
    for spec in pods(path):
        ours = [item for item in spec["containers"] if item["name"] != "flink-main-container"]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "x"},
            "spec": spec | {"containers": ours},
        }
        if ours:
            kubernetes_validate.validate(pod, PINS["kubernetes-validate"].rpartition(".")[0], strict=True)
        for item in ours:
            assert item["resources"]["limits"]["memory"]
            if "skillstream" in item["image"]:
                context = item["securityContext"]
                assert context["readOnlyRootFilesystem"]
                assert not context["allowPrivilegeEscalation"]
                assert context["capabilities"] == {"drop": ["ALL"]}
                assert str(spec.get("securityContext", context)["runAsUser"]) in instruction("USER")


def test_metrics_are_served_to_the_outside():
    for container in our_containers():
        if any(argument.startswith("--metrics-port=") for argument in container.command):
            assert "--metrics-address=0.0.0.0" in container.command, container


def test_no_secret_stands_in_a_manifest():
    for path in KUBERNETES:
        for spec in pods(path):
            for item in spec["containers"]:
                for variable in item.get("env", []):
                    secret = re.search("PASSWORD|KEY", variable["name"])
                    assert not secret or "secretKeyRef" in variable["valueFrom"]


def test_versions_are_those_of_the_project():
    for path in [*DEPLOY.rglob("*.yaml"), *DEPLOY.glob("*/Dockerfile")]:
        text = path.read_text("utf-8")
        for tag in re.findall(r"skillstream:(\d[\w.]*)", text):
            assert tag == VERSION, path
        for tag in re.findall(r"beam_\w+(?:\.\d+)?_(?:job_server|sdk):([\d.]+)", text):
            assert tag == PINS["apache-beam"], path


# --- Dataflow's templates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_metadata_has_the_form_that_dataflow_takes(name):
    folder = DEPLOY / "dataflow"
    check("check-jsonschema", "--schemafile", folder / "template-metadata.schema.json", folder / name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_parameters_are_the_pipelines_own_options(name):
    import argparse

    parser = argparse.ArgumentParser()
    add_config_flags(parser, TEMPLATES[name])
    options = {action.dest: action for action in parser._actions if action.dest != "help"}
    parameters = {
        p["name"]: p for p in json.loads((DEPLOY / "dataflow" / name).read_text("utf-8"))["parameters"]
    }
    defaults = {field.name: field.default for field in dataclasses.fields(TEMPLATES[name])}
    elsewhere = {"metrics_port", "metrics_address"} & options.keys()  # ports of this machine
    more = {"sdk_container_image"} | ({"input"} if name == "tag.json" else set())
    assert set(parameters) == (set(options) - elsewhere) | more
    for key, parameter in parameters.items():
        if key in options and "defaultValue" in parameter and key not in ("model", "index"):
            needed = [f"--{action.dest}=x" for action in options.values() if action.required]
            parsed = parser.parse_args([*needed, f"--{key}={parameter['defaultValue']}"])
            given = getattr(parsed, key)
            given = taxonomy_names(given) if key == "taxonomy" else given  # several, separated by commas
            assert given == defaults[key]
        if parameter["paramType"] == "ENUM":
            assert [choice["value"] for choice in parameter["enumOptions"]] == list(options[key].choices)


def test_template_files_are_current():
    from scripts import dataflow_templates

    for name in TEMPLATES:
        current = (DEPLOY / "dataflow" / name).read_text("utf-8")
        assert current == dataflow_templates.text(name), "run scripts/update_docs.py"
