"""`make demo-stream`: a real Kafka, postings at a steady rate, `skillstream stream`, a query over the result.

Starts everything itself and leaves nothing running; the Parquet stays in demo-stream-output/.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb
from kafka import KafkaProducer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.servers.common import ServerUnavailableError
from tests.servers.kafka import KafkaServer, create_topic

ROOT = Path(__file__).resolve().parents[1]
TOPIC = "postings"
PARTITIONS = 4

QUERY = """
    SELECT skill.label AS skill, count(*) AS postings, round(avg(skill.confidence), 2) AS confidence
    FROM (SELECT unnest(skills) AS skill FROM read_parquet('{output}/tags'))
    GROUP BY ALL ORDER BY postings DESC, skill LIMIT 10
"""


def produce(bootstrap: str, rate: float, stop: threading.Event) -> None:
    """Sends the samples over and over, each line as it is in the file."""
    lines = [line for file in sorted(ROOT.glob("samples/*.jsonl")) for line in file.read_bytes().splitlines()]
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for number, line in enumerate(itertools.cycle(lines)):
        producer.send(TOPIC, line, key=b"%d" % number, partition=number % PARTITIONS)
        if stop.wait(1 / rate):
            break
    producer.close()


def stream(bootstrap: str, output: Path, seconds: float) -> int:
    """Runs `skillstream stream` for so long, then Ctrl-C: it drains."""
    command = [sys.executable, "-m", "skillstream", "stream", "--bootstrap-servers", bootstrap]
    process = subprocess.Popen([*command, "--topic", TOPIC, "--output", str(output)], start_new_session=True)
    try:
        process.wait(seconds)
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        process.send_signal(signal.SIGINT)
    return process.wait(120)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rate", type=float, default=10, help="postings a second")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-stream-output")
    arguments = parser.parse_args()
    shutil.rmtree(arguments.output, ignore_errors=True)
    print("Starting a Kafka of our own (the first time Maven fetches it: a minute) ...", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="skillstream-demo-") as folder,
        KafkaServer(Path(folder)) as server,
    ):
        create_topic(server.bootstrap, TOPIC, PARTITIONS)
        print(
            f"Kafka listens on {server.bootstrap}; {arguments.rate:g} postings a second come in. Tagging ..."
        )
        stop = threading.Event()
        load = threading.Thread(target=produce, args=(server.bootstrap, arguments.rate, stop))
        load.start()
        started = time.monotonic()
        try:
            code = stream(server.bootstrap, arguments.output, arguments.seconds)
        finally:
            stop.set()
            load.join()
        print(f"Stream and load ended after {time.monotonic() - started:.0f} s")
    if code == 0:
        print("\nMost frequent skills, by DuckDB over the Parquet files:\n")
        print(duckdb.sql(QUERY.format(output=arguments.output)))
    return code


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ServerUnavailableError as error:
        sys.exit(f"demo-stream: {error}")
