"""Where Flink and Beam's runner for it come from: jars from Maven Central and PyPI, kept in `.servers/`.

What is assembled and why just so: docs/how-to/run-on-flink.md.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.servers.common import SERVERS, ServerUnavailableError, fetch_by_maven

__all__ = ["fetch_flink"]

BEAM_VERSION = "2.70.0"
JOB_SERVICE_VERSION = "2.65.0"
FLINK_VERSION = "1.19.3"
SLF4J_SIMPLE = "2.0.16"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>skillstream</groupId><artifactId>dev-flink</artifactId><version>1</version>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-java-job-service</artifactId>
      <version>{JOB_SERVICE_VERSION}</version></dependency>
  </dependencies></dependencyManagement>
  <dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-flink-1.19</artifactId>
      <version>{BEAM_VERSION}</version></dependency>
    <!-- without a logger the job server is silent, whatever happens -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId>
      <version>{SLF4J_SIMPLE}</version></dependency>
  </dependencies>
</project>
"""
# Bundles old classes that win over the runner's: the job says RUNNING and nothing ever happens.
POISON = f"beam-sdks-java-harness-{JOB_SERVICE_VERSION}.jar"


def fetch_flink() -> tuple[Path, Path]:
    """The folders of Beam's runner (with its job server) and of Flink, fetched if they are not there yet."""
    with ThreadPoolExecutor(2) as threads:
        beam, flink = threads.submit(_fetch_beam), threads.submit(_fetch_distribution)
        return beam.result(), flink.result()


def _fetch_beam() -> Path:
    return fetch_by_maven(SERVERS / f"beam-flink-{BEAM_VERSION}", POM, "Beam's Flink runner", without=POISON)


def _fetch_distribution() -> Path:
    """PyPI's `apache-flink-libraries` holds the whole distribution; it stays out of our environment."""
    folder = SERVERS / f"flink-{FLINK_VERSION}"
    if not folder.is_dir():
        SERVERS.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=SERVERS) as work:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
            command += ["--target", f"{work}/flink", f"apache-flink-libraries=={FLINK_VERSION}"]
            run = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
            if run.returncode:
                raise ServerUnavailableError(f"pip could not fetch Flink: {run.stderr[-500:]}")
            with contextlib.suppress(OSError):
                Path(work, "flink").rename(folder)
    return folder / "pyflink" / "lib"
