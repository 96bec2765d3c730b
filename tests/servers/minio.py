"""A real object store for tests and demos: one MinIO server on a free loopback port, built by Go.

Needs Go, the first time (two to four minutes on two cores): the program is kept in `.servers/` of the
repository.
"""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.servers.common import SERVERS, build_by_go, free_port
from tests.servers.server import Server

__all__ = ["MinioServer", "fetch_minio"]

MODULE = "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"


def fetch_minio() -> Path:
    """The program, built by Go if it is not there yet. Whoever comes meanwhile waits."""
    return build_by_go(MODULE, SERVERS / "minio" / "minio")


@dataclass
class MinioServer(Server):
    """One server; objects lie in `folder/data` or in `data` (a small disk, say), its log is `server.log`.

    A killed or stopped server starts again with the same port and data.
    """

    name = "MinIO"
    start_timeout_s = 60

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

    def start(self) -> Self:
        """Start, or start again, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        data = self.data or self.folder / "data"
        data.mkdir(exist_ok=True)
        command: list[str | Path] = [fetch_minio(), "server", data, "--address", f"127.0.0.1:{self.port}"]
        command += ["--console-address", f"127.0.0.1:{free_port()}", "--quiet"]
        environment = os.environ | {
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
            "MINIO_CONFIG_ENV_FILE": "",
            "HOME": str(self.folder),
        }
        return self.run(command, env=environment)

    def make_bucket(self, name: str) -> str:
        """A new bucket, and its address."""
        import obstore
        from obstore.exceptions import BaseError

        # On one disk a bucket is a folder, and obstore makes none.
        (self.data or self.folder / "data").joinpath(name).mkdir(exist_ok=True)
        deadline = time.monotonic() + self.start_timeout_s
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

    def ask(self) -> None:
        urllib.request.urlopen(f"{self.endpoint}/minio/health/live", timeout=2).close()
