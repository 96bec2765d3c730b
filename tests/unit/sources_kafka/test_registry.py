"""The schema registry's client: what "no", "away" and "not you" are, and that it keeps its secrets."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from skillstream.errors import SourceError, UsageError
from skillstream.sources.kafka import KafkaConfig
from skillstream.sources.kafka.client_settings import load_client_settings
from skillstream.sources.kafka.plan import check_values
from skillstream.sources.kafka.values import RegistryAwayError, value_decoder
from skillstream.sources.kafka.values.registry import (
    UNKNOWN_S,
    RegistryRefusedError,
    SchemaRegistry,
    UnknownSchemaError,
)
from skillstream.sources.kafka.values.registry_settings import RegistrySettings, load_registry_settings
from tests.servers.common import free_port

UNKNOWN = (404, {"error_code": 40403, "message": "Schema not found"})


class Registry(ThreadingHTTPServer):
    """Answers what it is told to: path → status and body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, tuple[int, object]] = {}
        self.asked: list[str] = []
        self.authorization: str | None = None
        self.url = f"http://127.0.0.1:{self.server_port}/base"


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        path = self.path.removeprefix("/base").partition("?")[0]
        self.server.asked.append(path)
        self.server.authorization = self.headers.get("Authorization")
        otherwise = (404, b"not here") if path == "/schemas/types" else UNKNOWN
        status, body = self.server.answers.get(path, otherwise)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status in (301, 307):
            self.send_header("Location", data.decode())
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[Registry]:
    with Registry() as registry:
        thread = threading.Thread(target=registry.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield registry
        registry.shutdown()


def client(server: Registry, **more: object) -> SchemaRegistry:
    return SchemaRegistry(RegistrySettings(server.url, **more))


def test_a_schema_is_asked_for_once_with_all_that_it_refers_to(server):
    refer = [{"name": "a", "subject": "s/a", "version": 2}]
    both = [{"name": "b", "subject": "b", "version": 1}, *refer]
    server.answers = {
        "/schemas/ids/5": (200, {"schema": "main", "schemaType": "PROTOBUF", "references": both}),
        "/subjects/b/versions/1": (200, {"schema": "text b", "references": refer, "id": 9}),
        "/subjects/s%2Fa/versions/2": (200, {"schema": "text a", "references": both}),  # a circle ends
    }
    registry = client(server)
    schema = registry.schema(5)
    assert (schema.kind, schema.text, schema.references) == (
        "PROTOBUF",
        "main",
        [("a", "text a"), ("b", "text b")],
    )
    assert registry.schema(5) is schema
    assert len(server.asked) == 3


def test_no_such_schema_is_believed_for_a_while(server):
    now = [100.0]
    registry = SchemaRegistry(RegistrySettings(server.url), now=lambda: now[0])
    for _ in range(3):
        with pytest.raises(UnknownSchemaError, match="/schemas/ids/5"):
            registry.schema(5)
    assert len(server.asked) == 1
    server.answers["/schemas/ids/5"] = (200, {"schema": '"string"'})
    now[0] += UNKNOWN_S + 1
    assert registry.schema(5).kind == "AVRO"


def test_a_reference_that_the_registry_does_not_have(server):
    refer = [{"name": "a", "subject": "a", "version": 2}]
    server.answers["/schemas/ids/5"] = (200, {"schema": "main", "references": refer})
    with pytest.raises(UnknownSchemaError, match="/subjects/a/versions/2"):
        client(server).schema(5)


@pytest.mark.parametrize(
    "answer",
    [
        (404, b"default backend - 404"),  # a proxy's, while no registry runs behind it
        (404, {"error_code": 0, "message": "Could not find resource"}),
        (404, {"message": "no"}),
        (404, {"error_code": 404, "message": "HTTP 404 Not Found"}),
        (429, {}),
        (500, {"error_code": 50001}),
        (502, b"<html>"),
        (503, b""),
        (200, b"<html>log in</html>"),
        (200, {"other": 1}),
        (204, b""),
    ],
)
def test_whatever_may_pass_is_away(server, answer):
    server.answers["/schemas/ids/5"] = answer
    registry = client(server)
    with pytest.raises(RegistryAwayError, match=f"schema registry {server.url} is away"):
        registry.schema(5)
    server.answers["/schemas/ids/5"] = (200, {"schema": '"string"'})
    assert registry.schema(5).text == '"string"'


def test_a_bare_404_is_a_no_if_the_registry_is_there(server):
    server.answers["/schemas/ids/5"] = (404, {"error_code": 0, "message": "Could not find resource"})
    server.answers["/schemas/types"] = (200, ["AVRO"])
    with pytest.raises(UnknownSchemaError):
        client(server).schema(5)
    server.answers["/schemas/types"] = (404, b"default backend - 404")
    with pytest.raises(RegistryAwayError):
        client(server).schema(5)


def test_nobody_there_is_away():
    with pytest.raises(RegistryAwayError, match="is away: ConnectionError"):
        SchemaRegistry(RegistrySettings(f"http://127.0.0.1:{free_port()}")).schema(1)


@pytest.mark.parametrize("status", [401, 403])
def test_not_let_in(server, status):
    server.answers["/schemas/ids/5"] = (status, {"error_code": status})
    with pytest.raises(RegistryRefusedError, match=r"basic\.auth\.user\.info"):
        client(server).schema(5)


def test_who_we_are(server):
    server.answers["/schemas/ids/5"] = (200, {"schema": '"string"'})
    client(server, user=("me", "pass:word")).schema(5)
    assert server.authorization == "Basic " + base64.b64encode(b"me:pass:word").decode()
    client(server, token="t0ken").schema(5)
    assert server.authorization == "Bearer t0ken"
    client(server).schema(5)
    assert server.authorization is None


def test_a_redirection_elsewhere_does_not_get_the_secret(server):
    with Registry() as other:
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        elsewhere = f"http://localhost:{other.server_port}/base/schemas/ids/5"
        server.answers["/schemas/ids/5"] = (307, elsewhere.encode())
        other.answers["/schemas/ids/5"] = (200, {"schema": '"string"'})
        assert client(server, token="t0ken").schema(5).text == '"string"'
        assert other.authorization is None
        other.shutdown()


# --- before the first record -----------------------------------------------------------------------------


def config(server: Registry, **more: object) -> KafkaConfig:
    return KafkaConfig(**({"topic": "t", "value_format": "avro", "schema_registry": server.url} | more))


def test_the_start_refuses_what_is_no_registry_or_does_not_let_us_in(server):
    server.answers["/schemas/types"] = (200, ["AVRO"])
    check_values(config(server))
    for answer in ((404, b"nothing here"), (404, {"error_code": 404}), (200, b"<html>")):
        server.answers["/schemas/types"] = answer
        with pytest.raises(SourceError, match="is that a schema registry"):
            check_values(config(server))
    server.answers["/schemas/types"] = (401, b"")
    with pytest.raises(SourceError, match="refuses"):
        check_values(config(server))


def test_the_start_warns_of_a_registry_that_is_away(server, caplog):
    server.answers["/schemas/types"] = (503, b"")
    with caplog.at_level(logging.WARNING):
        check_values(config(server))
    assert "values that need it wait" in caplog.text


@pytest.mark.parametrize("value_format", ["avro", "protobuf", "json-schema"])
def test_a_format_with_schemas_needs_a_registry(value_format, monkeypatch):
    monkeypatch.delenv("SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_URL", raising=False)
    with pytest.raises(UsageError, match=f"--value-format {value_format} needs --schema-registry URL"):
        check_values(KafkaConfig(topic="t", value_format=value_format))


def test_protobuf_needs_its_compiler(monkeypatch):
    from skillstream.sources.kafka.values import protobuf

    monkeypatch.setattr(protobuf, "COMPILER", "no_such_module")
    with pytest.raises(UsageError, match=r"pip install 'skillstream\[protobuf\]'"):
        value_decoder("protobuf", "http://localhost:1")


def test_options():
    with pytest.raises(UsageError, match="--value-format must be one of json, avro, protobuf, json-schema"):
        KafkaConfig(topic="t", value_format="xml")
    for url in ("localhost:8081", "file:///etc/passwd", "http://", "http://[x"):
        with pytest.raises(UsageError, match="--schema-registry"):
            KafkaConfig(topic="t", schema_registry=url)
    with pytest.raises(UsageError) as caught:
        KafkaConfig(topic="t", schema_registry="https://me:s3cret@host")
    assert "s3cret" not in str(caught.value)


# --- settings --------------------------------------------------------------------------------------------


def load(tmp_path, text: str, url: str | None = None, **environment: str) -> RegistrySettings | None:
    file = tmp_path / "client.properties"
    file.write_text(text)
    load_client_settings("h:1", str(file), environment)  # Kafka's client does not mind them
    return load_registry_settings(url, str(file), environment)


def test_settings_of_the_java_client_and_the_environment(tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_text("x")
    found = load(
        tmp_path,
        "security.protocol=SSL\nschema.registry.url=https://file:81/\nbasic.auth.credentials.source=USER_INFO\n"
        f"basic.auth.user.info=me:a:b\nschema.registry.ssl.ca.location={ca}\n",
        SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_URL="https://env:82/path/",
        SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO="you:c",
    )
    assert (found.url, found.user, found.ca) == ("https://env:82/path", ("you", "c"), str(ca))
    assert load(tmp_path, "", "http://flag:1").url == "http://flag:1"
    assert load(tmp_path, "client.id=x\n") is None


def test_users_in_addresses_are_taken_out(tmp_path):
    found = load(tmp_path, "schema.registry.url=https://me:p%40ss@host:81/x\n")
    assert (found.url, found.user) == ("https://host:81/x", ("me", "p@ss"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("schema.registry.url=host:81", "must be http"),
        ("schema.registry.url=http://h\nbasic.auth.user.info=secret", "expected USER:PASSWORD"),
        ("schema.registry.url=http://h\nbearer.auth.token=sec ret", "no header"),
        ("schema.registry.url=http://h\nbasic.auth.credentials.source=SASL_INHERIT", "USER_INFO"),
        ("schema.registry.url=http://h\nschema.registry.nonsense=1", "is unknown"),
        ("schema.registry.url=http://h\nschema.registry.ssl.truststore.location=x.jks", "PEM"),
        ("schema.registry.url=http://h\nschema.registry.ssl.ca.location=/no/such", "there is no file"),
    ],
)
def test_settings_that_are_refused(tmp_path, text, words):
    with pytest.raises(SourceError, match=words) as caught:
        load(tmp_path, text)
    assert "sec" not in str(caught.value).replace("schema", "")


def test_secrets_are_not_shown():
    settings = RegistrySettings("http://h", ("me", "s3cret"), "t0ken")
    assert "s3cret" not in repr(settings)
    assert "t0ken" not in repr(settings)
