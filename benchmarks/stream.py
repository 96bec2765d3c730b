"""How long from Kafka to a visible row, how much at most, how quiet when idle, does memory grow?

    python benchmarks/stream.py idle               # CPU of a stream to which nothing comes
    python benchmarks/stream.py capacity           # records a second of a back-fill
    python benchmarks/stream.py steady --rate 5    # age of records at publication, memory, lag

A real Kafka and the real encoder, as processes of their own. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import itertools
import json
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
from kafka import KafkaProducer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.servers.common import free_port  # noqa: E402
from tests.servers.kafka import KafkaServer, create_topic  # noqa: E402

TOPIC = "postings"
PARTITIONS = 4


class Stream:
    """`skillstream stream` as a process; `end` drains it and gives its summary."""

    def __init__(self, bootstrap: str, output: Path, *flags: str) -> None:
        command = [
            sys.executable,
            "-m",
            "skillstream.pipelines.tag_stream",
            f"--bootstrap_servers={bootstrap}",
        ]
        port = free_port()
        command += [f"--topic={TOPIC}", f"--output={output}", f"--metrics_port={port}", *flags]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.stats = psutil.Process(self.process.pid)
        self._ready = f"http://127.0.0.1:{port}/readyz"

    def wait_until_it_reads(self) -> None:
        while True:
            try:
                urllib.request.urlopen(self._ready, timeout=5).close()
            except OSError:
                assert self.process.poll() is None, "the stream ended"
                time.sleep(0.5)
            else:
                return

    def end(self) -> dict[str, object]:
        self.process.send_signal(signal.SIGTERM)
        return self.result()

    def result(self) -> dict[str, object]:
        output, _ = self.process.communicate(timeout=3600)
        return json.loads(output.splitlines()[-1])


def lines(path: Path) -> list[bytes]:
    return [line for line in path.read_bytes().splitlines() if line.strip()]


def produce(bootstrap: str, payloads: list[bytes], rate: float, stop: threading.Event) -> None:
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    due = time.monotonic()
    for number, payload in enumerate(itertools.cycle(payloads)):
        producer.send(TOPIC, payload, partition=number % PARTITIONS)
        due += 1 / rate
        if stop.wait(max(0.0, due - time.monotonic())):
            break
    producer.close()


def idle(server: KafkaServer, output: Path, arguments: argparse.Namespace) -> dict[str, object]:
    stream = Stream(server.bootstrap, output)
    stream.wait_until_it_reads()
    time.sleep(10)  # until what loading left behind is done
    before, started = stream.stats.cpu_times(), time.monotonic()
    time.sleep(arguments.seconds)
    after, seconds = stream.stats.cpu_times(), time.monotonic() - started
    used = after.user + after.system - before.user - before.system
    memory = stream.stats.memory_info().rss / 1e6
    stream.end()
    return {"cpu_percent_of_a_core": round(100 * used / seconds, 2), "resident_mb": round(memory)}


def capacity(server: KafkaServer, output: Path, arguments: argparse.Namespace) -> dict[str, object]:
    producer = KafkaProducer(bootstrap_servers=server.bootstrap)
    payloads = list(itertools.islice(itertools.cycle(lines(arguments.input)), arguments.records))
    for number, payload in enumerate(payloads):
        producer.send(TOPIC, payload, partition=number % PARTITIONS)
    producer.close()
    summary = Stream(server.bootstrap, output, "--stop_at_end").result()
    return {"records": summary["records"], "records_per_second": summary["records"] / summary["seconds"]}


def steady(server: KafkaServer, output: Path, arguments: argparse.Namespace) -> dict[str, object]:
    stream = Stream(server.bootstrap, output, f"--linger={arguments.linger}")
    stream.wait_until_it_reads()
    stop = threading.Event()
    load = threading.Thread(
        target=produce, args=(server.bootstrap, lines(arguments.input), arguments.rate, stop)
    )
    load.start()
    memory, started = [], time.monotonic()
    while (elapsed := time.monotonic() - started) < arguments.seconds:
        memory.append((elapsed, stream.stats.memory_info().rss / 1e6))
        time.sleep(min(5.0, arguments.seconds / 20))
    summary = stream.end()
    stop.set()
    load.join()
    half = [point for point in memory if point[0] > arguments.seconds / 2]
    slope = np.polyfit(*zip(*half, strict=True), 1)[0] * 3600
    return {
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "records": summary["records"],
        "age_p50_s": summary["age_p50"],
        "age_p99_s": summary["age_p99"],
        "lag_at_end": sum(summary["lag"].values()),
        "resident_mb": [round(memory[0][1]), round(memory[-1][1])],
        "slope_of_second_half_mb_per_hour": round(slope, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["idle", "capacity", "steady"])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--linger", type=float, default=1.0)
    parser.add_argument("--input", type=Path, default=ROOT / "samples" / "postings.jsonl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as folder:
        server = KafkaServer(Path(folder) / "kafka").start()
        try:
            create_topic(server.bootstrap, TOPIC, PARTITIONS)
            measure = {"idle": idle, "capacity": capacity, "steady": steady}[arguments.what]
            print(json.dumps({"what": arguments.what} | measure(server, Path(folder) / "out", arguments)))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
