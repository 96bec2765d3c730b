"""A schema registry with Confluent's API: schemas by id, what they refer to included.

*A registry that says no* and *a registry that is away* are told apart: only its own answer that there is no
such schema is `UnknownSchemaError`: 404 with its error code, or without one while it answers otherwise (a
proxy says 404, too, while no registry runs behind it). Everything that may pass (no connection, a time-out,
5xx, 429, an answer that is none of a registry's) is `RegistryAwayError`: the reader waits and asks again, for
as long as it takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import msgspec
import requests
from cachetools import TTLCache

from skillstream.errors import RunError
from skillstream.sources.kafka.values.registry_settings import RegistrySettings

__all__ = ["RegistryAwayError", "RegistryRefusedError", "Schema", "SchemaRegistry", "UnknownSchemaError"]

T = TypeVar("T")

TIMEOUT_S = 4.0  # a drain never waits for longer
# For how long "there is no such schema" is believed: it may be registered late, but is asked for seldom.
UNKNOWN_S = 30.0
MAX_UNKNOWN = 10_000  # damaged records may state any id
MAX_REFERENCES = 1000  # of one schema; far beyond any that is meant

# What OpenSSL calls that which no repetition mends, and what to say of it.
_NO_TLS = (
    (
        ("CERTIFICATE_VERIFY_FAILED", "NO_CERTIFICATE_OR_CRL_FOUND"),
        "its certificate is not trusted; name its authority's file by schema.registry.ssl.ca.location in "
        "--kafka-config",
    ),
    (
        # It wants one of us, or another; or ours has no key, or that of another.
        ("CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN",
         "ALERT_HANDSHAKE_FAILURE", "KEY_VALUES_MISMATCH", "PEM lib"),
        "our certificate does not let us in; name its file, and that of its key, by "
        "schema.registry.ssl.certificate.location and schema.registry.ssl.key.location in --kafka-config",
    ),
)  # fmt: skip

MEDIA_TYPES = "application/vnd.schemaregistry.v1+json, application/json"


class UnknownSchemaError(Exception):
    """The registry answers that it has no such schema."""


class RegistryAwayError(OSError):
    """The registry cannot be asked now; it may in a moment."""


class _NoRegistryError(RegistryAwayError):
    """Something else answers; once it was a registry, it may be one again."""


class _NotFoundError(_NoRegistryError):
    """404 without a registry's error code."""


class RegistryRefusedError(RunError):
    """The registry does not let us in; no repetition helps."""


class Schema(msgspec.Struct, frozen=True):
    """A schema with everything that it refers to.

    Attributes:
        kind: AVRO, PROTOBUF or JSON.
        text: as it was registered.
        references: name and text of other schemas, each once, those that others need first.
    """

    id: int
    kind: str
    text: str
    references: list[tuple[str, str]]


class _Reference(msgspec.Struct, frozen=True):
    name: str
    subject: str
    version: int


class _Answer(msgspec.Struct, frozen=True, rename={"kind": "schemaType"}):
    schema: str
    kind: str = "AVRO"  # which registries leave out
    references: list[_Reference] | None = None


class _Problem(msgspec.Struct, frozen=True):
    error_code: int = 0


class SchemaRegistry:
    """Asks one registry; keeps every schema, since what an id means never changes.

    Args:
        settings: where it is.
        now: monotonic seconds.
    """

    def __init__(self, settings: RegistrySettings, now: Callable[[], float] = time.monotonic) -> None:
        self.url = settings.url
        self._settings = settings
        self._session: requests.Session | None = None
        self._schemas: dict[int, Schema] = {}
        self._unknown: TTLCache[int, str] = TTLCache(MAX_UNKNOWN, UNKNOWN_S, timer=now)

    def check(self) -> None:
        """Asks for something that every registry has.

        Raises:
            RegistryRefusedError: it is none, or it does not let us in.
            RegistryAwayError: it does not answer now.
        """
        try:
            self._ask("/schemas/types", list[str])
        except _NoRegistryError as error:
            hint = "the address of Apicurio's ends in /apis/ccompat/v7"
            raise RegistryRefusedError(f"{error}: is that a schema registry? ({hint})") from error

    def schema(self, schema_id: int) -> Schema:
        """The schema of this id.

        Raises:
            UnknownSchemaError: the registry has none, or none of what it refers to.
            RegistryAwayError: it cannot be asked now.
            RegistryRefusedError: it does not let us in.
        """
        if (found := self._schemas.get(schema_id)) is not None:
            return found
        if (detail := self._unknown.get(schema_id)) is not None:
            raise UnknownSchemaError(detail)
        try:
            answer = self._ask_surely(f"/schemas/ids/{schema_id}")
            texts: dict[str, str] = {}
            self._collect(answer.references or [], texts, set())
        except UnknownSchemaError as error:
            self._unknown[schema_id] = str(error)
            raise
        schema = Schema(schema_id, answer.kind.upper(), answer.schema, list(texts.items()))
        self._schemas[schema_id] = schema
        return schema

    def _collect(self, references: list[_Reference], texts: dict[str, str], begun: set[str]) -> None:
        """Adds to `texts` what is referred to, depth first; two may refer to each other."""
        for reference in references:
            if reference.name in begun or len(begun) > MAX_REFERENCES:
                continue
            begun.add(reference.name)
            subject = quote(reference.subject, safe="")
            # A schema that is in use may be deleted for new ones.
            path = f"/subjects/{subject}/versions/{reference.version}?deleted=true"
            answer = self._ask_surely(path)
            self._collect(answer.references or [], texts, begun)
            texts[reference.name] = answer.schema

    def _ask_surely(self, path: str) -> _Answer:
        """As `_ask`, but a 404 that anybody may have sent is a no if the registry itself sends it."""
        try:
            return self._ask(path, _Answer)
        except _NotFoundError:
            self._ask("/schemas/types", list[str])  # it is there, and maybe it has just come
        try:
            return self._ask(path, _Answer)
        except _NotFoundError as error:
            what = path.partition("?")[0]
            raise UnknownSchemaError(f"schema registry {self.url} has no {what}") from error

    def _ask(self, path: str, kind: type[T]) -> T:
        what = path.partition("?")[0]
        try:
            # Said for each request, `verify` wins over REQUESTS_CA_BUNDLE.
            verify = self._settings.ca or True
            answer = self._connected().get(self.url + path, timeout=TIMEOUT_S, verify=verify)
        except requests.RequestException as error:
            reason = " ".join(str(error).split())
            for marks, problem in _NO_TLS:
                if any(mark in reason for mark in marks):
                    raise RegistryRefusedError(f"schema registry {self.url}: {problem}") from error
            raise RegistryAwayError(f"schema registry {self.url} is away: {type(error).__name__}") from error
        status = answer.status_code
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise RegistryRefusedError(
                f"schema registry {self.url} refuses {what} (HTTP {status}): set "
                "schema.registry.basic.auth.user.info or schema.registry.bearer.auth.token in --kafka-config"
            )
        if status == HTTPStatus.NOT_FOUND and _says_unknown(answer.content):
            raise UnknownSchemaError(f"schema registry {self.url} has no {what}")
        if status != HTTPStatus.OK:
            kind_of_error = _NotFoundError if status == HTTPStatus.NOT_FOUND else RegistryAwayError
            raise kind_of_error(f"schema registry {self.url} is away: HTTP {status} for {what}")
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise _NoRegistryError(f"schema registry {self.url} is away: no JSON for {what}") from error

    def _connected(self) -> requests.Session:
        if self._session is None:
            settings = self._settings
            session = requests.Session()
            session.headers["Accept"] = MEDIA_TYPES
            session.auth = _Bearer(settings.token) if settings.token else settings.user
            session.cert = settings.certificate
            self._session = session
        return self._session


class _Bearer(requests.auth.AuthBase):
    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _says_unknown(body: bytes) -> bool:
    """Whether a registry wrote this 404 of a thing: 40401 to 40403 are subject, version and schema."""
    try:
        code = msgspec.json.decode(body, type=_Problem).error_code
    except msgspec.DecodeError:
        return False
    return code // 100 == 404
