"""Writes the metadata of Dataflow's flex templates out of the pipelines' own options.

scripts/update_docs.py runs it; tests/deploy/test_manifests.py fails while they are behind.
"""

from __future__ import annotations

import dataclasses
import json
import typing
from pathlib import Path
from typing import Any

from skillstream.options import value_type
from skillstream.tagging.config import FilesConfig
from skillstream.tagging.stream_config import StreamConfig

FOLDER = Path(__file__).parents[1] / "deploy" / "dataflow"

# Of no use where the readers run on other machines.
NOT_ON_DATAFLOW = {"metrics_port", "metrics_address"}
# Workers have no settings file that could name the brokers.
REQUIRED = {"bootstrap_servers"}
# What deploy/dataflow/launch_*.py say where the template's user says nothing.
IN_THE_IMAGE = {"model": "/opt/skillstream/model", "index": "/opt/skillstream/index"}
TYPES = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "TEXT"}

IMAGE = {
    "name": "sdk_container_image",
    "label": "Worker image",
    "helpText": "The image of this template: it is the workers' image, too.",
    "paramType": "TEXT",
    "isOptional": False,
}
INPUT = {
    "name": "input",
    "label": "Input",
    "helpText": "File, folder or pattern, as gs://BUCKET/PATH.",
    "paramType": "TEXT",
    "isOptional": False,
}


def parameters(config_class: type[Any]) -> list[dict[str, Any]]:
    """One parameter a field."""
    hints = typing.get_type_hints(config_class)
    return [
        parameter(field, value_type(hints[field.name]))
        for field in dataclasses.fields(config_class)
        if field.name not in NOT_ON_DATAFLOW
    ]


def parameter(field: dataclasses.Field[Any], kind: type[Any]) -> dict[str, Any]:
    required = field.metadata["required"] or field.name in REQUIRED
    described: dict[str, Any] = {
        "name": field.name,
        "label": field.name.replace("_", " ").capitalize(),
        "helpText": field.metadata["help"],
        "paramType": TYPES[kind],
        "isOptional": not required,
    }
    if field.metadata["choices"]:
        described["paramType"] = "ENUM"
        described["enumOptions"] = [{"value": choice} for choice in field.metadata["choices"]]
    default = IN_THE_IMAGE.get(field.name, field.default)
    if isinstance(default, tuple):  # a parameter is one text
        default = ",".join(default)
    if default not in (None, "") and not required:
        described["defaultValue"] = json.dumps(default) if isinstance(default, bool) else str(default)
    return described


TEMPLATES = {
    "stream.json": {
        "name": "skillstream: Kafka to skill tags",
        "description": "Tags the job postings of a Kafka topic; one row per record in Parquet, exactly once.",
        "streaming": True,
        "supportsExactlyOnce": True,
        "supportsAtLeastOnce": True,
        "parameters": [*parameters(StreamConfig), IMAGE],
    },
    "tag.json": {
        "name": "skillstream: files to skill tags",
        "description": "Tags the job postings in files; one row per record in Parquet, exactly once.",
        "streaming": False,
        "parameters": [INPUT, *parameters(FilesConfig), IMAGE],
    },
}


def text(name: str) -> str:
    return json.dumps(TEMPLATES[name], indent=2) + "\n"


def main() -> None:
    for name in TEMPLATES:
        (FOLDER / name).write_text(text(name), "utf-8")
