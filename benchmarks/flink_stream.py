"""A stream on a Flink cluster: how much at most, how long from Kafka to a visible row, does it stay as it is?

    python -m benchmarks.flink_stream capacity --records 400 --input POSTINGS.jsonl
    python -m benchmarks.flink_stream steady --rate 5 --seconds 1800

All on this machine and on loopback: a real Kafka, a real Flink with one TaskManager and two slots,
parallelism 2, four partitions, a worker pool. Ages are the file's modification time minus the record's own
time. Prints one JSON object; every record must have become one row.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from benchmarks.stream import PARTITIONS, ROOT, TOPIC, lines, produce
from kafka import KafkaProducer

from skillstream.encoder import load_encoder
from skillstream.flink.rest import FlinkRest
from skillstream.index.cached import default_index_folder
from skillstream.index.skills_index import build_index, save_index
from skillstream.taxonomy.skills import Skill, Taxonomy
from tests.data import SKILLS
from tests.encoder_models import make_model
from tests.flink.conftest import FlinkStream
from tests.servers.flink import FlinkCluster
from tests.servers.kafka import KafkaServer, create_topic


def model_and_index(name: str, folder: Path) -> tuple[str, Path]:
    """The model's name or folder, and the folder of its index."""
    if name != "tiny":
        return name, Path(default_index_folder("esco", load_encoder(name, precision="fp32")))
    model = str(make_model(folder / "model", max_length=64))
    skills = [
        Skill(uri=f"urn:skill:{number}", label=label, alt_labels=others, groups=["all"], kind="skill")
        for number, (label, others) in enumerate(SKILLS)
    ]
    save_index(
        build_index(Taxonomy("test", "1", skills), load_encoder(model, precision="fp32")), folder / "index"
    )
    return model, folder / "index"


def files(output: Path) -> list[tuple[float, list[int]]]:
    """When each file appeared, and when its records were made (both in milliseconds), in order."""
    found = []
    for path in output.rglob("*.parquet"):
        times = pq.read_table(path, columns=["event_time"]).column("event_time").cast("int64").to_pylist()
        found.append((path.stat().st_mtime * 1000, times))
    return sorted(found)


def ages(output: Path, since_ms: float, until_ms: float) -> dict[str, float]:
    """Age in seconds, at publication, of the records made in that time."""
    found = sorted(
        (published - made) / 1000
        for published, times in files(output)
        for made in times
        if since_ms <= made < until_ms
    )
    p50, p99 = found[len(found) // 2], found[int(len(found) * 0.99)]
    return {
        "records": len(found),
        "p50_s": round(p50, 2),
        "p99_s": round(p99, 2),
        "max_s": round(found[-1], 2),
    }


def memory_mb(cluster: FlinkCluster) -> dict[str, int]:
    """Resident memory of each part, workers added up."""
    parts = {name: psutil.Process(process.pid) for name, process in cluster.processes.items()}
    used = {name: process.memory_info().rss >> 20 for name, process in parts.items()}
    return used | {"workers": sum(worker.memory_info().rss for worker in cluster.workers()) >> 20}


def checkpoints(stream: FlinkStream) -> dict[str, object]:
    """Count, and bytes and milliseconds: those of the last one, and over all."""
    rest = FlinkRest(stream.cluster.rest_url)
    job = rest.find(stream.name).id
    last, summary = rest.checkpoints(job), stream.cluster.rest(f"jobs/{job}/checkpoints")["summary"]
    over_all = {
        name: {key: summary[kind][key] for key in ("min", "avg", "max")}
        for name, kind in (("bytes", "state_size"), ("ms", "end_to_end_duration"))
    }
    return {
        "complete": last.completed,
        "failed": last.failed,
        "last_bytes": last.latest_bytes,
        "last_ms": last.latest_ms,
        "over_all": over_all,
    }


def capacity(stream: FlinkStream, arguments: argparse.Namespace) -> dict[str, object]:
    """Records a second of a back-fill, from the first file on, so without loading the model."""
    producer = KafkaProducer(bootstrap_servers=stream.bootstrap)
    for number, payload in enumerate(
        itertools.islice(itertools.cycle(lines(arguments.input)), arguments.records)
    ):
        producer.send(TOPIC, payload, partition=number % PARTITIONS)
    producer.close()
    stream.submit()
    stream.await_rows(arguments.records, 3600)
    found = files(stream.output)
    seconds = (found[-1][0] - found[0][0]) / 1000
    rows = sum(len(times) for _, times in found[1:])
    return {"records": arguments.records, "records_per_second": round(rows / seconds, 1)}


def steady(stream: FlinkStream, arguments: argparse.Namespace) -> dict[str, object]:
    """A load at a steady rate; samples from when the job has caught up."""
    submitted = time.monotonic()
    stream.submit()
    submit_s = round(time.monotonic() - submitted, 1)
    stop = threading.Event()
    load = threading.Thread(
        target=produce, args=(stream.bootstrap, lines(arguments.input), arguments.rate, stop)
    )
    load.start()
    try:
        stream.await_rows(1, 300)
        time.sleep(10)
        samples, started = [], time.time()
        for sample in range(arguments.samples + 1):
            time.sleep(max(0.0, started + sample * arguments.seconds / arguments.samples - time.time()))
            samples.append(
                {
                    "minute": round((time.time() - started) / 60, 1),
                    "lag": stream.lag(),
                    "memory_mb": memory_mb(stream.cluster),
                    "checkpoints": checkpoints(stream),
                    "load_average": os.getloadavg()[0],
                }
            )
        until = time.time()
    finally:
        stop.set()
        load.join()
    while stream.lag():
        time.sleep(0.5)
    third = (until - started) / 3
    return {
        "rate": arguments.rate,
        "seconds": arguments.seconds,
        "submit_s": submit_s,
        "ages": ages(stream.output, started * 1000, until * 1000),
        "ages_first_third": ages(stream.output, started * 1000, (started + third) * 1000),
        "ages_last_third": ages(stream.output, (until - third) * 1000, until * 1000),
        "samples": samples,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["capacity", "steady"])
    parser.add_argument("--records", type=int, default=400)
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--samples", type=int, default=3, help="so many after the first one")
    parser.add_argument("--linger", type=float, default=0.2)
    parser.add_argument("--workers", type=int, default=1, help="Python processes")
    parser.add_argument(
        "--model", default="default", help="default, base, a folder, or tiny (random weights)"
    )
    parser.add_argument("--input", type=Path, default=ROOT / "samples" / "postings.jsonl")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as name:
        folder = Path(name)
        model, index = model_and_index(arguments.model, folder)
        with FlinkCluster(folder / "flink") as cluster, KafkaServer(folder / "kafka") as kafka:
            create_topic(kafka.bootstrap, TOPIC, PARTITIONS)
            options = {"model": model, "index": index, "linger": arguments.linger}
            options |= {"bundle-seconds": 2, "checkpoint-interval": 10}
            options |= {"workers-per-task-manager": arguments.workers}
            stream = FlinkStream(cluster, kafka.bootstrap, TOPIC, folder / "out", **options)
            result = {"capacity": capacity, "steady": steady}[arguments.what](stream, arguments)
            stream.stop()
            stream.assert_exactly_once(sum(stream.ends().values()))
        print(json.dumps({"what": arguments.what, "model": arguments.model} | result))


if __name__ == "__main__":
    main()
