"""The commands, with inputs, index and output in a real object store; and no secret anywhere."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pyarrow.dataset as ds
import pytest
from pyarrow.fs import S3FileSystem

from skillstream.cli import main
from skillstream.index.skills_index import build_index, save_index
from skillstream.storage.bucket import open_bucket
from skillstream.storage.url import parse_url
from tests.data import make_jsonl
from tests.faults.ledger import assert_exactly_once
from tests.servers.fixtures import lead_to

pytestmark = [
    pytest.mark.object_store,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("hash_model"),
]


def put(url, data):
    place = parse_url(url)
    open_bucket(parse_url(f"s3://{place.bucket}")).replace(place.key, data)


@pytest.fixture
def index_url(bucket_url, encoder, taxonomy):
    save_index(build_index(taxonomy, encoder), f"{bucket_url}/index")
    return f"{bucket_url}/index"


@pytest.fixture
def run(capfd, caplog, monkeypatch, minio, bucket_url, cache_folder):
    """Runs a command: exit code, standard output and errors. At the end no secret must be anywhere."""
    told = []
    monkeypatch.setenv("SKILLSTREAM_DEBUG", "1")  # tracebacks, too

    def command(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        told.extend([out, err])
        return code, out, err

    yield command
    lead_to(minio, monkeypatch)
    bucket = open_bucket(parse_url(bucket_url))
    objects = {item.key: bucket.read(item.key) for item in bucket.walk("")}
    assert any(key.endswith("run.json") for key in objects) or not objects
    written = [data.decode("latin-1") for data in objects.values()]
    written += [path.read_bytes().decode("latin-1") for path in cache_folder.rglob("*") if path.is_file()]
    for text in [*told, caplog.text, *written, *objects]:
        for secret in (minio.user, minio.password, "hush-hush"):
            assert secret not in text


def test_from_store_to_store_and_again(run, bucket_url, index_url):
    put(f"{bucket_url}/in/a.jsonl", make_jsonl(30))
    put(f"{bucket_url}/in/deep/b.jsonl.gz", gzip.compress(make_jsonl(9, seed=1) + b"not json\n"))
    output = f"{bucket_url}/out"
    tag = ["tag", f"{bucket_url}/in", "--output", output, "--index", index_url, "--max-chunk-rows", "7"]
    code, out, err = run(*tag, "--json")
    assert code == 0, err
    summary = json.loads(out)
    assert (summary["records"], summary["rejected"]) == (40, {"invalid_json": 1})
    assert_exactly_once(output, 40)

    put(f"{bucket_url}/in/c.jsonl", make_jsonl(5, seed=2))
    code, out, err = run(*tag, "--show", "3")
    assert code == 0, err
    assert "5  (and 40 from earlier runs)" in out
    assert f"{output}/tags" in out
    assert "evidence" in out
    assert_exactly_once(output, 45)

    code, out, _ = run("doctor", "--output", output)
    assert (code, out.splitlines()[-1]) == (0, "whole")
    code, out, _ = run("index", "info", index_url)
    assert code == 0
    code, _, err = run("replay", output, "--output", f"{output}/", "--index", index_url)
    assert (code, "must be another folder" in err) == (2, True)
    code, out, err = run("replay", output, "--output", f"{bucket_url}/again", "--index", index_url)
    assert code == 0, err
    assert "1 records tagged again" in out


def test_what_is_wrong_is_told_in_one_line_with_the_right_code(
    run, bucket_url, index_url, minio, monkeypatch
):
    put(f"{bucket_url}/a.jsonl", make_jsonl(3))
    tag = ["tag", f"{bucket_url}/a.jsonl", "--output", f"{bucket_url}/out", "--index", index_url]

    def refused(*arguments, **environment):
        lead_to(minio, monkeypatch, **environment)
        code, _, err = run(*arguments)
        assert code == 2, err
        return err.strip().splitlines()[-1]

    assert "there is no bucket" in refused(*tag[:3], f"{bucket_url}x/out", *tag[4:])
    assert "which may hold secrets" in refused(*tag[:3], "s3://me:hush-hush@bucket/out", *tag[4:])
    assert "which may hold secrets" in refused("tag", "s3://bucket/a?sig=hush-hush", *tag[2:])
    assert "no such object" in refused("tag", f"{bucket_url}/none", *tag[2:])
    assert "holds no skills index" in refused(*tag[:5], f"{bucket_url}/none")
    wrong = "the credentials are wrong or have expired"
    assert wrong in refused(*tag, AWS_SECRET_ACCESS_KEY="hush-hush")
    assert wrong in refused("tag", __file__[:-2] + "jsonl", *tag[2:], AWS_SECRET_ACCESS_KEY="hush-hush")
    assert "is no output of skillstream" in refused("doctor", "--output", f"{bucket_url}/nothing")
    lead_to(minio, monkeypatch)
    assert run(*tag)[0] == 0


def test_others_read_the_output(run, bucket_url, index_url, minio):
    put(f"{bucket_url}/a.jsonl", make_jsonl(12))
    output = f"{bucket_url}/out"
    assert run("tag", f"{bucket_url}/a.jsonl", "--output", output, "--index", index_url)[0] == 0
    options = {
        "aws_endpoint_url": minio.endpoint,
        "aws_access_key_id": minio.user,
        "aws_secret_access_key": minio.password,
        "aws_region": "us-east-1",
        "aws_allow_http": "true",
    }
    rows = pl.read_parquet(f"{output}/tags/", storage_options=options)
    assert rows["offset"].sort().to_list() == list(range(12))
    files = S3FileSystem(
        endpoint_override=minio.endpoint.removeprefix("http://"),
        scheme="http",
        access_key=minio.user,
        secret_key=minio.password,
    )
    table = ds.dataset(f"{output[5:]}/tags", filesystem=files).to_table()
    assert table.num_rows == 12
