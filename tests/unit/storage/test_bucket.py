"""Object stores without a server: addresses, error words, patience, answers that get lost."""

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError
from obstore.store import MemoryStore

from skillstream.errors import OutputError, RunError, UsageError
from skillstream.output.run_info import RunInfo, open_run, read_run
from skillstream.storage.bucket import Bucket
from skillstream.storage.bucket_errors import error_kind, error_words
from skillstream.storage.object_store import ObjectStore
from skillstream.storage.store import folder_name, open_store
from skillstream.storage.url import ObjectURL, parse_url
from skillstream.storage.waiting import WAITS

ROOT = ObjectURL("s3", "bucket", "")


def test_names_with_a_prefix_are_asked_for_from_there_on():
    bucket = Bucket(ROOT, MemoryStore())
    for name in ("t/a.1", "t/b%2F c.1", "t/b%2F c.2", "t/b%2F cc.1", *(f"t/z.{n:04d}" for n in range(1200))):
        bucket.create(name, b"")
    assert bucket.names_after("t", "b%2F c.") == ["b%2F c.1", "b%2F c.2"]
    assert bucket.names_after("t", "b%2F c.", "b%2F c.1") == ["b%2F c.2"]
    assert bucket.names_after("t", "b.") == bucket.names_after("none", "b") == []
    assert bucket.names_after("t", "z.") == [f"z.{n:04d}" for n in range(1000)]
    assert bucket.names_after("t", "z.", "z.0999") == [f"z.{n:04d}" for n in range(1000, 1200)]
    assert bucket.names_after("t", "a", "c") == []


@pytest.mark.parametrize("scheme", ["s3", "az"])
def test_the_end_of_an_object(scheme):
    bucket = Bucket(ObjectURL(scheme, "bucket", ""), MemoryStore())
    bucket.create("a", b"0123456789")
    assert bucket.read_end("a", 3) == b"789"
    assert bucket.read_end("a", 300) == b"0123456789"
    assert bucket.read_end("b", 3) is None


# --- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scheme", "bucket", "key"),
    [
        ("s3://bucket", "s3", "bucket", ""),
        ("s3://bucket/", "s3", "bucket", ""),
        ("gs://my.bucket-1/a/b/", "gs", "my.bucket-1", "a/b"),
        ("az://container/tags", "az", "container", "tags"),
        ("s3://bucket/a b/ü%2F", "s3", "bucket", "a b/ü%2F"),
    ],
)
def test_addresses(text, scheme, bucket, key):
    url = parse_url(text)
    assert (url.scheme, url.bucket, url.key) == (scheme, bucket, key)
    assert parse_url(str(url)) == url
    assert folder_name(text) == str(url)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ftp://host/folder", "expected a folder or s3://, gs://, az://"),
        ("s3a://bucket/x", "expected a folder or s3://"),
        ("s3://", "'' is no bucket's name"),
        ("s3:///tags", "is no bucket's name"),
        ("s3://localhost:9000/bucket", "another server than the provider's is named by an environment var"),
        ("s3://bucket/a//b", "without empty parts"),
        ("s3://bucket/../b", "without empty parts and dots"),
        ("s3://key:hush@bucket/a", "which may hold secrets"),
        ("s3://key:hu@sh@bucket/a", "which may hold secrets"),
        ("s3://bucket/a?X-Amz-Signature=hush", "which may hold secrets"),
        ("az://container/a?sv=1&sig=hush", "which may hold secrets"),
    ],
)
def test_addresses_that_are_refused(text, message):
    with pytest.raises(UsageError, match=message) as caught:
        parse_url(text)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(OutputError):
        open_store(text)


# --- errors --------------------------------------------------------------------------------------------


def answer(status, code="", error=GenericError):
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code></Error>' if code else ""
    return error(
        f"Generic S3 error: Error performing PUT http://h/b?sig=hush in 1ms - Server returned non-2xx status "
        f"code: {status} X: {body}\n\nDebug source:\nGeneric {{ sig=hush"
    )


UNREACHABLE = GenericError(
    "Generic S3 error: Error performing GET http://h in 5s - HTTP error: error sending"
)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (UNREACHABLE, "passing", "no answer from S3"),
        (answer(503, "SlowDown"), "passing", "the store answered HTTP 503 SlowDown"),
        (answer(500), "passing", "HTTP 500"),
        (answer(429), "passing", "HTTP 429"),
        (answer(507, "XMinioStorageFull"), "full", "the store is full (XMinioStorageFull); nothing is lost"),
        (answer(403, "AccessDenied", PermissionDeniedError), "refused", "access denied (AccessDenied)"),
        (answer(403, "SignatureDoesNotMatch"), "refused", "the credentials are wrong or have expired"),
        (answer(400, "ExpiredToken"), "refused", "the credentials are wrong or have expired (ExpiredToken)"),
        (answer(403, "RequestTimeTooSkewed"), "refused", "this machine's clock is wrong"),
        (
            answer(301, "PermanentRedirect"),
            "refused",
            "in another region (PermanentRedirect); set AWS_REGION",
        ),
        (answer(404, "NoSuchBucket", FileNotFoundError), "refused", "there is no bucket 'bucket'"),
        (answer(404, "ContainerNotFound", FileNotFoundError), "refused", "there is no bucket 'bucket'"),
        (answer(404, "NoSuchKey", FileNotFoundError), "missing", ""),
        (answer(412, "PreconditionFailed", AlreadyExistsError), "exists", ""),
        (answer(501, "NotImplemented"), "refused", "does not support this request (NotImplemented)"),
        (answer(418), "refused", "the store answered HTTP 418"),
        (
            GenericError("Error performing PUT http://169.254.169.254/latest - x"),
            "credentials",
            "set AWS_ACC",
        ),
        (GenericError("Account must be specified"), "credentials", "set AWS_ACCESS_KEY_ID"),
        (GenericError("HTTP error: builder error"), "refused", "HTTP error: builder error"),
        (GenericError("odd http://h/b?sig=hush failed\nmore"), "refused", "odd http://h/b?*** failed"),
    ],
)
def test_errors_in_one_line_without_secrets(error, kind, words):
    assert error_kind(error) == kind
    told = error_words(error, ROOT / "tags")
    assert words in told
    assert "hush" not in told
    assert "\n" not in told


# --- requests ------------------------------------------------------------------------------------------


class Flaky:
    """Loses answers: the request is done, or not, and an error comes back."""

    def __init__(self, monkeypatch, *faults):
        self.put, self.faults = obstore.put, list(faults)
        self.waits = []
        monkeypatch.setattr(obstore, "put", self)

    def __call__(self, *args, **options):
        fault = self.faults.pop(0) if self.faults else None
        if fault == "lost request":
            raise UNREACHABLE
        result = self.put(*args, **options)
        if fault == "lost answer":
            raise UNREACHABLE
        return result


@pytest.mark.parametrize(
    "faults",
    [["lost request"], ["lost answer"], ["lost request", "lost answer", "lost request"], ["lost answer"] * 3],
)
def test_a_repeated_create_whose_answer_was_lost_is_ours(monkeypatch, faults):
    bucket = Bucket(ROOT, MemoryStore(), sleep=lambda _: None)
    Flaky(monkeypatch, *faults)
    assert bucket.create("a", b"x")
    assert bucket.read("a") == b"x"
    assert not bucket.create("a", b"x")


def test_a_lost_answer_and_somebody_else_was_faster(monkeypatch):
    bucket = Bucket(ROOT, MemoryStore(), sleep=lambda _: bucket.create("a", b"theirs"))
    Flaky(monkeypatch, "lost request")
    assert not bucket.create("a", b"ours")
    assert bucket.read("a") == b"theirs"


def test_a_conflict_while_there_is_nothing_yet_is_tried_again(monkeypatch):
    """S3 answers 409, which obstore tells as "exists", while another writer is at the same name."""
    put, answers = obstore.put, [answer(409, "ConditionalRequestConflict", AlreadyExistsError)]

    def conflicting(*args, **options):
        if answers:
            raise answers.pop()
        return put(*args, **options)

    monkeypatch.setattr(obstore, "put", conflicting)
    bucket = Bucket(ROOT, MemoryStore(), sleep=lambda _: None)
    assert bucket.create("a", b"x")


def test_patience_is_short_before_the_first_answer_and_long_after_it(monkeypatch):
    clock, waits = [0.0], []

    def sleep(seconds):
        waits.append(seconds)
        clock[0] += seconds

    def away(*_, **__):
        raise UNREACHABLE

    store = MemoryStore()
    bucket = Bucket(ROOT, store, sleep=sleep, now=lambda: clock[0])
    with monkeypatch.context() as broken:
        broken.setattr(obstore, "get", away)
        with pytest.raises(RunError, match=r"cannot read s3://bucket/a: no answer from S3"):
            bucket.read("a")
    assert 10 <= sum(waits) < 16
    assert max(waits) <= 5
    assert bucket.read("a") is None  # an answer
    waits.clear()
    monkeypatch.setattr(obstore, "get", away)
    with pytest.raises(RunError):
        bucket.read("a")
    assert 300 <= sum(waits) < 306
    waits.clear()
    with pytest.raises(RunError):
        bucket.read("a", patience_s=2.0)
    assert sum(waits) < 8


def test_the_environment_says_another_patience_also_for_the_first_answer(monkeypatch):
    clock = [0.0]
    told = []

    def sleep(seconds):
        clock[0] += seconds
        told.append(WAITS.longest())

    def away(*_, **__):
        raise UNREACHABLE

    monkeypatch.setattr(obstore, "get", away)
    bucket = Bucket(ROOT, MemoryStore(), sleep=sleep, now=lambda: clock[0])
    monkeypatch.setenv("SKILLSTREAM_STORE_PATIENCE", "3600")
    with pytest.raises(RunError, match="no answer from S3"):
        bucket.read("a")
    assert 3600 <= clock[0] < 3606
    assert "cannot read s3://bucket/a: no answer from S3" in told[0][1]
    assert WAITS.longest() is None  # it has given up
    monkeypatch.setenv("SKILLSTREAM_STORE_PATIENCE", "long")
    with pytest.raises(RunError, match="SKILLSTREAM_STORE_PATIENCE must be a number of seconds, got 'long'"):
        bucket.read("a")


def test_what_no_waiting_mends_is_told_at_once(monkeypatch):
    def denied(*_, **__):
        raise answer(403, "AccessDenied", PermissionDeniedError)

    bucket = Bucket(ROOT, MemoryStore(), sleep=lambda _: pytest.fail("waited"))
    bucket.read("a")
    monkeypatch.setattr(obstore, "put", denied)
    with pytest.raises(RunError, match="cannot write s3://bucket/a: access denied") as caught:
        bucket.create("a", b"x")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_store_that_ignores_the_condition_is_refused(monkeypatch):
    put = obstore.put
    monkeypatch.setattr(obstore, "put", lambda *args, mode, **options: put(*args, **options))
    store = MemoryStore()
    with pytest.raises(OutputError, match="this store overwrites objects .*If-None-Match"):
        ObjectStore(ROOT / "out", Bucket(ROOT, store)).probe()
    assert obstore.list_with_delimiter(store)["objects"] == []


def test_a_probe_without_the_right_to_remove_warns(monkeypatch, caplog):
    def denied(*_, **__):
        raise answer(403, "AccessDenied", PermissionDeniedError)

    monkeypatch.setattr(obstore, "delete", denied)
    ObjectStore(ROOT / "out", Bucket(ROOT, MemoryStore())).probe()
    assert "cannot remove s3://bucket/out/.probe-" in caplog.text


def test_run_json(memory_s3):
    info = RunInfo(identity={"taxonomy": "esco"}, created_at="2030-01-01T00:00:00Z")
    assert read_run("s3://bucket/out") is None
    assert open_run("s3://bucket/out", info) == info
    with pytest.raises(OutputError, match="s3://bucket/out/ was made with taxonomy 'esco'"):
        open_run("s3://bucket/out/", RunInfo(identity={"taxonomy": "onet"}, created_at=""))
    assert [item["path"] for item in obstore.list(memory_s3("bucket")).collect()] == ["out/run.json"]
