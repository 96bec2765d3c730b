"""What a file is: by its name, by its first bytes, and what the user says."""

import bz2
import gzip
import json

import pytest
import zstandard

from skillstream.errors import SourceError, UsageError
from skillstream.rejections import RejectionCode
from skillstream.sources.files import ReadOptions, plan_files, read_chunks

POSTINGS = [{"id": "1", "title": "Bäcker"}, {"id": "2", "title": "Smith"}]
LINES = "".join(json.dumps(posting, ensure_ascii=False) + "\n" for posting in POSTINGS)
ARRAY = json.dumps(POSTINGS, ensure_ascii=False, indent=1)
CSV = "id,title\n1,Bäcker\n2,Smith\n"
XML = (
    "<jobs>"
    + "".join(f"<job><id>{p['id']}</id><title>{p['title']}</title></job>" for p in POSTINGS)
    + "</jobs>"
)


def read(path, options=None):
    return [
        record
        for item in plan_files([str(path)], options=options).ranges
        for chunk in read_chunks(item, item.start, 3)
        for record in chunk.records
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.jl", LINES.encode()),
        ("x.jl.bz2", bz2.compress(LINES.encode())),
        ("x.csv.bz2", bz2.compress(CSV.encode()[:9]) + bz2.compress(CSV.encode()[9:])),
        ("x.jsonl", gzip.compress(LINES.encode(), mtime=0)),
        ("x.csv", zstandard.compress(CSV.encode())),
        ("x.jsonl.gz", LINES.encode()),
        ("x.jsonl.gz", bz2.compress(LINES.encode())),
        ("x.jsonl", ARRAY.encode()),
        ("x.jsonl", json.dumps(POSTINGS).encode()),
        ("x.ndjson.gz", gzip.compress(ARRAY.encode(), mtime=0)),
        ("x.jsonl", b"\xef\xbb\xbf" + "\n".join(json.dumps(p, indent=2) for p in POSTINGS).encode()),
        ("x.json", LINES.encode()),
        ("x.xml", XML.encode()),
        ("x.xml.gz", gzip.compress(XML.encode(), mtime=0)),
        ("x.xml", ARRAY.encode()),
        ("x.json", XML.encode()),
        ("part-00000", LINES.encode()),
        ("part-00000.gz", gzip.compress(LINES.encode(), mtime=0)),
        ("postings.txt", ARRAY.encode()),
        ("feed", XML.encode()),
    ],
)
def test_the_content_tells_what_the_name_does_not(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    records = read(path)
    assert [json.loads(record.payload) for record in records] == POSTINGS
    assert [record.offset for record in records] == [0, 1]


def test_a_line_that_is_a_list_stays_a_line(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('[{"title": "a"}, {"title": "b"}]\n[{"title": "c"}]\n')
    assert [record.payload for record in read(path)] == path.read_bytes().splitlines()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"PK\x03\x04rest", "got a ZIP archive or a workbook"),
        ("x.jsonl", b"%PDF-1.4", "got a PDF"),
        ("x.jsonl.gz", b"nothing of that kind", "is no gzip data"),
        ("x.csv", CSV.encode("utf-16-le"), "got UTF-16; convert it, e.g. with iconv -f utf-16le -t utf-8"),
        ("x.jsonl", LINES.encode("utf-16-be"), "got UTF-16"),
        ("x.csv", CSV.encode("utf-16"), "got UTF-16"),
        ("notes", b"some words", "unknown kind of file"),
        ("x.xml", b"<note>x</note>", "no element of this XML is repeated"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_remedy(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        plan_files([str(tmp_path / name)])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "encoding", ["cp1252", "utf-16", "utf-16-le", "UTF-16BE", "latin-1", "utf-8", "utf-32"]
)
@pytest.mark.parametrize(
    ("name", "text"), [("x.jsonl", LINES), ("x.csv", CSV), ("x.json", ARRAY), ("x.xml", XML)]
)
def test_the_encoding_may_be_said(tmp_path, encoding, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    assert [json.loads(record.payload) for record in read(path, ReadOptions(encoding=encoding))] == POSTINGS


def test_bytes_that_the_encoding_does_not_have_are_rejected_rows(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"id,title\n1,a\x81b\n2,c\n")
    records = read(path, ReadOptions(encoding="cp1252"))
    assert b"\xff" in records[0].payload
    assert json.loads(records[1].payload) == {"id": "2", "title": "c"}


def test_an_unknown_encoding_is_refused():
    for name in ("klingon", "base64"):
        with pytest.raises(UsageError, match="--encoding"):
            ReadOptions(encoding=name).check()


def test_what_a_folder_holds_and_is_not_read_is_said(tmp_path):
    folder = tmp_path / "mixed"
    (folder / "2030").mkdir(parents=True)
    (folder / "_tmp").mkdir()
    for name in ("a.jsonl", "2030/b.jl", "part-00000", "part-00001", "_c.jsonl", ".hidden", "notes.docx"):
        (folder / name).write_text(LINES.replace("1", name[-1]))
    (tmp_path / "elsewhere").mkdir()
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    plan = plan_files([str(folder)])
    assert [file.path.removeprefix(f"{folder}/") for file in plan.files] == ["2030/b.jl", "a.jsonl"]
    notes = "\n".join(plan.notes)
    for name in ("part-00000", "part-00001", "_c.jsonl", "_tmp", "notes.docx", "link"):
        assert name in notes
    assert ".hidden" not in notes
    assert len(plan.notes) == 3


def test_a_long_list_of_what_is_left_out_is_cut(tmp_path):
    for number in range(20):
        (tmp_path / f"part-{number:05}").write_text("x")
    (tmp_path / "a.jsonl").write_text(LINES)
    assert plan_files([str(tmp_path)]).notes[0].endswith("part-00004 and 15 more")


def test_bzip2_that_grows_without_bound_is_read_in_pieces(tmp_path):
    path = tmp_path / "x.jsonl.bz2"
    path.write_bytes(bz2.compress(b"x" * (100 << 20)))
    (record,) = read(path)
    assert record.rejection.code == RejectionCode.TOO_LARGE
    assert record.rejection.detail.startswith("104,857,600 bytes")
