"""A real schema registry for tests: one Apicurio Registry on a free loopback port, from Maven Central.

Needs Java 17+ and, the first time, Maven: the program (140 MB) is kept in `.servers/` of the repository. It
has Confluent's API, and keeps schemas in memory: a killed one starts again empty.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.servers.common import SERVERS, fetch_by_maven, free_port, installed
from tests.servers.server import Server

__all__ = ["REGISTRY_VERSION", "RegistryServer", "fetch_registry"]

REGISTRY_VERSION = "2.6.13.Final"  # 3.x needs Java 21

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>skillstream</groupId><artifactId>dev-registry</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.apicurio</groupId><artifactId>apicurio-registry-app</artifactId>
      <version>{REGISTRY_VERSION}</version><type>tar.gz</type><classifier>all</classifier>
      <!-- the archive has all that it needs -->
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>
    </dependency>
  </dependencies>
</project>
"""


def fetch_registry() -> Path:
    """The folder of the program, fetched by Maven if it is not there yet."""
    folder = SERVERS / f"apicurio-{REGISTRY_VERSION}"
    if folder.is_dir():
        return folder
    archives = fetch_by_maven(SERVERS / f"apicurio-{REGISTRY_VERSION}-archive", POM, "Apicurio Registry")
    with tempfile.TemporaryDirectory(dir=SERVERS) as work:
        with tarfile.open(next(archives.glob("*.tar.gz"))) as archive:
            archive.extractall(work, filter="data")
        with contextlib.suppress(OSError):  # another process was quicker
            Path(work).rename(folder)
            Path(work).mkdir()  # for its own removal
    return folder


@dataclass
class RegistryServer(Server):
    """One registry; `url` is where its API like Confluent's is, its log is `folder/server.log`."""

    name = "Apicurio"
    start_timeout_s = 120

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def start(self) -> Self:
        """Start, or start again without any schema, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        java = installed("java", "the schema registry runs on Java 17 or later")
        program = next(fetch_registry().glob("*-runner.jar"))
        command: list[str | Path] = [
            java,
            "-Xmx192m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-jar",
            program,
        ]
        environment = os.environ | {"QUARKUS_HTTP_HOST": "127.0.0.1", "QUARKUS_HTTP_PORT": str(self.port)}
        return self.run(command, cwd=program.parent, env=environment)

    def register(
        self,
        subject: str,
        schema: str | Mapping[str, Any] | Sequence[Any],
        kind: str = "AVRO",
        references: Mapping[str, str] | None = None,
    ) -> int:
        """Registers a schema; its id. `references`: name → subject, of which the first version is meant."""
        body = {
            "schema": schema if isinstance(schema, str) else json.dumps(schema),
            "schemaType": kind,
            "references": [
                {"name": name, "subject": other, "version": 1} for name, other in (references or {}).items()
            ],
        }
        return int(self._ask(f"/subjects/{subject}/versions", body)["id"])

    def pause(self) -> None:
        """It accepts connections and answers none, until `resume`; its schemas stay."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def ask(self) -> None:
        self._ask("/schemas/types")

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.add_note(error.read().decode(errors="replace")[:1000])
            raise
