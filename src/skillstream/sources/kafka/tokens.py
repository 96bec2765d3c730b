"""Tokens for Kafka's OAUTHBEARER: from Google's or Amazon's own libraries, or from a function of yours.

A provider is a function without arguments that gives a token that is valid now. It is asked whenever a
connection is made or has to prove itself again, so it should keep a token for as long as it can. What it
needs to get one (keys, a role) it finds by itself on the machine it runs on: nothing secret travels in a job.
"""

from __future__ import annotations

import importlib
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kafka.net.sasl.oauth import AbstractTokenProvider

from skillstream.errors import UsageError
from skillstream.extras import needs_extra

__all__ = ["Provider", "google_token", "msk_token", "token_provider"]


class Provider(AbstractTokenProvider):  # type: ignore[misc]
    """A function as kafka-python wants it; shown by its name alone."""

    def __init__(self, name: str, token: Callable[[], str]) -> None:
        self._name = name
        self._token = token

    def token(self) -> str:
        """The token of now; an error of the function becomes the reader's, which tries again."""
        token = self._token()
        if not isinstance(token, str) or not token:
            raise TypeError(f"token provider {self._name} must give text, got {type(token).__name__}")
        return token

    def __repr__(self) -> str:
        return f"Provider({self._name})"


def token_provider(name: str) -> Provider:
    """The provider by this name: `google`, `msk`, or `module:function`.

    Raises:
        UsageError: its library is not installed, or there is no such function.
    """
    if name in _KNOWN:
        return Provider(name, _KNOWN[name]())
    module, _, function = name.partition(":")
    if not function:
        raise UsageError(f"--kafka-token-provider must be google, msk or module:function, got {name!r}")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"--kafka-token-provider {name}: {error}") from error
    if not callable(found):
        raise UsageError(f"--kafka-token-provider {name} is no function")
    return Provider(name, found)


def google_token() -> Callable[[], str]:
    """Tokens for Google's Managed Service for Apache Kafka, by the application's default credentials.

    Raises:
        UsageError: google-auth is not installed.
    """
    with needs_extra("google", "--kafka-token-provider google"):
        import google.auth
        from google.auth.transport.requests import Request

    known: list[Any] = []  # credentials, once they are found: on workers, not where the job is made

    def token() -> str:
        if not known:
            found, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
            known.append(found)
        [credentials] = known
        if not credentials.valid:
            credentials.refresh(Request())
        now = datetime.now(UTC)
        # An unsigned envelope that Google's brokers open: the access token within is what counts.
        claims = {
            "exp": credentials.expiry.replace(tzinfo=UTC).timestamp(),
            "iat": now.timestamp(),
            "iss": "Google",
            "scope": "kafka",
            "sub": getattr(credentials, "service_account_email", ""),
        }
        parts = (
            json.dumps({"typ": "JWT", "alg": "GOOG_OAUTH2_TOKEN"}),
            json.dumps(claims),
            credentials.token,
        )
        return ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)

    return token


def msk_token() -> Callable[[], str]:
    """Tokens for Amazon MSK with IAM, by the credentials that Amazon's tools find; they are signed here.

    Raises:
        UsageError: the signer is not installed, or no region is named.
    """
    with needs_extra("msk", "--kafka-token-provider msk"):
        from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
        from botocore.session import Session

    region = os.environ.get("AWS_REGION") or Session().get_config_variable("region")
    if not region:
        raise UsageError("--kafka-token-provider msk needs the cluster's region in the variable AWS_REGION")

    def token() -> str:
        signed, _ = MSKAuthTokenProvider.generate_auth_token(region)
        return str(signed)

    return token


_KNOWN: dict[str, Callable[[], Callable[[], str]]] = {"google": google_token, "msk": msk_token}
