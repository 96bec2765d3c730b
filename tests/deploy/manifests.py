"""What the files of deploy/ say that a container starts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
KUBERNETES = [
    DEPLOY / "kubernetes" / "config.yaml",
    DEPLOY / "kubernetes" / "skillstream.yaml",
    *sorted((DEPLOY / "flink").glob("*.yaml")),
]
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"


@dataclass(frozen=True)
class Container:
    """A container of skillstream's own image: what it runs, and the paths that Kubernetes asks it for."""

    name: str
    command: tuple[str, ...]
    probes: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text("utf-8")) if document]


def instruction(name: str, dockerfile: Path = DOCKERFILE) -> str:
    """The last instruction of that name, in one line."""
    text = dockerfile.read_text("utf-8").replace("\\\n", " ")
    return re.findall(rf"^{name}\s+(.*)$", text, re.MULTILINE)[-1]


def healthcheck() -> list[str]:
    return list(json.loads(instruction("HEALTHCHECK").partition("CMD")[2]))


def _pods(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list):
            yield value
        for item in value.values():
            yield from _pods(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pods(item)


def pods(path: Path) -> list[dict[str, Any]]:
    """All pod specs in a file, those of custom resources included."""
    return list(_pods(documents(path)))


def our_containers() -> list[Container]:
    entrypoint = json.loads(instruction("ENTRYPOINT"))
    found = []
    for name, service in documents(COMPOSE)[0]["services"].items():
        if service["image"].startswith("skillstream:"):
            command = (*service.get("entrypoint", entrypoint), *service["command"])
            found.append(Container(f"compose/{name}", command, ()))
    for path in KUBERNETES:
        for pod in pods(path):
            for item in pod["containers"]:
                if item.get("image", "").startswith("REGISTRY/skillstream:"):
                    command = (*item.get("command", entrypoint), *item["args"])
                    asked = (item[key] for key in item if key.endswith("Probe"))
                    probes = tuple(probe["httpGet"]["path"] for probe in asked if "httpGet" in probe)
                    found.append(Container(f"{path.parent.name}/{item['name']}", command, probes))
    return found
