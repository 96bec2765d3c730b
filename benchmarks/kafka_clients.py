"""How fast two clients consume the same topic: kafka-python, which the reader uses, and librdkafka's.

    pip install confluent-kafka
    python benchmarks/kafka_clients.py            # starts a broker (Java, Maven); a figure a line
    python benchmarks/kafka_clients.py --json

Each client reads the whole topic in a process of its own, one thread, set as in the reader: no group, read
committed, checksums verified. Rounds alternate between the clients; the best of each counts. `reader` is the
whole of `KafkaReader`: kafka-python plus chunks, the topic's facts, no encoder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]  # as a program

TOPIC = "postings"
ROUNDS = 3
# What a core tags of real postings (docs/adr/0017-kafka-client.md).
TAGGED_PER_CORE = 20.0


def consume_kafka_python(bootstrap: str, records: int) -> None:
    from kafka import TopicPartition

    from skillstream.sources.kafka.client import make_consumer
    from skillstream.sources.kafka.client_settings import ClientSettings

    consumer = make_consumer(ClientSettings({"bootstrap_servers": [bootstrap]}))
    part = TopicPartition(TOPIC, 0)
    consumer.assign([part])
    consumer.seek(part, 0)
    left = records
    while left > 0:
        left -= sum(map(len, consumer.poll(timeout_ms=1000, max_records=500).values()))


def consume_confluent(bootstrap: str, records: int) -> None:
    from confluent_kafka import Consumer, TopicPartition

    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "unused",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "auto.offset.reset": "error",
        "check.crcs": True,
    }
    consumer = Consumer(settings)
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    left = records
    while left > 0:
        for message in consumer.consume(500, 1.0):
            if message.error() is not None:
                raise RuntimeError(message.error())
            message.value()
            left -= 1


def consume_reader(bootstrap: str, records: int) -> None:
    from skillstream.sources.kafka import KafkaConfig
    from skillstream.sources.kafka.reader import KafkaReader

    class Chain:
        def head(self) -> int:
            return 0

        def claim(self, start: int) -> int:
            return start

    config = KafkaConfig(bootstrap_servers=bootstrap, topic=TOPIC, group="")
    reader = KafkaReader(config, lambda _: Chain())
    left = records
    while left > 0:
        reader.poll(1.0)
        while (chunk := reader.next_chunk()) is not None:
            reader.take(chunk)
            left -= len(chunk.records)


CLIENTS: dict[str, Callable[[str, int], None]] = {
    "kafka-python": consume_kafka_python,
    "confluent-kafka": consume_confluent,
    "reader": consume_reader,
}


def measure(client: str, bootstrap: str, records: int) -> dict[str, float]:
    """Seconds and processor seconds of one run in a fresh process, imports and connection included."""
    code = (
        "import resource, sys, time; sys.path[:0] = [sys.argv[4]]\n"
        "from benchmarks.kafka_clients import CLIENTS\n"
        "warm = CLIENTS[sys.argv[1]]; warm(sys.argv[2], 1)\n"
        "cpu = lambda: sum(resource.getrusage(resource.RUSAGE_SELF)[:2])\n"
        "begun, used = time.perf_counter(), cpu()\n"
        "warm(sys.argv[2], int(sys.argv[3]))\n"
        "print(time.perf_counter() - begun, cpu() - used)\n"
    )
    root = str(Path(__file__).resolve().parents[1])
    command = [sys.executable, "-c", code, client, bootstrap, str(records), root]
    seconds, used = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {"seconds": float(seconds), "cpu": float(used)}


def main() -> None:
    from tests.data import make_posting
    from tests.servers.kafka import KafkaServer, create_topic, send

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=40_000)
    parser.add_argument("--bytes", type=int, default=4_000, help="of a posting, about")
    parser.add_argument("--compression", default="lz4", help="of the topic; 'none' for none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    best: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder, KafkaServer(Path(folder)) as server:
        create_topic(server.bootstrap, TOPIC)
        payloads = []
        for number in range(options.records):
            posting = dict(make_posting(number))
            text = f"{posting['description']} {number} "
            posting["description"] = text * (options.bytes // len(text) + 1)
            payloads.append(json.dumps(posting).encode()[: options.bytes])
        size = sum(map(len, payloads)) / 1e6
        compression = None if options.compression == "none" else options.compression
        begun = time.perf_counter()
        send(server.bootstrap, TOPIC, payloads, compression_type=compression, linger_ms=20)
        print(f"sent {size:.0f} MB in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        for _ in range(ROUNDS):
            for client in CLIENTS:
                found = measure(client, server.bootstrap, options.records)
                if client not in best or found["seconds"] < best[client]["seconds"]:
                    best[client] = found
    results = [
        {
            "client": client,
            "records_per_s": round(options.records / found["seconds"]),
            "mb_per_s": round(size / found["seconds"], 1),
            "cpu_ms_per_1000": round(found["cpu"] / options.records * 1e6, 1),
            "times_one_core": round(options.records / found["seconds"] / TAGGED_PER_CORE),
            "share_of_a_core_at_20_per_s": round(found["cpu"] / options.records * TAGGED_PER_CORE, 5),
        }
        for client, found in best.items()
    ]
    for result in results:
        print(json.dumps(result) if options.json else "  ".join(f"{k} {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
