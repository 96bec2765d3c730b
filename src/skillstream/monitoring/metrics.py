"""A running stream for Prometheus (`/metrics`) and for orchestrators (`/healthz`, `/readyz`)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from skillstream.errors import UsageError
from skillstream.monitoring.live import Live
from skillstream.version import __version__

__all__ = ["StreamCollector", "serve_metrics"]

# A request may take so long and so many may be open at once: else clients that send or take nothing would
# keep a thread and a connection each, for ever.
REQUEST_S = 10.0
MOST_REQUESTS = 32


class StreamCollector(Collector):
    """The figures of `Live` as Prometheus metrics, taken when they are asked for."""

    def __init__(self, live: Live, topic: str) -> None:
        self._live = live
        self._topic = topic

    def collect(self) -> Iterable[Metric]:
        live = self._live.snapshot()
        for name, value, text in (
            ("records", live.records, "Records published, tagged or rejected."),
            ("title_only", live.title_only, "Postings that have a title but no description."),
            ("unread_times", live.unread_times, "Postings that state a time which cannot be read."),
            ("tags", live.tags, "Tags written."),
            ("sentences", live.sentences, "Sentences seen."),
            ("sentences_cached", live.cached, "Sentences whose result was in the cache."),
            ("tokens", live.tokens, "Tokens that went through the encoder."),
            ("worker_restarts", live.restarts, "Worker processes that died and were started again."),
        ):
            yield CounterMetricFamily(f"skillstream_{name}", text, value=value)
        rejected = CounterMetricFamily("skillstream_rejected", "Rejected records.", labels=["code"])
        for code, count in sorted(live.rejected.items()):
            rejected.add_metric([code], count)
        yield rejected
        for name, by_partition, text in (
            ("lag", live.lag, "Offsets between what is published and the end of the partition."),
            ("chain_end", live.positions, "Exclusive end of the published offsets."),
        ):
            gauge = GaugeMetricFamily(f"skillstream_{name}", text, labels=["topic", "partition"])
            for partition, offset in sorted(by_partition.items()):
                gauge.add_metric([self._topic, str(partition)], offset)
            yield gauge
        memory = GaugeMetricFamily(
            "skillstream_worker_resident_bytes", "Memory of each worker process.", labels=["worker"]
        )
        for worker, resident in sorted(live.resident.items()):
            memory.add_metric([str(worker)], resident)
        yield memory
        yield HistogramMetricFamily(
            "skillstream_record_age_seconds",
            "Age of records, by their own time, when their file was published.",
            buckets=[(str(floatToGoString(bound)), count) for bound, count in live.age_buckets],  # type: ignore[no-untyped-call]
            sum_value=live.age_sum,
        )
        yield GaugeMetricFamily("skillstream_healthy", "1 unless stuck.", value=float(live.stuck is None))
        yield GaugeMetricFamily(
            "skillstream_store_away_seconds", "For how long the store has been away.", value=live.waiting_s
        )
        versions = {
            "model": live.model_version,
            "taxonomy": live.taxonomy_version,
            "skillstream": __version__,
        }
        yield InfoMetricFamily("skillstream_versions", "What rows are made by now.", value=versions)


@contextmanager
def serve_metrics(
    live: Live, address: str, port: int, topic: str, *, request_s: float = REQUEST_S
) -> Iterator[int]:
    """Serves while the body runs; yields the port (a free one for 0).

    `/healthz` is 200 unless the stream is stuck; `/readyz` is 200 while it reads everything, and can tag it.
    Both say why not. A client that is not done within `request_s` is cut off.

    Raises:
        UsageError: the port cannot be had.
    """
    registry = CollectorRegistry()
    registry.register(StreamCollector(live, topic))
    ProcessCollector(registry=registry)
    application = _application(live, make_wsgi_app(registry))
    try:
        server = make_server(address, port, application, _Server, _QuietHandler)
        server.request_s = request_s
    except (OSError, OverflowError) as error:
        raise UsageError(f"--metrics-port {port}: cannot listen on {address}: {error}") from error
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


def _application(live: Live, metrics: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return metrics(environ, start_response)
        if path not in ("/healthz", "/readyz"):
            status, text = "404 Not Found", "there are /metrics, /healthz and /readyz"
        else:
            snapshot = live.snapshot()
            why = snapshot.stuck or (snapshot.not_ready if path == "/readyz" else None)
            status, text = ("503 Service Unavailable", why) if why else ("200 OK", "ok")
        start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
        return [text.encode() + b"\n"]

    return application


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_s = REQUEST_S

    def server_activate(self) -> None:
        self._slots = threading.BoundedSemaphore(MOST_REQUESTS)
        super().server_activate()

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:  # no thread could be started
            self._slots.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        # One deadline for all of it: with one for each read, a byte now and then would go on for hours.
        deadline = threading.Timer(self.request_s, _cut, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a client that went away, or was cut off, is no news."""


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has just ended
        connection.shutdown(socket.SHUT_RDWR)


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: a probe every few seconds is no news."""
