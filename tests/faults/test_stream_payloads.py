"""What comes may be anything, and the index may change meanwhile: one row per record, and each row true.

`SKILLSTREAM_FUZZ` (default 3000) payloads, `SKILLSTREAM_REFRESHES` (default 3) index versions.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from kafka import KafkaProducer

from skillstream.index.skills_index import build_index, load_index, save_index
from skillstream.rejections import RejectionCode
from skillstream.tagging.config import TagConfig
from skillstream.tagging.tagger import Tagger
from skillstream.taxonomy.skills import Skill, Taxonomy
from tests.data import SKILLS, make_posting
from tests.faults.ledger import assert_exactly_once
from tests.faults.stream_jobs import Load, await_rows

FUZZ = int(os.environ.get("SKILLSTREAM_FUZZ", "3000"))
REFRESHES = int(os.environ.get("SKILLSTREAM_REFRESHES", "3"))

pytestmark = [pytest.mark.faults, pytest.mark.kafka, pytest.mark.timeout(7200)]

BAD = [
    b"",
    b" \n",
    b"\x00",
    b"\x00\x00\x00\x00\x01",
    b"\x00\x00\x00\x00\x01{}",
    b"null",
    b"[]",
    b"NaN",
    b'"text"',
    b"{",
    b'{"description": NaN}',
    b'{"description": 1e999}',
    b'{"description": "\\ud800 lone"}',
    b'{"description": "\xed\xa0\x80"}',
    b'{"description": ["a"]}',
    b'{"description": {"a": 1}, "title": 5}',
    b'{"id": ' + b"9" * 400 + b', "description": "x"}',
    b"[" * 10_000,
    b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    b'{"description": "' + b"<div>" * 3_000 + b'"}',
    b'{"description": "' + b"A" * 200_000 + b'"}',
    '{"description": "\u200b\u202e\u0000 \ufeff מפתח Python 开发"}'.encode(),
    '{"description": "😀😀😀"}'.encode(),
    b"\xef\xbb\xbf" + b'{"description": "Python"}',
    b'{"description": "a"}{"description": "b"}',
]


def payload(draw: random.Random) -> bytes | None:
    kind = draw.randrange(10)
    if kind == 0:
        return draw.choice([None, *BAD])
    if kind == 1:
        return draw.randbytes(draw.randrange(200))
    good = json.dumps(make_posting(draw.randrange(500)), ensure_ascii=draw.random() < 0.5).encode()
    if kind < 6:
        return good
    damaged = bytearray(good)
    for _ in range(draw.randrange(1, 8)):
        at = draw.randrange(len(damaged))
        match draw.randrange(4):
            case 0:
                damaged[at] = draw.randrange(256)
            case 1:
                del damaged[at : at + draw.randrange(1, 20)]
            case 2:
                damaged[at:at] = draw.randbytes(draw.randrange(1, 8))
            case 3:
                damaged[at:at] = draw.choice([b"\\", b'"', b"{", b"}", b"\\u", b"<", b"&#", b"\x00"])
        if not damaged:
            break
    return bytes(damaged)


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def test_whatever_comes_is_one_row_and_the_process_lives(kafka, new_topic, make_jobs):
    topic = new_topic(partitions=4)
    jobs = make_jobs(kafka.bootstrap, topic, max_chunk_rows=100)
    process = jobs.start(seconds_a_chunk=0.0)
    draw = random.Random(99)
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, linger_ms=20)
    memory = []
    for quarter in range(1, 5):
        for _ in range(FUZZ // 4):
            producer.send(topic, payload(draw), b"key", partition=draw.randrange(4))
        producer.flush()
        await_rows(jobs.output, FUZZ // 4 * quarter, limit_s=3600)
        memory.append(resident_mb(process))
    producer.close()
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    assert_exactly_once(jobs.output, FUZZ // 4 * 4)
    summary = json.loads(jobs.log.read_text().splitlines()[-1])
    assert set(summary["rejected"]) <= set(RejectionCode)
    print(f"{FUZZ} payloads, rejected {summary['rejected']}, resident MB {[round(mb) for mb in memory]}")
    assert memory[-1] - memory[0] < 200
    assert RejectionCode.INTERNAL not in summary["rejected"]


def await_version(output: Path, version: str, limit_s: float = 120) -> None:
    """Waits until rows by this version of the taxonomy are published."""
    deadline = time.monotonic() + limit_s
    while True:
        files = sorted(output.glob("tags/**/*.parquet"), key=lambda path: path.stat().st_mtime_ns)
        rows = pq.ParquetFile(files[-1]).read(["taxonomy_version"]).to_pylist() if files else []
        if any(row["taxonomy_version"].startswith(f"test-{version}@") for row in rows):
            return
        assert time.monotonic() < deadline, f"no row by version {version} after {limit_s} s"
        time.sleep(0.3)


def test_every_row_is_what_the_version_it_states_gives(kafka, new_topic, make_jobs, encoder, tmp_path):
    folder = tmp_path / "index"
    taggers = {}

    def publish_version(number: int) -> None:
        """Each version knows other skills than the one before."""
        chosen = [SKILLS[(number + i) % len(SKILLS)] for i in range(6)]
        skills = [
            Skill(uri=f"urn:{number}:{i}", label=label, alt_labels=alternatives, groups=[], kind=None)
            for i, (label, alternatives) in enumerate(chosen)
        ]
        index = build_index(Taxonomy("test", str(number), skills), encoder)
        save_index(index, folder)
        tagger = Tagger(encoder, load_index(folder), TagConfig())
        taggers[tagger.taxonomy_version] = tagger

    publish_version(0)
    topic = new_topic(partitions=2)
    jobs = make_jobs(kafka.bootstrap, topic, index=folder)
    process = jobs.start(refresh_s=0.2)
    with Load(kafka.bootstrap, topic, 2, rate=100) as load:
        for number in range(REFRESHES + 1):
            if number:
                publish_version(number)
            await_version(jobs.output, str(number))
    await_rows(jobs.output, load.records)
    assert jobs.end(process, signal.SIGTERM) == 0, jobs.log.read_text()[-3000:]
    assert_exactly_once(jobs.output, load.records)

    seen: dict[str, int] = {}
    for file in jobs.output.glob("tags/**/*.parquet"):
        for row in pq.ParquetFile(file).read().to_pylist():
            seen[row["taxonomy_version"]] = seen.get(row["taxonomy_version"], 0) + 1
            if row["error"] is None:
                posting = Load.posting(int(row["posting_id"].removeprefix("p")))
                expected = taggers[row["taxonomy_version"]].tag(posting)
                assert [tag["uri"] for tag in row["skills"]] == [tag.uri for tag in expected]
    assert len(seen) == REFRESHES + 1, f"only {seen} of {REFRESHES + 1} versions were used"
    print(f"{REFRESHES} refreshes, rows by version {seen}")
