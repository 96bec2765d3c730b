"""Toxiproxy between a client and a server: slow, cut, half-open and narrow connections, on demand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

from scripts.dev_kafka import SERVERS, ServerUnavailableError, free_port

__all__ = ["Toxiproxy"]

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@latest"


def fetch_toxiproxy() -> Path:
    """The program, built by Go if it is not there yet."""
    program = SERVERS / "toxiproxy" / "server"
    if not program.exists():
        go = shutil.which("go")
        if go is None:
            raise ServerUnavailableError("go is not installed (it builds toxiproxy)")
        environment = os.environ | {"GOBIN": str(program.parent)}
        run = subprocess.run(
            [go, "install", MODULE], capture_output=True, text=True, env=environment, timeout=900
        )
        if run.returncode:
            raise ServerUnavailableError(f"toxiproxy could not be built: {run.stderr[-500:]}")
    return program


class Toxiproxy:
    """One proxy from `listen` to `upstream`, both ports of this machine."""

    def __init__(self, listen: int, upstream: int) -> None:
        self._api = f"http://127.0.0.1:{(port := free_port())}"
        command = [str(fetch_toxiproxy()), "-host", "127.0.0.1", "-port", str(port)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        proxy = {"name": "it", "listen": f"127.0.0.1:{listen}", "upstream": f"127.0.0.1:{upstream}"}
        for attempt in range(50):
            try:
                self._ask("POST", "/proxies", proxy)
                break
            except OSError:
                if attempt == 49:
                    raise
                time.sleep(0.1)

    def add(self, kind: str, stream: str = "downstream", **attributes: int) -> None:
        """Puts a toxic on connections, old and new."""
        self._ask(
            "POST",
            "/proxies/it/toxics",
            {"name": kind, "type": kind, "stream": stream, "attributes": attributes},
        )

    def remove(self, kind: str) -> None:
        self._ask("DELETE", f"/proxies/it/toxics/{kind}")

    def enable(self, enabled: bool) -> None:
        """Off: refuses and closes all connections."""
        self._ask("POST", "/proxies/it", {"enabled": enabled})

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, method: str, path: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._api + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10):
            pass
