import json
import threading

import pytest

from skillstream.errors import OutputError
from skillstream.output.run_info import (
    RunInfo,
    open_run,
    read_run,
    source_paths,
    versions,
    without_secrets,
    without_user,
)
from tests.chain_fakes import MemoryStore

ESCO_FILES = {"taxonomy": "esco", "source": "files"}


def info(identity=ESCO_FILES, **fields):
    return RunInfo(identity=identity, created_at="2030-01-01T00:00:00Z", **fields)


def test_the_first_start_writes_and_later_ones_get_what_holds(tmp_path):
    assert read_run(tmp_path) is None
    first = info(versions={"skillstream": "1"}, options={"top_k": 20}, range_bytes=100)
    assert open_run(tmp_path, first) == first
    assert open_run(tmp_path, info(options={"top_k": 5}, range_bytes=100)) == first
    assert read_run(tmp_path) == first
    assert json.loads((tmp_path / "run.json").read_text())["identity"] == ESCO_FILES
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        (
            {"taxonomy": "onet", "source": "files"},
            r"made with taxonomy 'esco', this run has 'onet': .*--force",
        ),
        ({"taxonomy": "esco", "source": "kafka", "cluster_id": "x"}, "cluster_id 'unset', this run has 'x'"),
    ],
)
def test_another_job_is_refused_unless_forced(tmp_path, identity, message):
    open_run(tmp_path, info())
    with pytest.raises(OutputError, match=message):
        open_run(tmp_path, info(identity))
    assert open_run(tmp_path, info(identity), force=True).identity == ESCO_FILES


def test_another_size_of_ranges_is_refused_even_if_forced(tmp_path):
    open_run(tmp_path, info(range_bytes=100))
    with pytest.raises(OutputError, match="start again"):
        open_run(tmp_path, info(range_bytes=200), force=True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"identity": 3}', "\x00"])
def test_a_file_that_is_none_of_ours_is_refused(tmp_path, content):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match="not written by skillstream"):
        open_run(tmp_path, info())


def test_an_unwritable_output_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Not a directory"):
        open_run(tmp_path / "file" / "out", info())


def test_of_two_first_starts_at_once_one_is_refused():
    store = MemoryStore()
    given = [info({"taxonomy": name, "source": "files"}) for name in ("a", "b")]
    results = []

    def start(one):
        try:
            results.append(open_run("out", one, store=store).identity["taxonomy"])
        except OutputError:
            results.append("refused")

    threads = [threading.Thread(target=start, args=(one,)) for one in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) in (["a", "refused"], ["b", "refused"])


def test_secrets_are_not_written():
    options = {
        "sasl_plain_password": "p",
        "ssl.keystore.password": "p",
        "aws_secret_access_key": "p",
        "access_token": "p",
        "nested": {"api-key": "p", "topic": "jobs"},
        "servers": ["kafka://user:p@host:9092", "host:9093"],
        "top_k": 20,
        "text_field": "body",
        "index": None,
    }
    masked = without_secrets(options)
    assert masked == {
        "sasl_plain_password": "***",
        "ssl.keystore.password": "***",
        "aws_secret_access_key": "***",
        "access_token": "***",
        "nested": {"api-key": "***", "topic": "jobs"},
        "servers": ["kafka://***@host:9092", "host:9093"],
        "top_k": 20,
        "text_field": "body",
        "index": None,
    }


def test_versions_name_what_decides_the_rows():
    found = versions()
    assert {"skillstream", "python", "pyarrow"} <= set(found)


def test_starts_at_the_same_time_lose_no_source():
    store = MemoryStore()
    starts = [{f"s{number}": f"in/{number}", "shared": "in/shared"} for number in range(8)]
    threads = [
        threading.Thread(target=open_run, args=("out", info(sources=sources)), kwargs={"store": store})
        for sources in starts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = {"shared": "in/shared"} | {f"s{number}": f"in/{number}" for number in range(8)}
    assert source_paths("out", store=store) == expected
    files = store.names("sources")
    open_run("out", info(sources=expected), store=store)  # all of them are known
    assert store.names("sources") == files


def test_a_source_keeps_the_path_that_was_noted_first(tmp_path):
    assert source_paths(tmp_path) == {}
    open_run(tmp_path, info(sources={"a": "first/a"}))
    open_run(tmp_path, info(sources={"a": "second/a", "b": "second/b"}))
    open_run(tmp_path, info(sources={"b": "third/b"}))
    assert source_paths(tmp_path) == {"a": "first/a", "b": "second/b"}


def test_a_list_of_sources_that_is_none_is_told(tmp_path):
    open_run(tmp_path, info(sources={"a": "a"}))
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "x.json").write_text("[1]")
    with pytest.raises(OutputError, match="sources: not written by skillstream"):
        open_run(tmp_path, info(sources={"b": "b"}))


def test_paths_are_noted_without_users_and_passwords():
    assert without_user("https://me:pw@host/a.jsonl") == "https://***@host/a.jsonl"
    assert without_user("in/author@home.jsonl") == "in/author@home.jsonl"


@pytest.mark.parametrize("unknown", ["", "00000000-0000-0000-0000-000000000000"])
@pytest.mark.parametrize("turned", [False, True])
def test_an_unknown_topic_id_fits_any_and_a_known_one_only_itself(tmp_path, unknown, turned):
    def run(topic_id):
        return RunInfo({"source": "kafka", "topic_id": topic_id}, "2026-01-01T00:00:00+00:00")

    ids = ["one", unknown] if turned else [unknown, "one"]
    for topic_id in ids:
        open_run(tmp_path, run(topic_id))
    open_run(tmp_path / "known", run("one"))
    with pytest.raises(OutputError, match="topic_id"):
        open_run(tmp_path / "known", run("two"))
