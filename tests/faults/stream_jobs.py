"""Starting, killing and checking streams; and a load with a ledger of what was sent."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from kafka import KafkaProducer

from tests.faults.ledger import assert_exactly_once, published

__all__ = ["Load", "StreamJobs", "await_file", "await_rows"]


class StreamJobs:
    """Streams of one topic into one output, as processes of their own (see `stream_zygote`)."""

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        output: Path | str,
        index: Path,
        log: Path | None = None,
        **flags: object,
    ) -> None:
        defaults = {"linger": 0.1, "max_chunk_rows": 20}
        self.flags = {"bootstrap_servers": bootstrap, "topic": topic, "output": output, "index": index}
        self.flags |= defaults | flags
        self.output = output
        self.log = log or Path(output).parent / "stream.log"
        command = [sys.executable, "-m", "tests.faults.stream_zygote"]
        self._zygote = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._zygote.stdout.readline() == "ready\n"

    def start(self, *more: str, seconds_a_chunk: float = 0.02, refresh_s: float = 10.0) -> int:
        """A new stream; its process id."""
        flags = [f"--{name}={value}" for name, value in self.flags.items()] + list(more)
        options = {"flags": flags, "log": str(self.log), "seconds_a_chunk": seconds_a_chunk}
        return int(self._ask("start " + json.dumps(options | {"refresh_s": refresh_s})))

    def end(self, pid: int, sig: signal.Signals) -> int:
        """Sends the signal and waits; the exit code, or minus the signal's number."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)
        return self.wait(pid)

    def wait(self, pid: int) -> int:
        return int(self._ask(f"wait {pid}"))

    def finish(self, records: int) -> None:
        """One undisturbed back-fill to the end of the topic; then the books must balance."""
        code = self.wait(self.start("--stop_at_end"))
        assert code == 0, self.log.read_text()[-3000:]
        assert_exactly_once(self.output, records)

    def close(self) -> None:
        self._zygote.stdin.close()
        self._zygote.wait(30)

    def _ask(self, line: str) -> str:
        self._zygote.stdin.write(line + "\n")
        self._zygote.stdin.flush()
        answer = self._zygote.stdout.readline()
        assert answer, self.log.read_text()[-3000:]
        return answer


class Load:
    """Records at a steady rate into all partitions, in batches and singles, some of them bad."""

    def __init__(self, bootstrap: str, topic: str, partitions: int, rate: float, seed: int = 1) -> None:
        self.sent: Counter[int] = Counter()  # partition -> records that the broker has acknowledged
        self._topic = topic
        self._partitions = partitions
        self._rate = rate
        self._random = random.Random(seed)
        # One at a time and never twice: what counts here is that every record is acknowledged once.
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            enable_idempotence=True,
            reconnect_backoff_max_ms=500,  # a broker is killed every few seconds
        )
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(300)
        self._producer.close(timeout=10)
        assert self._error is None, f"the load broke off: {self._error!r}"

    @property
    def records(self) -> int:
        return sum(self.sent.values())

    def send(self, count: int) -> None:
        """So many records now."""
        futures = []
        for _ in range(count):
            partition = self._random.randrange(self._partitions)
            key = b"%d" % partition
            futures.append(
                (partition, self._producer.send(self._topic, self.payload(), key, partition=partition))
            )
        for partition, future in futures:
            future.get(timeout=300)
            self.sent[partition] += 1

    def payload(self) -> bytes | None:
        """A posting; one in ten is bad in one way or another."""
        number = self._random.randrange(1_000_000)
        kind = self._random.randrange(60)
        if kind < 6:
            return [None, b"", b"{broken", b"\xff\xfe", b"\x00\x00\x00\x00\x07avro", b'{"id": "x"}'][kind]
        framed = b"\x00\x00\x00\x00\x07" if kind == 6 else b""
        return framed + json.dumps(self.posting(number)).encode()

    @staticmethod
    def posting(number: int) -> dict[str, str]:
        """The good posting by this number."""
        text = f"Python and SQL, team {number % 50}"
        return {"id": f"p{number}", "title": "Data engineer", "description": text}

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                count = self._random.choice([1, 1, 1, 5, 30])
                self.send(count)
                self._stop.wait(count / self._rate)
        except Exception as error:
            self._error = error


def await_rows(output: Path | str, records: int, limit_s: float = 60) -> None:
    """Waits until so many rows are published."""
    deadline = time.monotonic() + limit_s
    while (found := sum(published(output).values())) < records:
        assert time.monotonic() < deadline, f"{found} of {records} rows after {limit_s} s"
        time.sleep(0.3)


def await_file(path: Path, limit_s: float = 60) -> None:
    """Waits until the file is there."""
    deadline = time.monotonic() + limit_s
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path} after {limit_s} s"
        time.sleep(0.1)
