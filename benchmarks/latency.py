"""How long from Kafka to a visible row, by load?

    python benchmarks/latency.py --input POSTINGS.jsonl --seconds 60 --plot latency.svg
    python benchmarks/latency.py --input POSTINGS.jsonl --loads 0.5 --seconds 3600 --memory-plot memory.svg

First the capacity: `--records` at once. Then a stream for each share of it (10, 40, 70 and 90 %), with
records sent at random moments (a Poisson process). A row is visible when a reader that lists `DIR/tags` every
20 ms finds its file; its latency counts from when the record was sent. A real Kafka, the real encoder,
processes of their own. Prints a JSON object a load, and draws p50, p99 and maximum.

Resident memory of all processes of the stream is looked at every ten seconds; of a load that lasts more than
ten minutes the slope after these is told, and drawn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
from kafka import KafkaProducer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import soak_report  # noqa: E402
from benchmarks.soak_report import slope  # noqa: E402

from tests.servers.common import free_port  # noqa: E402
from tests.servers.kafka import KafkaServer, create_topic  # noqa: E402

PARTITIONS = 4
LOADS = (0.1, 0.4, 0.7, 0.9)
LOOK_S = 0.02
MEMORY_LOOK_S = 10.0


class Stream:
    """`skillstream stream` as a process."""

    def __init__(self, bootstrap: str, topic: str, output: Path, *flags: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "skillstream", "stream", "--bootstrap-servers", bootstrap]
        command += ["--topic", topic, "--output", str(output), "--metrics-port", str(self.port), "--json"]
        self.process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, text=True)

    def wait_until_ready(self) -> None:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            except OSError:
                assert self.process.poll() is None, "the stream ended"
                time.sleep(0.1)
            else:
                return

    def resident_mb(self) -> float:
        """Of all its processes."""
        process = psutil.Process(self.process.pid)
        return sum(p.memory_info().rss for p in (process, *process.children(recursive=True))) / 1e6

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=600)


class Looker:
    """Looks at something again and again, from a thread of its own, until it is closed."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look()


class Watcher(Looker):
    """When each offset became visible, by partition and offset."""

    def __init__(self, output: Path) -> None:
        self.seen: dict[tuple[int, int], float] = {}
        self._tags = output / "tags"
        self._known: set[str] = set()
        super().__init__(LOOK_S)

    def look(self) -> None:
        if not self._tags.is_dir():
            return
        new = [path for path in self._tags.iterdir() if path.name not in self._known]
        now = time.time()
        for path in new:
            self._known.add(path.name)
            rows = pq.read_table(path, columns=["partition", "offset"]).to_pylist()
            self.seen.update({(row["partition"], row["offset"]): now for row in rows})


class Memory(Looker):
    """Resident memory of a stream: minutes since the beginning, and MB."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self.seen = [(0.0, stream.resident_mb())]
        super().__init__(MEMORY_LOOK_S)

    def look(self) -> None:
        self.seen.append(((time.monotonic() - self._started) / 60, self._stream.resident_mb()))


def line_of(seen: list[tuple[float, float]]) -> soak_report.Line:
    minutes, memory = np.array(seen, dtype=float).T
    return "all processes", minutes, memory


def send(bootstrap: str, topic: str, payloads: list[bytes], rate: float, seconds: float) -> dict:
    """Sends at random moments; (partition, offset) → when."""
    producer, chance, sent = KafkaProducer(bootstrap_servers=bootstrap), random.Random(1), []
    due = started = time.monotonic()
    for number, payload in enumerate(itertools.cycle(payloads)):
        due += chance.expovariate(rate)
        if due - started > seconds:
            break
        time.sleep(max(0.0, due - time.monotonic()))
        sent.append((time.time(), producer.send(topic, payload, partition=number % PARTITIONS)))
    found = {}
    for moment, future in sent:
        record = future.get(60)
        found[record.partition, record.offset] = moment
    producer.close()
    return found


def capacity(server: KafkaServer, folder: Path, payloads: list[bytes], flags: list[str]) -> float:
    """Records a second of a stream that has loaded and finds them all at once."""
    create_topic(server.bootstrap, "capacity", PARTITIONS)
    stream = Stream(server.bootstrap, "capacity", folder / "capacity", *flags)
    stream.wait_until_ready()
    watcher = Watcher(folder / "capacity")
    producer, started = KafkaProducer(bootstrap_servers=server.bootstrap), time.monotonic()
    for number, payload in enumerate(payloads):
        producer.send("capacity", payload, partition=number % PARTITIONS)
    producer.close()
    while len(watcher.seen) < len(payloads):
        assert stream.process.poll() is None, "the stream ended"
        time.sleep(LOOK_S)
    seconds = time.monotonic() - started
    watcher.close()
    stream.end()
    return len(payloads) / seconds


def latencies(
    server: KafkaServer, folder: Path, payloads: list[bytes], rate: float, options: argparse.Namespace
) -> dict[str, object]:
    topic = f"load-{rate:.2f}"
    create_topic(server.bootstrap, topic, PARTITIONS)
    output = folder / topic
    stream = Stream(server.bootstrap, topic, output, *options.flags)
    stream.wait_until_ready()
    watcher = Watcher(output)
    memory = Memory(stream)
    sent = send(server.bootstrap, topic, payloads, rate, options.seconds)
    deadline = time.monotonic() + 120
    while len(watcher.seen) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.1)
    memory.close()
    watcher.close()
    stream.end()
    waits = np.array([watcher.seen[key] - moment for key, moment in sent.items() if key in watcher.seen])
    p50, p99 = np.quantile(waits, [0.5, 0.99])
    return {
        "rate": round(rate, 2),
        "records": len(sent),
        "unseen": len(sent) - len(waits),
        "p50_s": round(float(p50), 3),
        "p99_s": round(float(p99), 3),
        "max_s": round(float(waits.max()), 3),
        "files": len(list((output / "tags").iterdir())),
        "resident_mb": [round(memory.seen[0][1]), round(memory.seen[-1][1])],
        "resident_most_mb": round(max(mb for _, mb in memory.seen)),
        "slope_mb_per_minute": slope(line_of(memory.seen)),
        "memory": [(round(minute, 2), round(mb)) for minute, mb in memory.seen],
    }


def plot(results: list[dict], path: Path) -> None:
    """p50, p99 and maximum by load, seconds on a logarithmic scale from 0.01 to 100."""
    width, height, left, bottom = 560, 320, 60, 40

    def point(load: float, seconds: float) -> tuple[float, float]:
        up = (np.log10(min(max(seconds, 0.01), 100)) + 2) / 4
        return left + load * (width - left - 90), height - bottom - up * (height - bottom - 20)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        'font-size="12"><rect width="100%" height="100%" fill="white"/>'
    ]
    for seconds in (0.01, 0.1, 1, 10, 100):
        (x0, y), (x1, _) = point(0, seconds), point(1, seconds)
        parts.append(
            f'<path d="M{x0} {y:.1f}H{x1}" stroke="#ddd"/><text x="8" y="{y + 4:.1f}">{seconds} s</text>'
        )
    for load in (result["load"] for result in results):
        x, y = point(load, 0.01)
        parts.append(f'<text x="{x - 12:.1f}" y="{y + 18:.1f}">{load:.0%}</text>')
    for name, colour in (("p50_s", "#2a7"), ("p99_s", "#c60"), ("max_s", "#a22")):
        points = [point(result["load"], result[name]) for result in results]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[-1]
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name.removesuffix("_s")}</text>'
        )
    parts.append(f'<text x="{left}" y="{height - 6}">load, as a share of the capacity</text></svg>\n')
    path.write_text("\n".join(parts))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--input", type=Path, default=ROOT / "samples" / "postings.jsonl")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--records", type=int, default=300, help="that tell the capacity")
    parser.add_argument("--capacity", type=float, help="records a second, if it is known")
    parser.add_argument("--loads", type=float, nargs="+", default=LOADS, help="shares of the capacity")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--memory-plot", type=Path, help="of the last load")
    options, options.flags = parser.parse_known_args()
    payloads = [line for line in options.input.read_bytes().splitlines() if line.strip()]
    results = []
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as name:
        folder = Path(name)
        server = KafkaServer(folder / "kafka").start()
        try:
            few = list(itertools.islice(itertools.cycle(payloads), options.records))
            most = options.capacity or capacity(server, folder, few, options.flags)
            print(json.dumps({"capacity": round(most, 2)}), flush=True)
            for load in options.loads:
                results.append({"load": load} | latencies(server, folder, payloads, load * most, options))
                print(json.dumps(results[-1]), flush=True)
        finally:
            server.stop()
    if options.plot:
        plot(results, options.plot)
    if options.memory_plot:
        memory = line_of(results[-1]["memory"])
        options.memory_plot.write_text(soak_report.plot([("resident memory, MB", [memory])], []))


if __name__ == "__main__":
    main()
