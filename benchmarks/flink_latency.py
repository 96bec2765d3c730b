"""Kafka to visible row on a Flink cluster: age of records when their file appears, memory, checkpoints.

python -m benchmarks.flink_latency --rate 50 --seconds 60 [--model base]

Everything on this machine and on loopback: a real Kafka, a real Flink with one TaskManager and two slots,
parallelism 2, four partitions. Ages are the file's modification time minus the record's own time, of every
record sent after the job has caught up.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
from scripts.dev_flink import FlinkCluster
from scripts.dev_kafka import KafkaServer, create_topic

from skillstream.encoder import load_encoder
from skillstream.flink_rest import FlinkRest
from skillstream.index import build_index, default_index_folder, save_index
from skillstream.taxonomy import Skill, Taxonomy
from tests.data import SKILLS
from tests.faults.stream_jobs import Load
from tests.flink.conftest import FlinkStream
from tests.unit.encoder_models import make_model


def ages_ms(output: Path, since_ms: float) -> list[float]:
    """Age in milliseconds of every record sent after `since_ms`, when its file appeared."""
    found = []
    for path in output.rglob("*.parquet"):
        published = path.stat().st_mtime * 1000
        times = pq.read_table(path, columns=["event_time"]).column("event_time").cast("int64").to_pylist()
        found += [published - sent for sent in times if sent is not None and sent >= since_ms]
    return sorted(found)


def memory_mb(cluster: FlinkCluster) -> dict[str, int]:
    """Resident memory of each part, workers added up."""
    parts = {name: psutil.Process(process.pid) for name, process in cluster.processes.items()}
    used = {name: process.memory_info().rss >> 20 for name, process in parts.items()}
    return used | {"workers": sum(worker.memory_info().rss for worker in cluster.workers()) >> 20}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--model", default="tiny", help="tiny (random weights), base, default or a folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="skillstream-bench-") as name:
        folder = Path(name)
        if arguments.model == "tiny":
            model = str(make_model(folder / "model", max_length=64))
            skills = [
                Skill(uri=f"urn:skill:{number}", label=label, alt_labels=others, groups=["all"], kind="skill")
                for number, (label, others) in enumerate(SKILLS)
            ]
            index = folder / "index"
            save_index(build_index(Taxonomy("test", "1", skills), load_encoder(model)), index)
        else:
            model = arguments.model
            index = default_index_folder("esco", load_encoder(model))
        with FlinkCluster(folder / "flink") as cluster, KafkaServer(folder / "kafka") as kafka:
            create_topic(kafka.bootstrap, "postings", 4)
            stream = FlinkStream(
                cluster,
                kafka.bootstrap,
                "postings",
                folder / "out",
                model=model,
                index=index,
                **{"bundle-seconds": 2},
            )
            started = time.monotonic()
            stream.submit()
            submitted = time.monotonic() - started
            with Load(kafka.bootstrap, "postings", 4, rate=arguments.rate) as load:
                stream.await_rows(1)
                time.sleep(5)
                since, before = time.time() * 1000, memory_mb(cluster)
                time.sleep(arguments.seconds)
                until = time.time() * 1000
            stream.await_rows(load.records)
            checkpoints = FlinkRest(cluster.rest_url).checkpoints(
                FlinkRest(cluster.rest_url).find(stream.name).id
            )
            ages = [age for age in ages_ms(folder / "out", since) if age >= 0]
            after = memory_mb(cluster)
            stream.stop()
            stream.assert_exactly_once(load.records)
        result = {
            "model": arguments.model,
            "submit_s": round(submitted, 1),
            "records": len(ages),
            "records_per_s": round(len(ages) / ((until - since) / 1000), 1),
            "age_p50_ms": round(ages[len(ages) // 2]),
            "age_p99_ms": round(ages[int(len(ages) * 0.99)]),
            "checkpoints": checkpoints.completed,
            "checkpoint_bytes": checkpoints.latest_bytes,
            "checkpoint_ms": checkpoints.latest_ms,
            "memory_mb_before": before,
            "memory_mb_after": after,
            "load_average": os.getloadavg()[0],
        }
        print(json.dumps(result))


if __name__ == "__main__":
    main()
