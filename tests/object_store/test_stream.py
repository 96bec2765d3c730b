"""A stream from a real Kafka into a real object store whose server is killed under load.

`SKILLSTREAM_RESTARTS` sets how often (default 2).
"""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.faults.stream_jobs import Load, StreamJobs, await_rows

RESTARTS = int(os.environ.get("SKILLSTREAM_RESTARTS", "2"))

pytestmark = [pytest.mark.object_store, pytest.mark.kafka, pytest.mark.timeout(3600)]


def test_the_same_job_goes_on_when_the_store_comes_back(kafka, new_topic, own_minio, index_folder, tmp_path):
    topic = new_topic(partitions=2)
    output = f"{own_minio.make_bucket('tags')}/stream"
    jobs = StreamJobs(kafka.bootstrap, topic, output, index_folder, log=tmp_path / "stream.log")
    moments = random.Random(2026)
    try:
        with Load(kafka.bootstrap, topic, 2, rate=60) as load:
            job = jobs.start()
            for _ in range(RESTARTS):
                await_rows(output, load.records, limit_s=240)
                time.sleep(moments.uniform(0.0, 1.0))
                own_minio.kill()
                time.sleep(moments.uniform(0.0, 5.0))
                own_minio.start()
            await_rows(output, load.records, limit_s=240)
        assert jobs.end(job, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
        jobs.finish(load.records)
    finally:
        jobs.close()
    print(f"{RESTARTS} kills of the store's server, {load.records} records: each exactly once, one job")
