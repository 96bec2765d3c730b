"""What each kind of store is asked with: a server that knows just enough of the three protocols."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skillstream.storage import bucket as object_client
from skillstream.storage.bucket import open_bucket
from skillstream.storage.store import open_store
from skillstream.storage.url import parse_url

# The header that asks for "only if absent", and how the store answers when it is not.
CONDITIONS = {
    "s3": ("If-None-Match", "*", 412),
    "gs": ("x-goog-if-generation-match", "0", 412),
    "az": ("If-None-Match", "*", 409),
}
MARKS = {"s3": "x-amz-meta-writer", "gs": "x-goog-meta-writer", "az": "x-ms-meta-writer"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        store = self.server.store
        name, value, refusal = CONDITIONS[store["kind"]]
        assert self.headers[name] == value
        if self.path in store["objects"]:
            self.answer(refusal)
            return
        store["objects"][self.path] = (data, self.headers[MARKS[store["kind"]]])
        store["put"] += 1
        if store["lose"]:  # the answer, not the request
            store["lose"] -= 1
            self.answer(500)
            return
        self.answer(201, ETag='"1"')

    def do_GET(self):
        found = self.server.store["objects"].get(self.path)
        if found is None:
            self.answer(404)
            return
        data, mark = found
        headers = {"ETag": '"1"', "Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT"}
        headers[MARKS[self.server.store["kind"]]] = mark
        if "Range" in self.headers or "x-ms-range" in self.headers:
            headers["Content-Range"] = f"bytes 0-0/{len(data)}"
            self.answer(206, data[:1], **headers)
        else:
            self.answer(200, data, **headers)

    def do_POST(self):
        """S3's way to remove many, and Azure's; the latter is not known here."""
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("?delete"):
            self.server.store["objects"].clear()
            self.answer(200, b"<DeleteResult></DeleteResult>")
        else:
            self.answer(501)

    def do_DELETE(self):
        self.server.store["objects"].clear()
        self.answer(204)

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(params=list(CONDITIONS))
def server(request, monkeypatch, tmp_path):
    """A store of each kind, and the environment that leads to it, as its own tools have it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.store = {"kind": request.param, "objects": {}, "put": 0, "lose": 0}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    account = tmp_path / "account.json"
    account.write_text(
        json.dumps(
            {
                "gcs_base_url": endpoint,
                "disable_oauth": True,
                "client_email": "",
                "private_key": "",
                "private_key_id": "",
            }
        )
    )
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "GOOGLE_SERVICE_ACCOUNT": str(account),
        "AZURE_STORAGE_ENDPOINT": endpoint,
        "AZURE_STORAGE_ACCOUNT_NAME": "account",
        "AZURE_STORAGE_ACCOUNT_KEY": "c2VjcmV0",
    }.items():
        monkeypatch.setenv(name, value)
    google = object_client.GCSStore

    def plain(bucket, *, client_options, **settings):
        """Google's addresses are never plain HTTP."""
        return google(bucket, client_options=client_options | {"allow_http": True}, **settings)

    monkeypatch.setattr(object_client, "GCSStore", plain)
    open_bucket.cache_clear()
    yield server
    open_bucket.cache_clear()
    server.shutdown()
    server.server_close()


def test_only_if_absent_is_asked_for_and_the_mark_tells_whose_it_is(server):
    url = f"{server.store['kind']}://bucket/out"
    store = open_store(url)
    store.probe()
    server.store["objects"].clear()
    assert store.create("a", b"first")
    assert not store.create("a", b"first")
    assert store.read("a") == b"first"
    assert store.read("b") is None
    server.store["lose"] = 1
    assert store.create("c", b"the answer to this is lost")
    assert server.store["put"] == 3  # the probe, a and c
    assert open_bucket(parse_url(f"{server.store['kind']}://bucket")).read("out/c")[:3] == b"the"
