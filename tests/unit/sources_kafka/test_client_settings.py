"""Client settings: files of all three dialects, the environment, clear refusals, no secrets shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.errors import SourceError, UsageError
from skillstream.sources.kafka.client_settings import load_client_settings, parse_properties
from skillstream.sources.kafka.config import KafkaConfig, parse_start

SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="me" password="a\\"b;c=d";'


def load(tmp_path, text: str, **environment: str):
    file = tmp_path / "client.properties"
    file.write_text(text, encoding="utf-8")
    return load_client_settings("h:1, g:2", str(file), environment).values


def test_properties_of_the_java_client(tmp_path):
    values = load(
        tmp_path,
        "# comment\n! another\nsecurity.protocol = SASL_SSL\nsasl.mechanism: SCRAM-SHA-512\n"
        f"sasl.jaas.config={SCRAM}\nrequest.timeout.ms=12000\nssl.endpoint.identification.algorithm=\n"
        "client.\\\nid=x\ncheck.crcs=false\n",
    )
    assert values == {
        "bootstrap_servers": ["h:1", "g:2"],
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "me",
        "sasl_plain_password": 'a"b;c=d',
        "request_timeout_ms": 12000,
        "ssl_check_hostname": False,
        "client_id": "x",
        "check_crcs": False,
    }


def test_json_and_names_of_librdkafka(tmp_path):
    values = load(
        tmp_path, json.dumps({"sasl.username": "me", "sasl.password": "pw", "ssl.ca.location": "/ca"})
    )
    assert values["sasl_mechanism"] == "PLAIN"
    assert (values["sasl_plain_username"], values["sasl_plain_password"]) == ("me", "pw")
    assert values["ssl_cafile"] == "/ca"


def test_the_environment_wins(tmp_path):
    values = load(
        tmp_path, "client.id=file\nfetch.max.bytes=5\n", SKILLSTREAM_KAFKA_CLIENT_ID="env", OTHER="x"
    )
    assert (values["client_id"], values["fetch_max_bytes"]) == ("env", 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense=1", "'nonsense' in .* is unknown to kafka-python"),
        ("enable.auto.commit=true", "not yours to set: offsets are committed after"),
        ("auto.offset.reset=latest", "use --start"),
        ("ssl.truststore.location=x.jks", "use PEM files by ssl.ca.location"),
        ("fetch.max.bytes=many", "expected a whole number, got 'many'"),
        ("check.crcs=perhaps", "expected true or false, got 'perhaps'"),
        ("selector=x", "cannot be set by text"),
        ("sasl.jaas.config=nothing", 'expected username="..." password="..."'),
        ("{broken", "not a flat JSON object"),
        ('{"a": {"b": 1}}', "not a flat JSON object"),
    ],
)
def test_refusals_say_what_is_wrong(tmp_path, text, message):
    with pytest.raises(SourceError, match=message):
        load(tmp_path, text)


def test_a_missing_file_is_named():
    with pytest.raises(SourceError, match=r"--kafka-config nowhere\.txt: cannot be read"):
        load_client_settings("h:1", "nowhere.txt", {})


def test_no_servers_is_told():
    with pytest.raises(SourceError, match="give --bootstrap-servers"):
        load_client_settings("", None, {})


@given(st.text(st.characters(codec="ascii", exclude_characters="\r\n"), min_size=1))
def test_secrets_are_never_shown(secret):
    environment = {f"SKILLSTREAM_KAFKA_{name}": f"<<{secret}>>" for name in ("SASL_PASSWORD", "SSL_PASSWORD")}
    settings = load_client_settings("h:1", None, environment)
    assert settings.values["ssl_password"] == f"<<{secret}>>"
    for shown in (repr(settings), str(settings), str(settings.shown())):
        assert f"<<{secret}>>" not in shown
        assert "***" in shown


@given(
    st.dictionaries(
        st.from_regex(r"[a-z.]{1,9}", fullmatch=True), st.from_regex(r"[ -~]{0,9}", fullmatch=True)
    )
)
def test_properties_come_back(pairs):
    pairs = {key: value.strip().rstrip("\\").lstrip("=: ") for key, value in pairs.items()}
    pairs = {key: value.strip() for key, value in pairs.items() if not value.strip().endswith("\\")}
    assert parse_properties("\n".join(f"{key}={value}" for key, value in pairs.items())) == pairs


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("earliest", "earliest"),
        ("latest", "latest"),
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:01+01:00", 1000),
        ("1970-01-02", 86_400_000),
    ],
)
def test_starts(start, expected):
    assert parse_start(start) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--topic is missing"),
        ({"topic": "a b"}, "no topic's name"),
        ({"topic": "t", "start": "yesterday"}, "--start must be earliest, latest or a time"),
        ({"topic": "t", "start": "1969-01-01"}, "before 1970"),
        ({"topic": "t", "max_chunk_rows": 0}, "--max-chunk-rows must be at least 1, got 0"),
        ({"topic": "t", "linger": -1.0}, r"--linger must lie in \[0, 3600\]"),
        ({"topic": "t", "on_gap": "ignore"}, "--on-gap must be one of fail, skip, got 'ignore'"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        KafkaConfig(bootstrap_servers="h:1", **options)


def test_the_group_to_commit_for():
    assert KafkaConfig(topic="t").commit_group == "skillstream.t"
    assert KafkaConfig(topic="t", group="").commit_group == ""
