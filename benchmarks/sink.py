"""What do the sink and the file sources cost, beside tagging?

Publishing a chunk (making the Parquet file apart from making it durable), opening a chain of many files,
planning a file and reading it. The rows are invented; each has twelve tags.

    python benchmarks/sink.py [--json] [--folder DIR] [--chain-files 100000]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from skillstream.output.chain_file import encode_file
from skillstream.rows import Row, Tag
from skillstream.sources.files.plan import plan_files
from skillstream.sources.files.reader import read_chunks

WORDS = [
    f"{a}{b}" for a in ("weld", "plan", "lead", "sort", "sell", "cook") for b in ("ing", "er", "ed", "s", "")
]
TAGS = 12


def make_rows(start: int, end: int, rng: random.Random) -> list[Row]:
    def sentence() -> str:
        return " ".join(rng.choices(WORDS, k=18))

    def tag(rank: int) -> Tag:
        uri = f"http://data.example.org/skill/{rng.randrange(14_000):036d}"
        groups = [f"S{rng.randrange(9)}.{rng.randrange(9)}" for _ in range(3)]
        text = sentence()
        label = " ".join(rng.choices(WORDS, k=3))
        scores = rng.random(), rng.random()
        return Tag(
            rank,
            uri,
            label,
            *scores,
            "semantic",
            text,
            0,
            len(text),
            "duties",
            groups,
            text[:20],
            0,
            20,
            [uri],
        )

    tags = [tag(rank) for rank in range(1, TAGS + 1)]
    rows = []
    for offset in range(start, end):
        skills = rng.sample(tags, TAGS)
        posting = f"id-{offset}", sentence(), "en"
        rows.append(
            Row("bench", 0, offset, None, offset, *posting, skills, None, None, "model", "taxonomy", "0")
        )
    return rows


@contextmanager
def clock(results: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    results[name] = time.perf_counter() - started


def publishing(folder: Path, rng: random.Random) -> dict[str, float]:
    results: dict[str, float] = {}
    encode_file("bench", 0, 0, 1, make_rows(0, 1, rng))  # imports
    for size in (1, 200, 1000):
        chunks = [make_rows(start, start + size, rng) for start in range(0, 20 * size, size)]
        times: dict[str, float] = {}
        with clock(times, "encode"):
            files = [encode_file("bench", 0, c[0].offset, c[0].offset + size, c) for c in chunks]
        chain = Chain(folder / f"chunks-{size}", "bench", 0)
        chain.claim(0)
        with clock(times, "publish"):
            for chunk in chunks:
                chain.publish(chunk[0].offset, chunk[0].offset + size, chunk)
        results[f"chunk_of_{size}_encode_ms"] = times["encode"] / 20 * 1e3
        results[f"chunk_of_{size}_publish_ms"] = times["publish"] / 20 * 1e3
        results[f"chunk_of_{size}_bytes_per_row"] = sum(map(len, files)) / 20 / size
        results[f"chunk_of_{size}_rows_per_s"] = 20 * size / times["publish"]
    with clock(results, "verify_s"):
        report = verify_chain(folder / "chunks-1000")
    results["verify_rows_per_s"] = report.rows / results.pop("verify_s")
    return results


def long_chain(folder: Path, files: int, rng: random.Random) -> dict[str, float]:
    chain = Chain(folder, "bench", 0)
    chain.claim(0)
    for start in range(files - 1):  # all but the last are only names: nothing reads them
        (folder / chain.folder / f"{start:020d}.parquet").touch()
    data = encode_file("bench", 0, files - 1, files, make_rows(files - 1, files, rng))
    (folder / chain.folder / f"{files - 1:020d}.parquet").write_bytes(data)
    results: dict[str, float] = {"long_chain_files": files}
    with clock(results, "long_chain_open_s"):
        assert chain.head() == files
    rows = make_rows(files, files + 20, rng)
    with clock(results, "long_chain_publish_ms"):
        for row in rows:
            chain.publish(row.offset, row.offset + 1, [row])
    results["long_chain_publish_ms"] *= 1e3 / 20
    return results


def reading(folder: Path, rng: random.Random) -> dict[str, float]:
    folder.mkdir()
    text = " ".join(rng.choices(WORDS, k=50_000))
    starts = [rng.randrange(len(text) - 3_000) for _ in range(40_000)]
    postings = [
        {"id": str(i), "title": "x", "description": text[at : at + 3_000]} for i, at in enumerate(starts)
    ]
    table = pa.Table.from_pylist(postings)
    lines = b"".join(json.dumps(posting).encode() + b"\n" for posting in postings)
    (folder / "jobs.jsonl").write_bytes(lines)
    (folder / "jobs.jsonl.gz").write_bytes(gzip.compress(lines, 1))
    (folder / "jobs.json").write_bytes(json.dumps(postings).encode())
    table.to_pandas().to_csv(folder / "jobs.csv", index=False)
    pq.write_table(table, folder / "jobs.parquet", row_group_size=5_000)
    results: dict[str, float] = {"read_text_mb": len(lines) / 1e6}
    for name in ("jobs.jsonl", "jobs.jsonl.gz", "jobs.json", "jobs.csv", "jobs.parquet"):
        times: dict[str, float] = {}
        with clock(times, "plan"):
            plan = plan_files([str(folder / name)])
        with clock(times, "read"):
            chunks = (chunk for item in plan.ranges for chunk in read_chunks(item, item.start, 200))
            assert sum(len(chunk.records) for chunk in chunks) == len(postings)
        results[f"{name}_plan_mb_per_s"] = (folder / name).stat().st_size / 1e6 / times["plan"]
        results[f"{name}_read_rows_per_s"] = len(postings) / times["read"]
    return results


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", help="where to write; default: the system's temporary folder")
    parser.add_argument("--chain-files", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        results = publishing(folder, rng)
        results |= long_chain(folder / "long", options.chain_files, rng)
        results |= reading(folder / "inputs", rng)
    rounded = {key: round(value, 3 if value < 10 else 0) for key, value in results.items()}
    print(json.dumps(rounded) if options.json else "\n".join(f"{k:40} {v:>14,}" for k, v in rounded.items()))


if __name__ == "__main__":
    main()
