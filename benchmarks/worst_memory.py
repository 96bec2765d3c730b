"""How much memory a worker takes beyond its model, under the worst input of each kind that we know.

    python -m benchmarks.worst_memory [KIND ...]
    python -m benchmarks.worst_memory --hash    # with a stand-in for the encoder: minutes, not hours

Each input is made on the spot, invented, and read by a process of its own: `skillstream tag`, or
`skillstream stream --stop-at-end` for Kafka. The figure is the process's peak resident memory (VmHWM of
Linux) beside that of a hundred ordinary postings. Prints one JSON object per kind.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.index.skills_index import build_index, save_index
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder
from tests.data import SKILLS, make_jsonl
from tests.servers.kafka import KafkaServer, create_topic, send

RECORD = 9_990_000  # bytes: the largest record that is read by default has 10 MB
PIECE = 64 << 20  # bytes: the largest piece of a file that is looked at as one record
ORDINARY = "ordinary"

Make = Callable[[Path], Path]

HASH = """
import sys
from unittest import mock
from skillstream.cli import main
from skillstream.testing import HashEncoder
encoder = HashEncoder()
with mock.patch("skillstream.tagging.worker.load_encoder", return_value=encoder):
    sys.exit(main(sys.argv[1:]))
"""


def posting(description: str, **fields: object) -> bytes:
    return json.dumps({"title": "Baker", "description": description} | fields).encode() + b"\n"


def written(folder: Path, name: str, *pieces: bytes) -> Path:
    with (folder / name).open("wb") as file:
        for piece in pieces:
            file.write(piece)
    return folder / name


def sentences(size: int, distinct: int) -> str:
    """Text of so many characters, of so many different sentences."""
    draw = random.Random(1)
    names = [label for label, _ in SKILLS]
    found = [
        f"Number {n}: {draw.choice(names)} and {draw.choice(names)}, {n * 7} times." for n in range(distinct)
    ]
    text = "\n".join(found)
    return (text * (size // len(text) + 1))[:size]


def ordinary(folder: Path) -> Path:
    return written(folder, "in.jsonl", make_jsonl(100))


def text_of_10_mb(folder: Path) -> Path:
    return written(folder, "in.jsonl", posting(sentences(RECORD, 20_000)))


def ten_texts_of_10_mb(folder: Path) -> Path:
    return written(folder, "in.jsonl", *[posting(sentences(RECORD, 2_000))] * 10)


def words_without_end(folder: Path) -> Path:
    return written(folder, "in.jsonl", posting("x" * RECORD), posting("x " * (RECORD // 2)))


def short_lines(folder: Path) -> Path:
    """Two characters a line: nothing gives more sentences for the bytes."""
    return written(folder, "in.jsonl", posting("\n".join(["ab"] * (RECORD // 5))))


def small_objects(folder: Path) -> Path:
    """What takes most as Python's objects: lists of empty objects, and many names."""
    fields = b",".join(b'"%x":{}' % number for number in range(RECORD // 11))
    start = b'{"title":"Baker","description":"Python","more":'
    return written(
        folder,
        "in.jsonl",
        start + b"[" + b"{}," * (RECORD // 3 - 20) + b"{}]}\n",
        start + b"{" + fields + b"}}\n",
        start + b"[" * 500 + b"]" * 500 + b"}\n",
    )


def html_nest(folder: Path) -> Path:
    lists = "<ul><li>Python" * (RECORD // 15)
    return written(
        folder,
        "in.jsonl",
        posting("<div>" * (RECORD // 5)),
        posting(lists),
        posting("<p>&nbsp;a</p>" * (RECORD // 15)),
    )


def line_without_end(folder: Path) -> Path:
    """2 GB in one line, 2 MB packed."""
    path = folder / "in.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"description": "')
        for _ in range(2_000):
            file.write(b"x" * 1_000_000)
    return path


def blank_lines(folder: Path) -> Path:
    """200 million blank lines, less than 1 MB packed."""
    path = folder / "in.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for _ in range(200):
            file.write(b"\n" * 1_000_000)
        file.write(posting("Python"))
    return path


def csv_cell(folder: Path) -> Path:
    cell = b'"' + b"Python, and so on.\n" * ((PIECE - 100) // 19) + b'"'
    return written(folder, "in.csv", b"id,title,description\n", *[b"1,Baker," + cell + b"\n"] * 3)


def csv_columns(folder: Path) -> Path:
    names = b",".join(b"c%d" % number for number in range(1_000_000))
    return written(folder, "in.csv", b"title,description," + names + b"\n", b"a,b" + b"," * 1_000_000 + b"\n")


def xml_element(folder: Path) -> Path:
    text = b"<description>" + b"Python &amp; SQL " * ((PIECE - 200) // 17) + b"</description>"
    job = b"<job><title>Baker</title>" + text + b"</job>"
    return written(folder, "in.xml", b"<jobs>", *[job] * 3, b"</jobs>")


def xml_nest(folder: Path) -> Path:
    nest = b"<a>" * 2_000_000 + b"</a>" * 2_000_000
    return written(folder, "in.xml", b"<jobs><job><title>Baker</title>" + nest + b"</job></jobs>")


def xml_names(folder: Path) -> Path:
    names = b"".join(b"<n%x/>" % number for number in range(4_000_000))
    return written(folder, "in.xml", b"<jobs><job><title>Baker</title>" + names + b"</job></jobs>")


def json_list(folder: Path) -> Path:
    """Postings of almost 64 MB in an array."""
    item = posting("Python and SQL.\n" * ((PIECE - 200) // 17)).strip()
    return written(folder, "in.json", b"[", item, b",", item, b",", item, b"]")


def parquet(folder: Path) -> Path:
    """1.6 GB in 500 rows, a few KB as a file."""
    texts = pa.array(["x" * (3 << 20)], pa.large_string()).take(pa.array([0] * 500))
    table = pa.table({"title": ["Baker"] * 500, "description": texts.dictionary_encode()})
    pq.write_table(table, folder / "in.parquet", compression="zstd", row_group_size=500)
    return folder / "in.parquet"


def parquet_list(folder: Path) -> Path:
    """Fifty million numbers in one row."""
    column = pa.ListArray.from_arrays(
        pa.array([0, 50_000_000], pa.int32()), pa.array(np.zeros(50_000_000, np.int64))
    )
    table = pa.table({"title": ["Baker"], "description": ["Python"], "numbers": column})
    pq.write_table(table, folder / "in.parquet", compression="zstd")
    return folder / "in.parquet"


FILES: dict[str, Make] = {
    ORDINARY: ordinary,
    "JSON: a text of 10 MB": text_of_10_mb,
    "JSON: ten texts of 10 MB": ten_texts_of_10_mb,
    "JSON: 10 MB without a line's end": words_without_end,
    "JSON: 10 MB of short lines": short_lines,
    "JSON: 10 MB of small objects": small_objects,
    "JSON: 10 MB of HTML, nested": html_nest,
    "JSON: objects of 64 MB in an array": json_list,
    "gzip: a line of 2 GB": line_without_end,
    "gzip: 200 million blank lines": blank_lines,
    "CSV: cells of 64 MB": csv_cell,
    "CSV: a million columns": csv_columns,
    "XML: elements of 64 MB": xml_element,
    "XML: two million nested": xml_nest,
    "XML: four million empty": xml_names,
    "Parquet: 1.6 GB in a few KB": parquet,
    "Parquet: a list of 50 million": parquet_list,
}


def kafka_batches(bootstrap: str) -> None:
    """Batches of 60 MB, a few KB each as they are sent."""
    send(bootstrap, "worst", [bytes(60_000_000)] * 20, compression_type="zstd", max_request_size=1 << 30)


def kafka_headers(bootstrap: str) -> None:
    """Records of 10 MB of headers, a few KB each as they are sent."""
    headers = [("h", b"")] * 500_000
    send(bootstrap, "worst", [b"x"] * 5, compression_type="zstd", max_request_size=1 << 30, headers=headers)


def kafka_records(bootstrap: str) -> None:
    """Records of 10 MB in a hundred batches, as they are."""
    value = posting(sentences(RECORD, 200))
    send(bootstrap, "worst", [value] * 20, compression_type="zstd", max_request_size=1 << 30)


TOPICS: dict[str, Callable[[str], None]] = {
    "Kafka: batches of 60 MB": kafka_batches,
    "Kafka: ten MB of headers": kafka_headers,
    "Kafka: records of 10 MB": kafka_records,
}


def hash_index(folder: Path) -> Path:
    """The index of a dozen skills for the stand-in."""
    skills = [Skill(f"urn:{n}", label, others, ["all"], "skill") for n, (label, others) in enumerate(SKILLS)]
    save_index(build_index(Taxonomy("test", "1", skills), HashEncoder()), folder / "index")
    return folder / "index"


@contextmanager
def command(kind: str, folder: Path, stand_in: bool) -> Iterator[list[str]]:
    """The command that reads an input of this kind."""
    start = [sys.executable, "-c", HASH] if stand_in else [sys.executable, "-m", "skillstream"]
    end = [f"--output={folder / 'out'}", "--json", "--workers=1"]
    end += [f"--index={hash_index(folder)}"] if stand_in else []
    if kind in FILES:
        yield [*start, "tag", str(FILES[kind](folder)), *end]
        return
    with KafkaServer(folder / "kafka", heap_mb=1024) as kafka:
        create_topic(kafka.bootstrap, "worst")
        TOPICS[kind](kafka.bootstrap)
        options = ["--topic=worst", f"--bootstrap-servers={kafka.bootstrap}", "--stop-at-end"]
        yield [*start, "stream", *options, *end]


def peak_mb(process: subprocess.Popen[bytes], limit_s: float) -> float:
    """The most that the process had in memory at a time; after `limit_s` it is ended."""
    most, until = 0.0, time.monotonic() + limit_s
    while process.poll() is None:
        with suppress(OSError):  # it has just ended
            found = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            most = max([most, *(int(kilobytes) * 1024 / 1e6 for kilobytes in found)])
        if time.monotonic() > until:
            process.kill()
        time.sleep(0.05)
    return most


def measure(kind: str, limit_s: float, stand_in: bool) -> dict[str, object]:
    with (
        tempfile.TemporaryDirectory(prefix="skillstream-worst-") as name,
        command(kind, Path(name), stand_in) as line,
    ):
        started = time.monotonic()
        with (Path(name) / "log").open("wb") as log:
            process = subprocess.Popen(line, stdout=log, stderr=log)
            most = peak_mb(process, limit_s)
        tail = (Path(name) / "log").read_text(errors="replace").splitlines()[-1:]
        rejected = json.loads(tail[0]).get("rejected") if tail and tail[0].startswith("{") else tail
        return {
            "kind": kind,
            "peak_mb": round(most),
            "exit": process.returncode,
            "rejected": rejected,
            "seconds": round(time.monotonic() - started),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join([*FILES, *TOPICS]))
    parser.add_argument("--limit", type=float, default=900, help="seconds; what takes longer is ended")
    parser.add_argument("--hash", action="store_true", help="a stand-in for the encoder, a dozen skills")
    arguments = parser.parse_args()
    for kind in arguments.kinds or [*FILES, *TOPICS]:
        print(json.dumps(measure(kind, arguments.limit, arguments.hash)), flush=True)


if __name__ == "__main__":
    main()
