"""Toxiproxy between a client and a server: slow, cut, half-open and narrow connections, on demand."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request

from scripts.dev_server import SERVERS, build_by_go, free_port

__all__ = ["Toxiproxy"]

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@latest"


class Toxiproxy:
    """One proxy from `listen` to `upstream`, both ports of this machine."""

    def __init__(self, listen: int, upstream: int) -> None:
        self._api = f"http://127.0.0.1:{(port := free_port())}"
        program = build_by_go(MODULE, SERVERS / "toxiproxy" / "server")
        command = [str(program), "-host", "127.0.0.1", "-port", str(port)]
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
