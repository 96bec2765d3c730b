"""How fast does kafka-python read a topic as our reader uses it, and how fast would librdkafka?

    python -m venv /tmp/librdkafka && /tmp/librdkafka/bin/pip install confluent-kafka
    python -m benchmarks.kafka_clients --librdkafka /tmp/librdkafka/bin/python

A real Kafka on the same cores; invented postings of about 4 kB in one topic for each compression. Contenders
take turns, each in a process of its own that reads the whole topic: kafka-python alone with our settings and
bounds, our reader up to its chunks, and confluent-kafka. Seconds and CPU are from the first request on.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.reading import posting

from tests.servers.kafka import KafkaServer, create_topic, send

CODECS = (None, "lz4", "zstd")
PARTITIONS = 4

TIMED = """
import json, sys, time
bootstrap, topic, partitions, records = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
rows = size = 0
def done(started):
    print(json.dumps([rows, size, time.perf_counter() - started[0], time.process_time() - started[1]]))
"""

ALONE = (
    TIMED
    + """
from kafka import TopicPartition
from skillstream.sources.kafka.client import make_consumer
from skillstream.sources.kafka.client_settings import load_client_settings
consumer = make_consumer(load_client_settings(bootstrap, None))
started = time.perf_counter(), time.process_time()
parts = [TopicPartition(topic, number) for number in range(partitions)]
consumer.assign(parts)
for part in parts:
    consumer.seek(part, 0)
while rows < records:
    for found in consumer.poll(timeout_ms=1000, max_records=200).values():
        rows += len(found)
        size += sum(len(record.value) for record in found)
done(started)
"""
)

READER = (
    TIMED
    + """
from skillstream.sources.kafka import KafkaConfig
from skillstream.sources.kafka.reader import KafkaReader
class Chain:
    leader_epoch = None
    def head(self): return 0
    def claim(self, start): return start
reader = KafkaReader(KafkaConfig(bootstrap_servers=bootstrap, topic=topic), lambda partition: Chain())
started = time.perf_counter(), time.process_time()
while rows < records:
    reader.poll(1.0)
    if min(reader.ends[partition] - reader.positions[partition] for partition in reader.ends) < 200:
        reader.flush()
    while (chunk := reader.next_chunk()) is not None:
        reader.take(chunk)
        rows += len(chunk.records)
        size += sum(len(record.payload) for record in chunk.records)
done(started)
"""
)

LIBRDKAFKA = (
    TIMED
    + """
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "none", "enable.auto.commit": False,
                     "isolation.level": "read_committed", "auto.offset.reset": "error"})
started = time.perf_counter(), time.process_time()
consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
while rows < records:
    found = consumer.consume(200, 1.0)
    rows += len(found)
    size += sum(len(record.value()) for record in found)
done(started)
consumer.close()
"""
)


def value(number: int, draw: random.Random) -> bytes:
    one, more = posting(number, draw), posting(number, draw)["description"]
    return json.dumps(one | {"description": one["description"] + more[: len(more) // 2]}).encode()


def measure(command: list[str], program: str, arguments: list[str]) -> list[float]:
    """Rows, bytes, seconds and CPU seconds of one reading of a topic."""
    done = subprocess.run([*command, "-c", program, *arguments], check=True, stdout=subprocess.PIPE)
    rows, size, seconds, cpu = json.loads(done.stdout.splitlines()[-1])
    return [rows, size, seconds, cpu]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--librdkafka", metavar="PYTHON", help="an interpreter that has confluent-kafka")
    parser.add_argument("--records", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    draw = random.Random(0)
    values = [value(number, draw) for number in range(2_000)]
    contenders = {"kafka-python": ([sys.executable], ALONE), "our reader": ([sys.executable], READER)}
    if options.librdkafka:
        contenders["confluent-kafka"] = ([options.librdkafka], LIBRDKAFKA)
    with (
        tempfile.TemporaryDirectory(prefix="skillstream-clients-") as name,
        KafkaServer(Path(name), heap_mb=512) as kafka,
    ):
        for codec in CODECS:
            topic = f"postings-{codec or 'plain'}"
            create_topic(kafka.bootstrap, topic, PARTITIONS)
            for partition in range(PARTITIONS):
                chosen = [values[n % len(values)] for n in range(partition, options.records, PARTITIONS)]
                send(kafka.bootstrap, topic, chosen, partition, compression_type=codec, linger_ms=50)
            arguments = [kafka.bootstrap, topic, str(PARTITIONS), str(options.records)]
            best: dict[str, list[float]] = {}
            for _ in range(options.rounds):
                for contender, (command, program) in contenders.items():
                    new = measure(command, program, arguments)
                    old = best.setdefault(contender, new)
                    best[contender] = [*new[:2], min(old[2], new[2]), min(old[3], new[3])]
            for contender, (rows, size, seconds, cpu) in best.items():
                line = {
                    "compression": codec or "none",
                    "client": contender,
                    "rows": rows,
                    "bytes_per_row": round(size / rows),
                    "rows_per_s": round(rows / seconds),
                    "mb_per_s": round(size / 1e6 / seconds, 1),
                    "cpu_ms_per_1000": round(cpu / rows * 1e6, 1),
                }
                print(json.dumps(line) if options.json else "  ".join(f"{k} {v}" for k, v in line.items()))


if __name__ == "__main__":
    main()
