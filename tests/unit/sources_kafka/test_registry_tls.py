"""A schema registry behind TLS: who is trusted, what is told in one line if not; no secret is in a log."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from skillstream.errors import SourceError
from skillstream.sources.kafka import KafkaConfig
from skillstream.sources.kafka.plan import check_values
from skillstream.sources.kafka.values import RegistryAwayError
from skillstream.sources.kafka.values.registry import RegistryRefusedError, SchemaRegistry
from skillstream.sources.kafka.values.registry_settings import load_registry_settings

USER, PASSWORD, TOKEN = "reader", "s3cret-Pa55", "t0ken-of-ours"


class Authority:
    """A certificate authority of our own; its files lie in `folder`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority {folder.name}")])
        certificate = self._signed(self._name, self._key.public_key(), is_authority=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, name: str) -> Path:
        """A file with a certificate for 127.0.0.1 and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = self._signed(subject, key.public_key(), is_authority=False)
        encoding = serialization.Encoding.PEM
        secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file = self._folder / f"{name}.pem"
        file.write_bytes(certificate.public_bytes(encoding) + secret)
        return file

    def _signed(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(address, critical=False)
            .sign(self._key, hashes.SHA256())
        )


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("Authorization"))
        wanted = self.server.wants
        status = 200 if wanted is None or self.server.asked[-1] == wanted else 401
        types = self.path.endswith("/types")
        data = (b'["AVRO"]' if types else b'{"schema": "\\"string\\""}') if status == 200 else b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


class Registry(ThreadingHTTPServer):
    """Behind TLS; `wants` is the header by which it knows its clients."""

    def __init__(self, certificate: Path, clients: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            # By 1.3 a client may have hung up before it hears the refusal: away, until one try hears it.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.load_verify_locations(clients)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://127.0.0.1:{self.server_port}"
        self.asked: list[str | None] = []
        self.wants: str | None = None

    def handle_error(self, *_: object) -> None:
        """Clients that do not trust us hang up."""

    def __enter__(self) -> Registry:
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls") / "theirs")


@pytest.fixture
def server(authority) -> Iterator[Registry]:
    with Registry(authority.issue("server")) as registry:
        yield registry


@pytest.fixture
def settings_file(tmp_path, server):
    """Makes a `--kafka-config` file of settings of the registry."""

    def make(**settings: object) -> str:
        lines = [f"schema.registry.{name.replace('_', '.')}={value}\n" for name, value in settings.items()]
        file = tmp_path / "client.properties"
        file.write_text(f"bootstrap.servers=127.0.0.1:1\nschema.registry.url={server.url}\n" + "".join(lines))
        return str(file)

    return make


def client(file: str) -> SchemaRegistry:
    settings = load_registry_settings(None, file, {})
    assert settings is not None
    return SchemaRegistry(settings)


def test_a_certificate_of_our_own_authority_is_trusted_if_it_is_named(server, settings_file, authority):
    assert client(settings_file(ssl_ca_location=authority.file)).schema(7).text == '"string"'


def test_the_named_authority_wins_over_the_environments(
    server, settings_file, authority, stranger, monkeypatch
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(stranger.file))
    assert client(settings_file(ssl_ca_location=authority.file)).schema(7).text == '"string"'


@pytest.mark.parametrize("named", ["none", "another", "no certificate at all"])
def test_who_is_not_trusted_is_refused_in_one_line(server, settings_file, stranger, tmp_path, named):
    (tmp_path / "empty.pem").write_text("not a certificate\n")
    files = {"another": stranger.file, "no certificate at all": tmp_path / "empty.pem"}
    settings = {"ssl_ca_location": files[named]} if named in files else {}
    file = settings_file(basic_auth_user_info=f"{USER}:{PASSWORD}", **settings)
    with pytest.raises(RegistryRefusedError) as caught:
        client(file).schema(7)
    assert server.url in str(caught.value)
    assert "schema.registry.ssl.ca.location" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert server.asked == []  # and has not heard of us
    with pytest.raises(SourceError, match=r"ssl\.ca\.location"):
        check_values(KafkaConfig(topic="t", value_format="avro", kafka_config=file))


def test_a_registry_that_wants_a_certificate_of_its_clients(
    authority, stranger, settings_file, server, tmp_path
):
    with Registry(authority.issue("strict"), clients=authority.file) as strict:

        def strictly(**settings: object) -> SchemaRegistry:
            file = Path(settings_file(ssl_ca_location=authority.file, **settings))
            file.write_text(file.read_text().replace(server.url, strict.url))
            return client(str(file))

        ours = authority.issue("client")
        assert strictly(ssl_certificate_location=ours).schema(7).text == '"string"'
        for settings in ({}, {"ssl_certificate_location": stranger.issue("client")}):
            with pytest.raises(RegistryRefusedError, match=r"schema\.registry\.ssl\.certificate\.location"):
                strictly(**settings).schema(7)
        for wrong in (
            {"ssl_certificate_location": authority.file},
            {"ssl_certificate_location": ours, "ssl_key_location": stranger.issue("x")},
        ):
            with pytest.raises(RegistryRefusedError, match=r"schema\.registry\.ssl\.certificate\.location"):
                strictly(**wrong).schema(7)


@pytest.mark.parametrize(
    ("settings", "header"),
    [
        ({"basic_auth_user_info": f"{USER}:{PASSWORD}"}, "Basic cmVhZGVyOnMzY3JldC1QYTU1"),
        ({"bearer_auth_token": TOKEN}, f"Bearer {TOKEN}"),
    ],
)
def test_secrets_let_us_in_and_are_in_no_log(
    server, settings_file, authority, stranger, settings, header, caplog
):
    caplog.set_level(logging.DEBUG)
    said = []
    server.wants = header
    file = settings_file(ssl_ca_location=authority.file, **settings)
    assert client(file).schema(7).text == '"string"'
    assert server.asked == [header]
    server.wants = "somebody else"
    with pytest.raises(RegistryRefusedError, match="HTTP 401") as caught:
        client(file).schema(7)
    said.append(str(caught.value))
    with pytest.raises(RegistryRefusedError) as caught:
        client(settings_file(ssl_ca_location=stranger.file, **settings)).schema(7)
    said.append(str(caught.value))
    server.shutdown()
    server.server_close()
    with pytest.raises(RegistryAwayError) as away:
        client(file).schema(7)
    said.append(str(away.value))
    said += [repr(load_registry_settings(None, file, {})), *map(logging.Formatter().format, caplog.records)]
    for secret in (PASSWORD, TOKEN, header.split()[1]):
        assert not [line for line in said if secret in line]


def test_something_else_than_tls_is_away(tmp_path, authority):
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as plain:
        threading.Thread(target=plain.serve_forever, args=(0.01,), daemon=True).start()
        file = tmp_path / "client.properties"
        url = f"https://127.0.0.1:{plain.server_port}"
        file.write_text(f"schema.registry.url={url}\nschema.registry.ssl.ca.location={authority.file}\n")
        with pytest.raises(RegistryAwayError, match="is away: SSLError"):
            client(str(file)).schema(7)
        plain.shutdown()
