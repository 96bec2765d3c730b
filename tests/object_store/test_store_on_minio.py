"""What the chain needs of a store, on a real one: racing creates, and every mistake told in one line."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from skillstream.errors import OutputError, RunError
from skillstream.output.chain import Chain
from skillstream.output.run_info import RunInfo, open_run
from skillstream.storage.bucket import open_bucket
from skillstream.storage.listing import PAGE
from skillstream.storage.store import open_store
from skillstream.storage.url import parse_url
from tests.chain_fakes import PARTITION, SOURCE, make_rows, published_offsets
from tests.servers import fixtures
from tests.servers.fixtures import lead_to
from tests.servers.minio import MinioServer

pytestmark = [pytest.mark.object_store, pytest.mark.timeout(1800)]

RACES = int(os.environ.get("SKILLSTREAM_RACES", "5"))
WRITERS = 30
INFO = RunInfo(identity={"taxonomy": "esco", "source": "files"}, created_at="2030-01-01T00:00:00Z")


def test_a_file_is_created_once_and_read_whole(output):
    store = open_store(output)
    store.probe()
    assert store.names("") == []
    assert store.read("a/b/c") is None
    assert store.create("a/b/c", b"first")
    assert not store.create("a/b/c", b"second")
    assert store.read("a/b/c") == b"first"
    assert store.names("a") == ["b"]
    assert store.names("") == ["a"]
    assert store.sweep() == 0


def test_names_are_sorted_over_many_pages(output):
    store = open_store(output)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: store.create(f"f/{n:05d}", b"x"), range(1500)))
    assert store.names("f") == [f"{n:05d}" for n in range(1500)]
    assert store.names_after("f", "001") == [f"{n:05d}" for n in range(100, 200)]
    assert store.names_after("f", "", after="00099") == [f"{n:05d}" for n in range(100, 100 + PAGE)]
    assert store.names_after("f", "00", after="00990") == [f"{n:05d}" for n in range(991, 1000)]
    assert store.names_after("f", "2") == store.names_after("g", "0") == []
    assert store.create("old/source=a b/x", b"")
    assert store.names("old") == ["source=a b"]


@pytest.mark.parametrize("same", [True, False])
def test_of_racing_writers_exactly_one_wins(output, same):
    """Also if all write the same bytes: whose they are is told by a mark, not by the content."""
    store = open_store(output)
    for race in range(RACES):
        barrier = threading.Barrier(WRITERS)

        def create(number, race=race, barrier=barrier):
            data = b"x" if same else f"{number}".encode()
            barrier.wait()
            return store.create(f"race/{race}", data)

        with ThreadPoolExecutor(WRITERS) as pool:
            won = list(pool.map(create, range(WRITERS)))
        assert won.count(True) == 1
        assert store.read(f"race/{race}") == (b"x" if same else f"{won.index(True)}".encode())


def test_of_racing_processes_exactly_one_wins(output):
    program = (
        "import sys; from skillstream.storage.store import open_store; store = open_store(sys.argv[1]);"
        "store.names(''); print('ready', flush=True); sys.stdin.readline();"
        "print(int(store.create('race', sys.argv[2].encode())))"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, output, str(number)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(6)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [process.communicate()[0].strip() for process in processes]
    assert won.count("1") == 1
    assert open_store(output).read("race") == str(won.index("1")).encode()


# --- what is wrong is told in one line ---------------------------------------------------------------------


def told(output):
    with pytest.raises(OutputError) as caught:
        open_run(output, INFO)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "hush-hush"}, "the credentials are wrong or have expired (SignatureDoes"),
        ({"AWS_ACCESS_KEY_ID": "who"}, "the credentials are wrong or have expired (InvalidAccessKeyId)"),
        ({"AWS_SESSION_TOKEN": "hush-hush"}, "the credentials are wrong or have expired (InvalidToken"),
    ],
)
def test_wrong_credentials(minio, output, monkeypatch, changes, message):
    lead_to(minio, monkeypatch, **changes)
    assert (found := told(output)).startswith(f"cannot read {output}/run.json: {message}"), found
    assert "hush" not in found
    assert "look at AWS_ACCESS_KEY_ID" in found


def test_no_credentials(minio, output, monkeypatch):
    lead_to(minio, monkeypatch, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    assert "no credentials for S3 were found: set AWS_ACCESS_KEY_ID" in told(output)


def test_a_missing_bucket(bucket_url):
    assert told(f"{bucket_url}x/tags").endswith(
        f"there is no bucket '{bucket_url[5:]}x' (NoSuchBucket); make it first"
    )


def test_no_server(minio, output, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        monkeypatch.setattr("skillstream.storage.bucket.FIRST_PATIENCE_S", 0.5)
        lead_to(minio, monkeypatch, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
        assert told(output).endswith(f"no answer from http://127.0.0.1:{port} (AWS_ENDPOINT_URL)")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of our own that a server barely fits on."""
    with fixtures.small_disk(tmp_path / "disk", "24m") as folder:
        yield folder


def fill(ballast):
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(1 << 16)):
                pass
        except OSError:
            pass


def publish_until_refused(chain):
    for start in range(20, 2000, 20):
        try:
            chain.publish(start, start + 20, make_rows(start, start + 20))
        except RunError as error:
            return error
    raise AssertionError("the store is not full")


def test_a_full_store_stops_the_chain_and_room_mends_it(small_disk, tmp_path, monkeypatch, request):
    request.addfinalizer(open_bucket.cache_clear)
    server = MinioServer(tmp_path / "minio", data=small_disk / "data")
    with fixtures.running(server):
        lead_to(server, monkeypatch)
        output = f"{server.make_bucket('tags')}/out"
        open_run(output, INFO)
        chain = Chain(output, SOURCE, PARTITION)
        chain.claim(0)
        chain.publish(0, 20, make_rows(0, 20))
        ballast = small_disk / "ballast"
        fill(ballast)
        error = publish_until_refused(chain)
        assert "the store is full (XMinioStorageFull); nothing is lost: make room" in str(error)
        assert "\n" not in str(error)
        with pytest.raises(OutputError, match="the store is full"):
            open_run(output, INFO)
        ballast.unlink()
        head = chain.head()
        Chain(output, SOURCE, PARTITION).publish(head, head + 20, make_rows(head, head + 20))
        assert published_offsets(open_store(output), chain) == list(range(head + 20))


def test_a_server_that_is_killed_and_comes_back_is_waited_for(own_minio):
    output = f"{own_minio.make_bucket('tags')}/out"
    open_run(output, INFO)
    chain = Chain(output, SOURCE, PARTITION)
    chain.claim(0)
    own_minio.kill()
    back = threading.Timer(1.0, own_minio.start)
    back.start()
    chain.publish(0, 20, make_rows(0, 20))
    back.join()
    assert published_offsets(open_store(output), chain) == list(range(20))


def test_a_server_that_stays_away_is_an_error_and_no_hang(own_minio, monkeypatch):
    monkeypatch.setattr("skillstream.storage.bucket.PATIENCE_S", 1.0)
    output = f"{own_minio.make_bucket('tags')}/out"
    store = open_store(output)
    store.create("a", b"x")
    own_minio.kill()
    for action in (lambda: store.create("b", b"x"), lambda: store.read("a"), lambda: store.names("")):
        with pytest.raises(RunError, match="no answer from http"):
            action()


def test_a_probe_leaves_nothing(output, minio):
    open_store(output).probe()
    assert open_bucket(parse_url(output.rsplit("/", 2)[0])).walk("") == []
