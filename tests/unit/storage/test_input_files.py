"""Inputs, indexes and models in an object store, as `tests.conftest.memory_s3` has one in memory."""

import csv
import gzip
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor

import msgspec
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from skillstream.cli import main
from skillstream.encoder.models import resolve_model
from skillstream.errors import IndexFormatError, ModelError, SourceError, UsageError
from skillstream.index.package import pack_index
from skillstream.index.skills_index import build_index, index_summary, load_index, save_index
from skillstream.index.versions import current_version
from skillstream.sources.files.decode import SourceReadError
from skillstream.sources.files.inputs import find_inputs
from skillstream.sources.files.plan import plan_files
from skillstream.sources.files.reader import read_chunks
from skillstream.storage import remote_folder
from skillstream.storage.remote_folder import fetch_folder, push_folder
from skillstream.storage.url import parse_url
from skillstream.taxonomy.skills import Skill, Taxonomy
from tests.data import make_jsonl


def put_all(store, names, data=b"{}\n"):
    for name in names:
        obstore.put(store, name, data)


# --- which objects ---------------------------------------------------------------------------------------


def names_of(*inputs, output=None):
    return [str(path).removeprefix("s3://in/") for path in find_inputs(inputs, output).files]


def test_files_folders_and_patterns(memory_s3):
    put_all(
        memory_s3("in"),
        [
            "a.jsonl",
            "b/1.jsonl",
            "b/2.csv.gz",
            "b/c/3.parquet",
            "b/_x.jsonl",
            "b/.y/z.jsonl",
            "b/readme.txt",
            "b/tags/run.json",
            "b/tags/tags/x/0.parquet",
            "bb/4.jsonl",
        ],
    )
    assert names_of("s3://in/a.jsonl") == ["a.jsonl"]
    assert names_of("s3://in/b") == names_of("s3://in/b/") == ["b/1.jsonl", "b/2.csv.gz", "b/c/3.parquet"]
    assert names_of("s3://in") == ["a.jsonl", "b/1.jsonl", "b/2.csv.gz", "b/c/3.parquet", "bb/4.jsonl"]
    assert names_of("s3://in/b*/[0-9].jsonl") == ["b/1.jsonl", "bb/4.jsonl"]
    assert names_of("s3://in/b/[!1]*.gz") == ["b/2.csv.gz"]
    assert names_of("s3://in/b/**/3.parquet") == names_of("s3://in/**.parquet")[:1] == ["b/c/3.parquet"]
    assert names_of("s3://in/b/1.jsonl", "s3://in/b")[:2] == ["b/1.jsonl", "b/2.csv.gz"]
    assert names_of("s3://in/b", output="s3://in/b/c") == ["b/1.jsonl", "b/2.csv.gz"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", "no such object, and no input below"),
        ("*.csv", "no object matches this pattern"),
        ("a.jsonl?versionId=3", "query string"),
        ("out/tags", "lies in the output folder"),
    ],
)
def test_inputs_that_name_nothing_are_refused(memory_s3, name, message):
    put_all(memory_s3("in"), ["a.jsonl", "out/tags/a.jsonl"])
    with pytest.raises(UsageError, match=message):
        names_of(f"s3://in/{name}", output="s3://in/out")


# --- their records ---------------------------------------------------------------------------------------


def as_csv(lines):
    text = io.StringIO()
    rows = [json.loads(line) for line in lines.splitlines()]
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(lines):
    buffer = io.BytesIO()
    rows = [json.loads(line) for line in lines.splitlines()]
    pq.write_table(pa.Table.from_pylist(rows), buffer, row_group_size=40)
    return buffer.getvalue()


FORMS = {
    "x.jsonl": lambda lines: lines,
    "x.jsonl.gz": gzip.compress,
    "x.jsonl.zst": zstandard.compress,
    "x.json": lambda lines: b"[" + b",\n".join(lines.splitlines()) + b"]",
    "x.csv": as_csv,
    "x.parquet": as_parquet,
}


def records_of(plan, start=None):
    return [
        (item.source, item.partition, record.offset, record.payload)
        for item in plan.ranges
        for chunk in read_chunks(item, max(item.start, start or 0), 50)
        for record in chunk.records
    ]


@pytest.mark.parametrize("name", FORMS)
def test_objects_are_read_as_files_are(memory_s3, tmp_path, name, monkeypatch):
    """The same sources, ranges, offsets and records: an output may go on with a copy elsewhere."""
    monkeypatch.setattr("skillstream.storage.input_files._OBJECT_BLOCK_BYTES", 1000)
    data = FORMS[name](make_jsonl(200))
    (tmp_path / name).write_bytes(data)
    obstore.put(memory_s3("in"), f"deep/{name}", data)
    local = plan_files([str(tmp_path / name)], range_bytes=4000)
    remote = plan_files([f"s3://in/deep/{name}"], range_bytes=4000)
    assert len(local.ranges) > 1 or name in ("x.jsonl.gz", "x.jsonl.zst", "x.json")
    assert records_of(remote) == records_of(local)
    assert len(records_of(remote)) == 200
    assert records_of(remote, start=130) == records_of(local, start=130)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(remote.ranges), type=type(remote.ranges)) is not None


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_rows_of_another_content_are_never_given(memory_s3, name, change, monkeypatch):
    monkeypatch.setattr("skillstream.storage.input_files._OBJECT_BLOCK_BYTES", 1000)
    lines = make_jsonl(200)
    obstore.put(memory_s3("in"), name, FORMS[name](lines))
    plan = plan_files([f"s3://in/{name}"])
    chunks = read_chunks(plan.ranges[0], 0, 20)
    given = [next(chunks)]
    if change == "replaced":
        obstore.put(memory_s3("in"), name, FORMS[name](lines))  # even the same bytes: it is another object
    else:
        obstore.delete(memory_s3("in"), name)
    expected = "changed since it was planned|no such object|is gone|no longer the Parquet file"
    with pytest.raises(SourceReadError, match=rf"s3://in/{name}: .*({expected})"):
        given += list(chunks)
    assert len(given) < 10
    with pytest.raises(SourceReadError, match=expected):
        list(read_chunks(plan.ranges[0], 0, 20))


def test_an_object_that_changes_while_it_is_planned_is_refused(memory_s3, monkeypatch):
    from skillstream.sources.files import plan

    obstore.put(memory_s3("in"), "x.jsonl", make_jsonl(10))
    scan = plan._scan_lines

    def scan_of_a_log(path, *rest):
        found = scan(path, *rest)
        obstore.put(memory_s3("in"), "x.jsonl", make_jsonl(11))
        return found

    monkeypatch.setattr(plan, "_scan_lines", scan_of_a_log)
    with pytest.raises(SourceError, match=r"s3://in/x\.jsonl: it changed while it was read"):
        plan_files(["s3://in/x.jsonl"])


# --- indexes and models ------------------------------------------------------------------------------------


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SKILLSTREAM_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_an_index_is_pushed_and_fetched_once(memory_s3, own_cache, encoder, taxonomy):
    url = "s3://models/indexes/esco"
    index = build_index(taxonomy, encoder)
    assert str(save_index(index, url)) == f"{url}/{index.version}"
    assert current_version(url) == index.version
    assert load_index(url).labels == index.labels
    assert index_summary(url)["version"] == index.version
    package = pack_index(url)
    assert package.version == index.version
    # Nothing but the pointer and the list is asked for again.
    (copy,) = (own_cache / "fetched").glob("[!.]*/*/vectors.npy")
    before = copy.stat().st_mtime_ns
    load_index(url)
    assert copy.stat().st_mtime_ns == before
    assert load_index(f"{url}/{index.version}").version == index.version


def test_a_new_version_is_seen(memory_s3, own_cache, encoder, taxonomy):
    url = "s3://models/esco"
    old = build_index(taxonomy, encoder)
    save_index(old, url)
    loaded = load_index(url)
    other = Taxonomy("test", "2", [*taxonomy.skills, Skill(uri="urn:new", label="beekeeping")])
    save_index(build_index(other, encoder), url)
    assert current_version(url) != old.version
    assert "beekeeping" in load_index(url).labels
    assert "beekeeping" not in loaded.labels


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({}, "holds no skills index"),
        ({"CURRENT": b"../x\n"}, "CURRENT is damaged"),
        ({"CURRENT": b"abc\n"}, "lacks its version abc"),
        ({"CURRENT": b"abc\n", "abc/index.json": b"{}"}, "has format version None"),
    ],
)
def test_an_index_that_is_none_is_refused(memory_s3, own_cache, objects, message):
    for name, data in objects.items():
        obstore.put(memory_s3("models"), f"idx/{name}", data)
    with pytest.raises(IndexFormatError, match=message):
        load_index("s3://models/idx")


def test_a_folder_that_changes_while_it_is_fetched_leaves_nothing(memory_s3, own_cache, monkeypatch):
    put_all(memory_s3("models"), ["model/a", "model/b"])
    ranges = remote_folder.Bucket.read_range

    def changing(self, key, *rest):
        data = ranges(self, key, *rest)
        obstore.put(memory_s3("models"), "model/b", b"new")
        return data

    with monkeypatch.context() as patched:
        patched.setattr(remote_folder.Bucket, "read_range", changing)
        with pytest.raises(Exception, match="s3://models/model/b has changed"):
            fetch_folder(parse_url("s3://models/model"))
    assert [path.name for path in (own_cache / "fetched").iterdir() if path.suffix != ".lock"] == []
    folder = fetch_folder(parse_url("s3://models/model"))
    assert (folder / "b").read_bytes() == b"new"
    assert folder.name == "model"


def test_racing_workers_fetch_a_folder_once(memory_s3, own_cache, monkeypatch):
    put_all(memory_s3("models"), [f"model/{name}" for name in "abc"])
    asked, ranges = [], remote_folder.Bucket.read_range

    def counting(self, key, *rest):
        asked.append(key)
        return ranges(self, key, *rest)

    monkeypatch.setattr(remote_folder.Bucket, "read_range", counting)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: fetch_folder(parse_url("s3://models/model")), range(8)))
    assert len(folders) == 1
    assert sorted(asked) == ["model/a", "model/b", "model/c"]


def test_what_a_killed_worker_left_is_no_copy(memory_s3, own_cache):
    put_all(memory_s3("models"), ["model/a"])
    folder = fetch_folder(parse_url("s3://models/model"))
    half = folder.parent.with_name(f".tmp-{folder.parent.name}")
    folder.parent.rename(half)
    (half / "model" / "half").write_bytes(b"")
    assert [path.name for path in fetch_folder(parse_url("s3://models/model")).iterdir()] == ["a"]


def test_copies_that_nobody_used_for_long_are_removed(memory_s3, own_cache):
    put_all(memory_s3("models"), ["old/a", "new/a"])
    old = fetch_folder(parse_url("s3://models/old"))
    os.utime(old.parent, (0, 0))
    new = fetch_folder(parse_url("s3://models/new"))
    assert not old.exists()
    assert new.is_dir()


def test_a_model_folder(memory_s3, own_cache):
    here = resolve_model("default")
    push_folder(here.path, parse_url("s3://models/mine"))
    there = resolve_model("s3://models/mine/")
    assert there.name == "mine"
    assert there.fingerprint == here.fingerprint
    with pytest.raises(ModelError, match="s3://models/none: there is no such folder"):
        resolve_model("s3://models/none")
    with pytest.raises(ModelError, match="which may hold secrets") as caught:
        resolve_model("s3://key:hush@models/none")
    assert "hush" not in str(caught.value)


# --- commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "--recipe", "skills", "--pairs", "pairs"],
        ["training-data", "--source", "phrases=builtin"],
        ["model", "export", "default"],
    ],
)
def test_what_must_be_local_is_refused(arguments, capsys):
    assert main([*arguments, "--output", "s3://bucket/new"]) == 2
    assert "--output must be a folder of this machine" in capsys.readouterr().err


def test_explain_reads_an_object(memory_s3, hash_model, index_folder, capsys):
    obstore.put(memory_s3("jobs"), "a.jsonl", make_jsonl(2))
    options = ["--record", "1", "--index", str(index_folder), "--json"]
    assert main(["explain", "s3://jobs/a.jsonl", *options]) == 0
    assert json.loads(capsys.readouterr().out)["text"]
    assert main(["explain", "s3://jobs/b.jsonl", *options]) == 2
    assert "cannot read s3://jobs/b.jsonl: there is no such object" in capsys.readouterr().err
