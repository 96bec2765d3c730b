"""A throw-away Kafka until Ctrl-C:  python scripts/dev_kafka.py --port 9092 --topic postings --partitions 4

The broker ends with this program, however that ends. See tests/servers/kafka.py for what it needs.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]  # as a program
from tests.servers.common import ServerUnavailableError, until_told_to_end  # noqa: E402
from tests.servers.kafka import KAFKA_VERSION, KafkaServer, create_topic  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a throw-away Kafka until Ctrl-C or SIGTERM.")
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--topic", action="append", default=[], help="created at start; may be repeated")
    parser.add_argument("--partitions", type=int, default=4)
    arguments = parser.parse_args()
    with (
        until_told_to_end(),
        tempfile.TemporaryDirectory(prefix="skillstream-kafka-") as folder,
        KafkaServer(Path(folder), port=arguments.port) as server,
    ):
        for topic in arguments.topic:
            create_topic(server.bootstrap, topic, arguments.partitions)
        line = f"Kafka {KAFKA_VERSION} listens on {server.bootstrap} (process {os.getpid()}); Ctrl-C ends it"
        print(line, flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ServerUnavailableError as error:
        sys.exit(f"dev_kafka: {error}")
