"""Toxiproxy between a client and a server: slow, cut, half-open and narrow connections, on demand."""

from __future__ import annotations

import json
import signal
import time
import urllib.request

from tests.servers.common import SERVERS, build_by_go, end_process, free_port, start_process

__all__ = ["Toxiproxy"]

MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0"


class Toxiproxy:
    """One proxy from `listen` to `upstream`, both ports of this machine."""

    def __init__(self, listen: int, upstream: int) -> None:
        self._api = f"http://127.0.0.1:{(port := free_port())}"
        program = build_by_go(MODULE, SERVERS / "toxiproxy" / "server")
        command = [str(program), "-host", "127.0.0.1", "-port", str(port)]
        self._process = start_process(command)
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
        end_process(self._process, signal.SIGTERM)

    def _ask(self, method: str, path: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._api + path, data, method=method)
        with urllib.request.urlopen(request, timeout=10):
            pass
