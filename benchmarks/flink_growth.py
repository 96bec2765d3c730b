"""Does a stream on Flink stay as it is? Live heap, checkpoints and ages of records, by how readers hand over.

    python -m benchmarks.flink_growth --mode hand-over --seconds 900 --output growth.json
    python -m benchmarks.flink_growth --plot growth.json --output growth.svg

Modes: `hand-over` (every 2 s, a checkpoint every 10 s: the defaults), `one-group` (the same with one key
group for each subtask), `one-bundle` (`--bundle-seconds 0`: no hand-over, no checkpoint). A real Kafka and a
real Flink with one TaskManager and two slots on loopback, parallelism 2, four partitions, a small model with
random weights. Live heap is what a class histogram counts after a full collection of the TaskManager. At the
end a worker is killed, and the seconds are taken until rows come again; then every record must have become
one row. One JSON object a run, appended.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.flink_stream import ages, memory_mb, model_and_index
from benchmarks.stream import PARTITIONS, ROOT, TOPIC, lines, produce

from skillstream.flink.rest import FlinkRest
from skillstream.output import sweep
from tests.flink.conftest import FlinkStream
from tests.servers.flink import FlinkCluster
from tests.servers.kafka import KafkaServer, create_topic

MODES: dict[str, tuple[dict[str, object], list[str]]] = {
    "hand-over": ({"bundle-seconds": 2, "checkpoint-interval": 10}, []),
    "one-group": ({"bundle-seconds": 2, "checkpoint-interval": 10}, ["--", "--max_parallelism=2"]),
    "one-bundle": ({"bundle-seconds": 0, "checkpoint-interval": 10}, []),
}


def live_heap(pid: int) -> int:
    """Bytes that live objects of a JVM take, after a full collection."""
    histogram = subprocess.run(
        ["jcmd", str(pid), "GC.class_histogram"], capture_output=True, text=True, check=True
    )
    return int(histogram.stdout.splitlines()[-1].split()[2])


def sample(stream: FlinkStream, started: float) -> dict[str, object]:
    rest = FlinkRest(stream.cluster.rest_url)
    checkpoints = rest.checkpoints(rest.find(stream.name).id)
    return {
        "minute": round((time.time() - started) / 60, 2),
        "live_heap_kb": live_heap(stream.cluster.processes["taskmanager-1"].pid) >> 10,
        "memory_mb": memory_mb(stream.cluster),
        "checkpoints": checkpoints.completed,
        "failed": checkpoints.failed,
        "checkpoint_bytes": checkpoints.latest_bytes,
        "checkpoint_ms": checkpoints.latest_ms,
        "load_average": os.getloadavg()[0],
    }


def killed_worker_s(stream: FlinkStream) -> float:
    """Seconds from a worker's end until all partitions have rows of records sent since."""
    stream.cluster.workers()[0].send_signal(signal.SIGKILL)
    killed = time.monotonic()
    stream.await_new_rows(180)
    return round(time.monotonic() - killed, 1)


def measure(stream: FlinkStream, more: list[str], arguments: argparse.Namespace) -> dict[str, object]:
    stop = threading.Event()
    load = threading.Thread(
        target=produce, args=(stream.bootstrap, lines(arguments.input), arguments.rate, stop)
    )
    load.start()
    try:
        stream.submit(*more)
        stream.await_rows(1, 300)
        time.sleep(20)
        started, samples = time.time(), []
        while time.time() < started + arguments.seconds:
            samples.append(sample(stream, started))
            time.sleep(arguments.every)
        samples.append(sample(stream, started))
        until = time.time()
        killed_s = killed_worker_s(stream)
    finally:
        stop.set()
        load.join()
    while stream.lag():
        time.sleep(0.5)
    return {
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "rows_again_after_worker_kill_s": killed_s,
        "ages": ages(stream.output, started * 1000, until * 1000),
        "samples": samples,
    }


COLOURS = {"hand-over": "#c23b22", "one-group": "#e69f00", "one-bundle": "#0072b2"}
WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 640, 220, 60, 20, 30


def panel(runs: list[dict], title: str, value: Callable[[dict], float], top: int) -> str:
    """One chart as SVG: minutes to the right, the figure upwards, a line for each run."""
    lines_of = {run["mode"]: [(item["minute"], value(item)) for item in run["samples"]] for run in runs}
    points = [point for line in lines_of.values() for point in line]
    most_x, most_y = max(x for x, _ in points), max(y for _, y in points)
    floor = top + HEIGHT - BOTTOM
    drawn = [
        f'<text x="{LEFT}" y="{top + 16}" font-weight="bold">{title}</text>',
        f'<text x="4" y="{top + TOP + 10}">{most_y:,.1f}</text><text x="4" y="{floor}">0</text>',
        f'<text x="{WIDTH - 50}" y="{floor + 16}">{most_x:.0f} min</text>',
        f'<path d="M{LEFT} {top + TOP}V{floor}H{WIDTH}" fill="none" stroke="black"/>',
    ]
    for number, (mode, line) in enumerate(lines_of.items()):
        at = [
            (LEFT + x / most_x * (WIDTH - LEFT), floor - y / most_y * (HEIGHT - BOTTOM - TOP))
            for x, y in line
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        colour = COLOURS[mode]
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="{WIDTH - 320 + number * 110}" y="{top + 16}" fill="{colour}">{mode}</text>')
    return "".join(drawn)


def plot(runs: list[dict]) -> str:
    heap = panel(runs, "TaskManager: live heap, MB", lambda item: item["live_heap_kb"] / 1024, 0)
    size = panel(
        runs, "Latest checkpoint, KB", lambda item: (item["checkpoint_bytes"] or 0) / 1024, HEIGHT + 10
    )
    view = f'viewBox="0 0 {WIDTH + 10} {2 * HEIGHT + 20}" font-family="sans-serif" font-size="12"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {view}>{heap}{size}</svg>\n'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mode", choices=list(MODES), default="hand-over")
    parser.add_argument("--rate", type=float, default=2)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument("--every", type=float, default=30, help="seconds between two samples")
    parser.add_argument("--input", type=Path, default=ROOT / "samples" / "postings.jsonl")
    parser.add_argument("--plot", type=Path, help="draw the runs of this file instead")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.plot:
        runs = [json.loads(line) for line in arguments.plot.read_text().splitlines()]
        arguments.output.write_text(plot(runs))
        return
    options, more = MODES[arguments.mode]
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as name:
        folder = Path(name)
        model, index = model_and_index("tiny", folder)
        with FlinkCluster(folder / "flink") as cluster, KafkaServer(folder / "kafka") as kafka:
            create_topic(kafka.bootstrap, TOPIC, PARTITIONS)
            options |= {"model": model, "index": index, "linger": 0.2}
            stream = FlinkStream(cluster, kafka.bootstrap, TOPIC, folder / "out", **options)
            result = {"mode": arguments.mode} | measure(stream, more, arguments)
            stream.stop("--cancel")
            sweep(stream.output)  # what the killed worker had begun
            stream.assert_exactly_once(sum(stream.ends().values()))
    with arguments.output.open("a") as file:
        file.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
