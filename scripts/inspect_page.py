"""docs/how-to/inspect.md: what `skillstream inspect` shows of six feeds, as it shows it."""

from __future__ import annotations

import io
import os
import tempfile
from contextlib import chdir, redirect_stdout
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from skillstream.cli import main

ROOT = Path(__file__).resolve().parents[1]

INTRODUCTION = """# Look at your data first

    skillstream inspect jobs.csv more/*.jsonl.gz s3://bucket/feeds/
    skillstream inspect --bootstrap-servers localhost:9092 --topic postings
    curl -s https://example.org/feed.xml | skillstream inspect -

`inspect` reads the first records of your files or topic as `skillstream tag` and `skillstream stream` would,
and shows how: what each file is, what each field was taken for, the plain text of one posting by section, and
what would be rejected, refused or left out. It loads no model and writes nothing. It takes the same options
for fields and files (`--text-field`, `--feed`, `--records-path`, `--csv-delimiter`, `--encoding` ...), so try
them here first. `--records N` looks at more than 200 records of each file, `--json` is for scripts. Exit code
2: `skillstream tag` would refuse an input.

What to look for:

- a field with your description in it that is `-` (not read): name it with `--text-field`, or say `--feed`;
- `no text`: records of which only the title was found;
- `no time`: records whose time cannot be read; their `event_time` will be null;
- `rejected`: they become rows with an error; the reason says what to do;
- the text: markup, wrong characters or two postings in one would show there.
"""

CASES = (
    (
        "Greenhouse job board (JSON, postings in a list)",
        "samples/feeds/greenhouse.json",
        "The file is one object; each element of `jobs` is a record. The escaped HTML is undone.",
    ),
    (
        "Lever postings (JSON, an array)",
        "samples/feeds/lever.json",
        "Lever's `text` is the title; the description is in several fields. One time cannot be read, one\n"
        "posting has no description.",
    ),
    (
        "schema.org JobPosting from career pages (JSON-LD, a line each)",
        "samples/feeds/career_pages.jsonl",
        "The posting in an `@graph` is found; the organisation and the line that was cut off are rejected.",
    ),
    (
        "Indeed XML",
        "samples/feeds/indeed.xml",
        "Each `<job>` is a record. A bare `&` is accepted; an element that is not well-formed is rejected.",
    ),
    (
        "A Kaggle table (CSV with quotes)",
        "samples/feeds/kaggle.csv",
        "Descriptions span lines. A quote that is opened and not closed costs its own line and no other.",
    ),
    (
        "JobSpy (Parquet)",
        "jobspy.parquet",
        "A table as pandas writes it, with `nan` for what is not there.",
    ),
)

_JOBSPY = {
    "id": ["in-5ac2", "li-401"],
    "site": ["indeed", "linkedin"],
    "job_url": ["https://indeed.example/5ac2", "https://linkedin.example/401"],
    "title": ["Beekeeper", "Data Engineer"],
    "company": ["Heather Apiaries", "nan"],
    "date_posted": [date(2026, 3, 1), None],
    "min_amount": [21.5, None],
    "description": [
        "**About the job**\n\n* Inspect hives\n* Extract honey\n\nA driving licence is a plus.",
        "nan",
    ],
}


def inspect_page() -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION]
    for heading, path, says in CASES:
        parts.append(
            f"\n## {heading}\n\n{says}\n\n```text\n$ skillstream inspect {path}\n{_shown(path)}```\n"
        )
    return "".join(parts)


def _shown(path: str) -> str:
    stdout = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        pq.write_table(pa.table(_JOBSPY), os.path.join(folder, "jobspy.parquet"))  # noqa: PTH118
        with chdir(folder if path == "jobspy.parquet" else ROOT), redirect_stdout(stdout):
            if main(["inspect", path]) != 0:
                raise RuntimeError(f"inspect {path} failed")
    return "".join(f"{line.rstrip()}\n" for line in stdout.getvalue().splitlines())
