"""How fast are files read, before there is anything to encode: files → records → postings → sentences?

    python -m benchmarks.reading [--before REVISION] [--postings N] [--rounds N] [--only FORMAT ...] [--json]

The same invented postings (about 3 kB of text, every second one as HTML) as JSON lines, CSV, Parquet and XML.
Each figure is the least CPU time of the rounds; in each round every contender reads the file in a process of
its own: this tree, the revision named by `--before` from a worktree of its own, and a plain reader of
the format that makes a dictionary of each row and nothing of it (json.loads, csv.DictReader, pyarrow,
ElementTree), as a measure of the machine.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from html import escape
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tests.data import SENTENCES

ROOT = Path(__file__).resolve().parents[1]
FORMATS = ("jsonl", "csv", "parquet", "xml")
STAGES = ("plan", "records", "postings", "sentences")

# Reads the file named, and prints the CPU seconds that each stage took. Other revisions run it, too.
READ = """
import json, sys, time
try:
    from skillstream.postings import JobPosting, parse_record, segment
    from skillstream.sources.files import plan_files, read_chunks
except ImportError:  # before the rooms
    from skillstream.postings import JobPosting, parse_record
    from skillstream.sentences import segment
    from skillstream.sources.files import read_chunks
    from skillstream.sources.plan import plan_files
from pathlib import Path
def rows(plan):
    chunks = [chunk for item in plan.ranges for chunk in read_chunks(item, item.start, 200)]
    return [record for chunk in chunks for record in chunk.records]
first = [parse_record(one) for one in rows(plan_files([sys.argv[2]]))]  # imports, and what is built once
[segment(posting) for posting in first]
times = [time.process_time()]
plan = plan_files([sys.argv[1]])
times.append(time.process_time())
records = rows(plan)
times.append(time.process_time())
postings = [parse_record(record) for record in records]
times.append(time.process_time())
assert all(isinstance(posting, JobPosting) for posting in postings), postings[0]
sentences = sum(len(segment(posting).sentences) for posting in postings)
times.append(time.process_time())
print(json.dumps([len(records), sentences, [end - begin for begin, end in zip(times, times[1:])]]))
"""

PLAIN = """
import csv, json, sys, time
from xml.etree import ElementTree
import pyarrow.parquet as pq
def jsonl(path):
    with open(path, "rb") as file:
        yield from map(json.loads, file)
def csv_rows(path):
    csv.field_size_limit(1 << 30)
    with open(path, newline="") as file:
        yield from csv.DictReader(file)
def parquet(path):
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(256, use_threads=False):
            yield from batch.to_pylist()
def xml(path):
    for _, element in ElementTree.iterparse(path):
        if element.tag == "job":
            yield {child.tag: child.text for child in element}
            element.clear()
read = {"jsonl": jsonl, "csv": csv_rows, "parquet": parquet, "xml": xml}[sys.argv[1].rpartition(".")[2]]
sum(1 for _ in read(sys.argv[2]))
started = time.process_time()
rows = sum(1 for _ in read(sys.argv[1]))
print(json.dumps([rows, 0, [time.process_time() - started]]))
"""


def posting(number: int, draw: random.Random) -> dict[str, str]:
    """An invented posting of a feed's ten fields; every second description is HTML."""
    places = [f"{draw.choice(('Upper', 'Lower', 'New', 'Old'))} Town {draw.randrange(500)}" for _ in range(3)]

    def sentence() -> str:
        place = draw.choice(places)
        return f"{draw.choice(SENTENCES)[:-1]} for team {draw.randrange(10_000)} & guests of “{place}”."

    paragraphs = [" ".join(sentence() for _ in range(draw.randint(2, 6))) for _ in range(4)]
    bullets = [sentence() for _ in range(draw.randint(4, 14))]
    if number % 2:
        items = "".join(f"<li><span>{escape(one)}</span></li>" for one in bullets)
        text = "".join(f"<p>{escape(one)}</p>" for one in paragraphs) + f"<h3>Profile</h3><ul>{items}</ul>"
    else:
        text = "\n\n".join(paragraphs) + "\n\nProfile:\n" + "\n".join(f"- {one}" for one in bullets)
    return {
        "id": f"job-{number}",
        "title": f"Baker {draw.randrange(1000)}",
        "company": f"Bakery {draw.randrange(1000)} Ltd",
        "location": places[0],
        "employmentType": "FULL_TIME",
        "datePosted": f"2026-{draw.randint(1, 9):02d}-{draw.randint(1, 28):02d}",
        "salary": f"{draw.randrange(30, 90)}000",
        "category": "Food",
        "link": f"https://jobs.example.org/{number}",
        "description": text,
    }


def write(folder: Path, postings: list[dict[str, str]]) -> None:
    """The postings in each format, as `folder/jobs.FORMAT`."""
    folder.mkdir(exist_ok=True)
    with (folder / "jobs.jsonl").open("w") as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in postings)
    with (folder / "jobs.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, postings[0])
        table.writeheader()
        table.writerows(postings)
    pq.write_table(pa.Table.from_pylist(postings), folder / "jobs.parquet", row_group_size=5_000)
    with (folder / "jobs.xml").open("w") as file:
        file.write("<jobs>\n")
        for one in postings:
            inner = "".join(f"<{name}>{escape(value, quote=False)}</{name}>" for name, value in one.items())
            file.write(f"<job>{inner}</job>\n")
        file.write("</jobs>\n")


@contextmanager
def tree_of(revision: str, folder: Path) -> Iterator[Path]:
    """The source folder of a revision, in a worktree for the time of the run."""
    tree = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
    try:
        yield tree / "src"
    finally:
        subprocess.run([*git, "remove", "--force", str(tree)], check=True)


class Figures(NamedTuple):
    """What one contender read, and the least CPU seconds of each stage."""

    rows: int
    sentences: int
    times: list[float]


def run(program: str, path: Path, source: Path) -> Figures:
    """One reading of the file, in a new process, after one of the small file beside it."""
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-c", program, str(path), str(path.parent / "few" / path.name)]
    done = subprocess.run(line, env=environment, check=True, capture_output=True, cwd=path.parent)
    return Figures(*json.loads(done.stdout))


def measure(path: Path, contenders: dict[str, tuple[str, Path]], rounds: int) -> dict[str, Figures]:
    """The figures of each contender that can read the file; they take turns."""
    found: dict[str, Figures] = {}
    for number in range(rounds):
        for name, (program, source) in contenders.items():
            try:
                new = run(program, path, source)
            except subprocess.CalledProcessError as error:
                if b"unknown kind of file" in error.stderr:
                    continue
                sys.stderr.write(error.stderr.decode(errors="replace"))
                raise
            if number:
                assert (new.rows, new.sentences) == (found[name].rows, found[name].sentences)
                times = [min(pair) for pair in zip(found[name].times, new.times, strict=True)]
                new = new._replace(times=times)
            found[name] = new
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", metavar="REVISION", help="also measure this revision")
    parser.add_argument("--postings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=FORMATS, default=FORMATS, metavar="FORMAT")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    draw = random.Random(0)
    postings = [posting(number, draw) for number in range(options.postings)]
    with tempfile.TemporaryDirectory(prefix="skillstream-reading-") as name, ExitStack() as stack:
        folder = Path(name)
        write(folder, postings)
        size = (folder / "jobs.jsonl").stat().st_size
        write(folder / "few", postings[:100])
        contenders = {"now": (READ, ROOT / "src"), "plain reader": (PLAIN, ROOT)}
        if options.before:
            before = stack.enter_context(tree_of(options.before, folder))
            contenders = {options.before: (READ, before)} | contenders
        for file_format in options.only:
            path = folder / f"jobs.{file_format}"
            for name, figures in measure(path, contenders, options.rounds).items():
                line = summary(file_format, name, size, figures)
                print(json.dumps(line) if options.json else "  ".join(f"{k} {v}" for k, v in line.items()))


def summary(file_format: str, name: str, size: int, figures: Figures) -> dict[str, object]:
    """What was read; MB (as JSON lines) and rows a CPU second up to the postings; CPU ms of each stage."""
    line: dict[str, object] = {"format": file_format, "reader": name, "mb": round(size / 1e6, 1)}
    line |= {"rows": figures.rows, "sentences": figures.sentences}
    seconds = sum(figures.times[:3])
    line |= {"mb_per_s": round(size / 1e6 / seconds, 1), "rows_per_s": round(figures.rows / seconds)}
    if len(figures.times) == len(STAGES):
        times = zip(STAGES, figures.times, strict=True)
        line |= {f"{stage}_ms_per_1000": round(1e6 * taken / figures.rows, 1) for stage, taken in times}
    return line


if __name__ == "__main__":
    main()
