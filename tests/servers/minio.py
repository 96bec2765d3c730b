"""A real object store for tests and demos: one MinIO server on a free loopback port, built by Go.

Needs Go, the first time (two to four minutes on two cores): the program is kept in `.servers/` of the
repository.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.common import (
    SERVERS,
    ServerUnavailableError,
    build_by_go,
    end_process,
    free_port,
    start_process,
)

__all__ = ["MinioServer", "fetch_minio"]

MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
START_TIMEOUT_S = 60


def fetch_minio() -> Path:
    """The program, built by Go if it is not there yet. Whoever comes meanwhile waits."""
    return build_by_go(MODULE, SERVERS / "minio" / "minio")


@dataclass
class MinioServer:
    """One server; objects lie in `folder/data` or in `data` (a small disk, say), its log is `server.log`.

    A killed or stopped server starts again with the same port and data.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    data: Path | None = None
    user: str = "skillstream-tester"
    password: str = "not-a-secret-but-looked-for"
    process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find this server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.user,
            "AWS_SECRET_ACCESS_KEY": self.password,
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> MinioServer:
        """Start, or start again, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = self.data or self.folder / "data"
        data.mkdir(exist_ok=True)
        command = [fetch_minio(), "server", data, "--address", f"127.0.0.1:{self.port}"]
        command += ["--console-address", f"127.0.0.1:{free_port()}", "--quiet"]
        environment = os.environ | {
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "MINIO_CONFIG_ENV_FILE": "",
            "HOME": str(self.folder),
        }
        self.process = start_process(command, self.folder / "server.log", env=environment)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.kill()
            raise
        return self

    def make_bucket(self, name: str) -> str:
        """A new bucket, and its address."""
        import obstore
        from obstore.exceptions import BaseError

        # On one disk a bucket is a folder, and obstore makes none.
        (self.data or self.folder / "data").joinpath(name).mkdir(exist_ok=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                obstore.list_with_delimiter(self.store(name))
            except (BaseError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
            else:
                return f"s3://{name}"

    def store(self, bucket: str) -> Any:
        """A client of its own, not the one that is tested."""
        from obstore.store import S3Store

        return S3Store(
            bucket,
            config={
                "endpoint": self.endpoint,
                "access_key_id": self.user,
                "secret_access_key": self.password,
                "region": "us-east-1",
            },
            client_options={"allow_http": True},
        )

    def stop(self) -> None:
        """Stop in order; kill after 20 s."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._end(signal.SIGKILL)

    def __enter__(self) -> MinioServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self, sig: signal.Signals) -> None:
        if self.process is not None:
            end_process(self.process, sig)
            self.process = None

    def _wait_until_it_answers(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                tail = (self.folder / "server.log").read_text(errors="replace")[-1000:]
                raise ServerUnavailableError(f"MinIO ended with code {self.process.returncode}: ...{tail}")
            try:
                urllib.request.urlopen(f"{self.endpoint}/minio/health/live", timeout=2).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise ServerUnavailableError(f"MinIO did not answer within {START_TIMEOUT_S} s")
