"""Files in which every second record is damaged: the others are read, nothing raises, each record is one row.

`SKILLSTREAM_FUZZ` (default 400) damaged records of each format, and as many that are not.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import escape

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skillstream.postings import JobPosting, parse_record, segment
from skillstream.rejections import RejectionCode
from skillstream.sources.files import SourceReadError, plan_files, read_chunks
from tests.faults.mutations import mutated

FUZZ = int(os.environ.get("SKILLSTREAM_FUZZ", "400"))
ROWS_A_GROUP = 1000
SEGMENTED = 10  # every tenth posting is read to sentences, too

# Where damage cannot reach a record's bounds, every record is a row; elsewhere a mark lost or put in may
# join two records or cut one, but seldom costs a neighbour that is whole.
SURE = ("jsonl", "parquet")
MOST_LOST = 0.005

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]


def fields(number: int) -> dict[str, object]:
    text = 'You "cook", <b>bake</b> & serve.\n- Python; SQL\n- Knives' * (1 + number % 3)
    return {"id": number, "title": f"Cook {number}", "description": text, "posted": "2026-01-31"}


def csv_row(values: list[object], delimiter: str) -> bytes:
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(values)
    return line.getvalue().encode()


def xml_element(record: dict[str, object]) -> bytes:
    inner = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in record.items())
    return f"<job>{inner}</job>".encode()


def write(path: Path, draw: random.Random) -> None:
    """A file of twice `FUZZ` records; those with odd numbers are damaged."""
    file_format = path.suffix[1:]
    records = [fields(number) for number in range(2 * FUZZ)]
    if file_format == "parquet":
        columns: dict[str, list[bytes]] = {name: [] for name in records[0]}
        for number, record in enumerate(records):
            for name, value in record.items():
                data = str(value).encode()
                columns[name].append(mutated(data, draw) if number % 2 else data)
        pq.write_table(pa.table(columns), path, row_group_size=ROWS_A_GROUP)
        return
    if file_format in ("csv", "tsv"):
        delimiter = "," if file_format == "csv" else "\t"
        texts = [csv_row(list(record.values()), delimiter) for record in records]
        head, between, tail = csv_row(list(records[0]), delimiter) + b"\n", b"\n", b"\n"
    elif file_format == "xml":
        texts = [xml_element(record) for record in records]
        head, between, tail = b"<jobs>", b"\n", b"</jobs>"
    else:
        texts = [json.dumps(record).encode() for record in records]
        head, between, tail = (b"[", b",", b"]") if file_format == "json" else (b"", b"\n", b"\n")
    texts = [mutated(text, draw) if number % 2 else text for number, text in enumerate(texts)]
    if file_format == "jsonl":
        texts = [text.replace(b"\n", b" ") for text in texts]
    path.write_bytes(head + between.join(texts) + tail)


@pytest.mark.parametrize("file_format", ["jsonl", "json", "csv", "tsv", "parquet", "xml"])
def test_damaged_records_cost_themselves_alone(file_format: str, tmp_path: Path) -> None:
    path = tmp_path / f"jobs.{file_format}"
    write(path, random.Random(f"{file_format} {FUZZ}"))
    codes: Counter[str] = Counter()
    faults: list[str] = []
    whole: set[str] = set()
    rows = 0
    for item in plan_files([str(path)], range_bytes=1 << 22).ranges:
        at = item.start
        try:
            for chunk in read_chunks(item, item.start, 200):
                assert chunk.start == at
                assert [record.offset for record in chunk.records] == list(range(chunk.start, chunk.end))
                at = chunk.end
                for record in chunk.records:
                    posting = parse_record(record)
                    if not isinstance(posting, JobPosting):
                        codes[posting.code] += 1
                        continue
                    whole.add(posting.title)
                    if record.offset % SEGMENTED == 0:
                        text, sentences, _ = msgspec.structs.astuple(segment(posting))
                        assert all(text[one.start : one.end] == one.text for one in sentences)
        except SourceReadError as error:
            faults.append(str(error)[-200:])
        rows += at - item.start
    lost = [number for number in range(0, 2 * FUZZ, 2) if f"Cook {number}" not in whole]
    print(
        f"{file_format}: {FUZZ:,} damaged records and {FUZZ:,} whole ones, {rows:,} rows, {len(lost)} whole "
        f"ones lost, rejected {dict(codes)}, faults {faults}"
    )
    assert RejectionCode.INTERNAL not in codes
    assert set(codes) <= set(RejectionCode)
    if file_format in SURE:
        assert (rows, lost) == (2 * FUZZ, [])
    assert rows >= 2 * FUZZ * (1 - MOST_LOST)
    assert len(lost) <= FUZZ * MOST_LOST, lost[:10]
