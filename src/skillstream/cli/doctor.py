"""`skillstream doctor`: is this machine fit, and is an output whole?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from rich.table import Table

from skillstream.cli.options import json_option
from skillstream.cli.tables import plain_console
from skillstream.errors import UsageError
from skillstream.storage import is_url
from skillstream.version import __version__

if TYPE_CHECKING:
    from skillstream.tagging import Tagger

__all__ = ["doctor_command"]

LIBRARIES = (
    "apache-beam",
    "openvino",
    "torch",
    "sentence-transformers",
    "tokenizers",
    "pyarrow",
    "numpy",
    "kafka-python",
)
SELF_TEST_S = 2.0
SELF_TEST_POSTING = {
    "title": "Data engineer",
    "description": "You build data pipelines in Python and SQL.\nExperience with Apache Kafka is a plus.",
}


@click.command("doctor")
@click.option(
    "--model",
    default="default",
    show_default=True,
    help="Encoder model to test: 'default', 'base', a folder or a hub id.",
)
@click.option(
    "--output",
    help="Folder or address of an output to check instead: gaps, overlaps, unreadable or damaged files.",
)
@json_option
def doctor_command(model: str, output: str | None, as_json: bool) -> int:
    """Show versions, the backend chosen and why, and a two-second self-test; or check an --output."""
    return _check_output(output, as_json) if output is not None else _check_machine(model, as_json)


def _check_machine(model: str, as_json: bool) -> int:
    from skillstream.encoder import load_encoder
    from skillstream.tagging import Tagger

    facts: dict[str, object] = {
        "skillstream": __version__,
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    for library in LIBRARIES:
        try:
            facts[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            facts[library] = "not installed"
    encoder = load_encoder(model)
    facts["model"] = (
        f"{encoder.name}@{encoder.fingerprint[:12]}, {encoder.dim} dimensions, {encoder.max_tokens} tokens"
    )
    facts["backend"] = encoder.describe()
    tagger = Tagger.load(model=model)
    facts["index"] = f"{len(tagger.index):,} skills, {tagger.taxonomy_version}"
    facts["confidence"] = (
        "calibrated for this model" if tagger.ranker.heads.calibrated else "not calibrated for this model"
    )
    labels = [tag.label for tag in tagger.tag(SELF_TEST_POSTING)]
    facts["self-test tags"] = ", ".join(labels[:5])
    facts["self-test tokens/s"] = round(_speed(tagger))
    healthy = "SQL" in labels
    facts["verdict"] = (
        "ready" if healthy else "the self-test posting did not get its tags: the model or index is broken"
    )
    _show(facts, as_json)
    return 0 if healthy else 1


def _speed(tagger: Tagger) -> float:
    """Tokens a second of the encoder over about two seconds."""
    sentences = [
        f"Experience with tool number {number} and good communication skills" for number in range(256)
    ]
    tokens, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SELF_TEST_S:
        tokens += len(tagger.encoder.encode_tokens(sentences).tokens)
    return tokens / elapsed


def _check_output(output: str, as_json: bool) -> int:
    from skillstream.output import RUN_FILE, TAGS_FOLDER, verify_chain
    from skillstream.storage import open_store

    store = open_store(output)
    found = store.names("")
    if RUN_FILE not in found and TAGS_FOLDER not in found:
        if not is_url(output) and not Path(output).is_dir():
            raise UsageError(f"{output} is no folder")
        raise UsageError(
            f"{output} is no output of skillstream: it holds neither {RUN_FILE} nor {TAGS_FOLDER}/"
        )
    report = verify_chain(output, store=store)
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        _show({"partitions": report.partitions, "files": report.files, "rows": report.rows}, as_json)
        for finding in report.findings:
            click.echo(f"{finding.kind}: {finding.path}: {finding.detail}")
        click.echo("whole" if not report.findings else f"{len(report.findings)} problems")
    return 1 if report.findings else 0


def _show(facts: dict[str, object], as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(facts))
        return
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for name, value in facts.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    plain_console().print(table)
