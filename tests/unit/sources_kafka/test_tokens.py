"""Token providers: their names, what they need, and the tokens that the clouds' own libraries make."""

from __future__ import annotations

import json
import sys
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from skillstream.errors import UsageError
from skillstream.sources.kafka.client_settings import load_client_settings
from skillstream.sources.kafka.tokens import google_token, msk_token, token_provider


@pytest.fixture
def some_tokens(monkeypatch) -> SimpleNamespace:
    module = SimpleNamespace(token=lambda: "abc", text="no function", number=lambda: 7, empty=str)
    monkeypatch.setitem(sys.modules, "some_tokens", module)
    return module


def unpacked(part: str) -> str:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode()


def test_a_function_of_the_users_is_asked_each_time(some_tokens):
    provider = token_provider("some_tokens:token")
    assert provider.token() == "abc"
    some_tokens.token = None  # it is what was found at first
    assert provider.token() == "abc"
    assert provider.extensions() == {}


@pytest.mark.parametrize("name", ["number", "empty"])
def test_what_is_no_token_is_an_error_and_not_sent(some_tokens, name):
    with pytest.raises(TypeError, match=f"token provider some_tokens:{name} must give text"):
        token_provider(f"some_tokens:{name}").token()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("azure", "must be google, msk or module:function, got 'azure'"),
        ("some_tokens:", "must be google, msk or module:function"),
        ("some_tokens:nothing", "has no attribute 'nothing'"),
        ("some_tokens:text", "is no function"),
        ("no_such_module:token", "No module named 'no_such_module'"),
        (":token", "Empty module name"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(some_tokens, name, said):
    with pytest.raises(UsageError, match=said) as error:
        token_provider(name)
    assert str(error.value).startswith("--kafka-token-provider ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("name", "module"), [("google", "google.auth"), ("msk", "aws_msk_iam_sasl_signer")])
def test_without_the_library_the_extra_is_named(monkeypatch, name, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError, match=rf"needs pip install 'skillstream\[{name}\]'"):
        token_provider(name)


def test_tokens_are_encrypted_oauthbearer_unless_said_otherwise(some_tokens, tmp_path):
    values = load_client_settings("h:1", None, {}, tokens="some_tokens:token").values
    assert (values["sasl_mechanism"], values["security_protocol"]) == ("OAUTHBEARER", "SASL_SSL")
    assert values["sasl_oauth_token_provider"].token() == "abc"
    file = tmp_path / "kafka.properties"
    file.write_text("security.protocol=SASL_PLAINTEXT\nsasl.oauth.token.provider=some_tokens:token\n")
    values = load_client_settings("h:1", str(file), {}).values
    assert (values["sasl_mechanism"], values["security_protocol"]) == ("OAUTHBEARER", "SASL_PLAINTEXT")


def test_settings_show_no_token(some_tokens):
    settings = load_client_settings("h:1", None, {}, tokens="some_tokens:token")
    assert "abc" not in repr(settings)
    assert "abc" not in repr(settings.values)


def test_googles_token_is_the_access_token_in_their_envelope(monkeypatch):
    auth = pytest.importorskip("google.auth", reason="the extra `google` is not installed")
    expiry = datetime(2030, 1, 1, 12)  # as their library keeps it: UTC without saying so
    credentials = SimpleNamespace(
        valid=False, refreshed=0, expiry=expiry, token="", service_account_email="tags@p.iam"
    )

    def refresh(_: object) -> None:
        credentials.refreshed += 1
        credentials.valid, credentials.token = True, f"ya29.{credentials.refreshed}"

    credentials.refresh = refresh
    monkeypatch.setattr(auth, "default", lambda scopes: (credentials, "project"))
    token = google_token()
    header, claims, access = map(unpacked, token().split("."))
    assert json.loads(header) == {"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}
    told = json.loads(claims)
    assert (told["iss"], told["scope"], told["sub"]) == ("Google", "kafka", "tags@p.iam")
    assert told["exp"] == expiry.replace(tzinfo=UTC).timestamp()
    assert access == "ya29.1"
    assert unpacked(token().split(".")[2]) == "ya29.1"  # kept while it is valid
    credentials.valid = False
    assert unpacked(token().split(".")[2]) == "ya29.2"


def test_amazons_token_is_a_signed_address_of_the_region(monkeypatch):
    pytest.importorskip("aws_msk_iam_sasl_signer", reason="the extra `msk` is not installed")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    address = urlsplit(unpacked(msk_token()()))
    assert address.netloc == "kafka.eu-west-1.amazonaws.com"
    fields = parse_qs(address.query)
    assert fields["Action"] == ["kafka-cluster:Connect"]
    assert fields["X-Amz-Credential"][0].startswith("AKIAEXAMPLE/")
    assert "secret" not in address.query
    signed_at = datetime.strptime(fields["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert datetime.now(UTC) - signed_at < timedelta(days=1)


def test_amazons_region_must_be_known(monkeypatch, tmp_path):
    pytest.importorskip("aws_msk_iam_sasl_signer", reason="the extra `msk` is not installed")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="needs the cluster's region in the variable AWS_REGION"):
        token_provider("msk")
