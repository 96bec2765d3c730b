"""What runs in a worker process: `python -m skillstream.workers.process`, started by `pool`, never by hand.

The first line on stdin is the job, the others are orders; on stdout go messages (see `messages`). When stdin
ends, the parent has died: so does the worker, at once. That is as harmless as every kill.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import IO

import msgspec

from skillstream.errors import SkillstreamError, UsageError
from skillstream.monitoring import DRAIN, Reading
from skillstream.output import Chain
from skillstream.storage import WAITS
from skillstream.tagging import FilesConfig, TagWorker
from skillstream.workers.messages import (
    Ended,
    Failed,
    FilesJob,
    Job,
    Message,
    Order,
    RangeDone,
    Read,
    ReadRange,
    Ready,
    Stop,
    StreamJob,
    Waiting,
)
from skillstream.workers.ranges import publish, tag_range

__all__ = ["main"]

Send = Callable[[Message], None]
Orders = queue.SimpleQueue[Order]

# Longest wait for records in one poll: how soon a drain is seen when nothing comes.
POLL_S = 0.5

# A drain publishes what is buffered, but with much buffered only for so long: the rest is read again.
DRAIN_S = 3.0


def main() -> int:
    """Runs one job; the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's business
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no message

    def send(message: Message) -> None:
        try:
            out.write(msgspec.json.encode(message) + b"\n")
        except BrokenPipeError:
            os._exit(1)  # the parent is gone

    WAITS.tell = lambda problem: send(Waiting(problem))
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    if job.cores:
        os.sched_setaffinity(0, job.cores)
    orders: Orders = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, orders), daemon=True).start()
    try:
        if isinstance(job, FilesJob):
            _tag_ranges(job.config, orders, send)
        else:
            _read_topic(job, orders, send)
    except SkillstreamError as error:
        send(Failed(str(error), isinstance(error, UsageError)))
        return 1
    except Exception as error:  # noqa: BLE001 - the parent says it in one line
        send(Failed(f"{type(error).__name__}: {error}; start again to resume where it stopped", usage=False))
        return 1
    send(Ended())
    return 0


def _listen(stdin: IO[bytes], orders: Orders) -> None:
    for line in stdin:
        order = msgspec.json.decode(line, type=Order)
        if isinstance(order, Stop):
            DRAIN.set()
        orders.put(order)
    os._exit(1)  # the parent is gone


def _tag_ranges(config: FilesConfig, orders: Orders, send: Send) -> None:
    worker = _loaded(TagWorker(config, follow=False), send)
    while isinstance(order := orders.get(), ReadRange):
        send(RangeDone(tag_range(order.range, config, worker, send)))


def _read_topic(job: StreamJob, orders: Orders, send: Send) -> None:
    from skillstream.sources.kafka.reader import KafkaReader  # the client: not for files

    config = job.config
    worker = _loaded(TagWorker(config), send)
    orders.get()
    chains: dict[int, Chain] = {}

    def chain_of(partition: int) -> Chain:
        return chains.setdefault(partition, Chain(config.output, config.topic, partition))

    reader = KafkaReader(config, chain_of, job.share)

    def tell() -> None:
        send(Read(Reading(reader.positions, reader.lag, reader.last_contact, reader.problem)))

    while True:
        # Looked at before the poll: a chunk polled after the flush would be lost.
        draining = DRAIN.is_set()
        if draining:
            reader.flush()
        else:
            reader.poll(POLL_S)
        drain_until = time.monotonic() + DRAIN_S
        while (chunk := reader.next_chunk()) is not None:
            reader.take(chunk)
            publish(chunk, chain_of(chunk.partition), worker, send)
            tell()
            if DRAIN.is_set() and (not draining or time.monotonic() > drain_until):
                break
        tell()
        if draining or reader.finished:
            reader.commit()
            reader.close()
            return


def _loaded(worker: TagWorker, send: Send) -> TagWorker:
    tagger = worker.tagger()
    send(Ready(tagger.model_version, tagger.taxonomy_version, tagger.encoder.precision))
    return worker


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # the thread that reads stdin holds its lock, over which an orderly exit stumbles
