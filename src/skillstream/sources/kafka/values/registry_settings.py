"""Where the schema registry is and how to be let in: from the Kafka settings file and the environment.

The names are those of Confluent's clients, in the same file as the Kafka settings and with the same prefix in
the environment (`SKILLSTREAM_KAFKA_SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO`). Like those they are read where
they are used, on each worker, and shown nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from skillstream.errors import SourceError
from skillstream.sources.kafka.client_settings import REGISTRY_PREFIX, raw_settings, setting_name

__all__ = ["RegistrySettings", "load_registry_settings"]

# Without the prefix `schema_registry_`, which some clients write and others do not.
NAMES = frozenset(
    {
        *("url", "basic_auth_user_info", "basic_auth_credentials_source"),
        *("bearer_auth_token", "bearer_auth_credentials_source"),
        *("ssl_ca_location", "ssl_certificate_location", "ssl_key_location"),
    }
)
SOURCES = {
    "basic_auth_credentials_source": ("USER_INFO", "URL"),
    "bearer_auth_credentials_source": ("STATIC_TOKEN",),
}


@dataclass(frozen=True, repr=False)
class RegistrySettings:
    """The registry's address and what it wants to see.

    Attributes:
        url: without user and password.
        user: name and password for basic authentication.
        token: for bearer authentication.
        ca: file of the certificates to trust; `None`: those of the system's libraries.
        certificate: files of a client's certificate and its key.
    """

    url: str
    user: tuple[str, str] | None = None
    token: str | None = None
    ca: str | None = None
    certificate: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"RegistrySettings({self.url!r})"


def load_registry_settings(
    url: str | None, config_file: str | None, environment: Mapping[str, str] | None = None
) -> RegistrySettings | None:
    """Settings from the file, then the environment, then `url`; `None` if none of them names a registry.

    Raises:
        SourceError: the file cannot be read, or a setting is unknown or no such value.
    """
    values: dict[str, str] = {}
    for where, settings in raw_settings(config_file, environment):
        for given, value in settings.items():
            name = setting_name(given)
            short = name.removeprefix(REGISTRY_PREFIX)
            if short == name and not name.startswith(("basic_auth_", "bearer_auth_")):
                continue
            if short not in NAMES:
                remedy = (
                    "; certificates are PEM files (schema.registry.ssl.ca.location)" if "ssl" in short else ""
                )
                raise SourceError(f"schema registry setting {given!r} in {where} is unknown{remedy}")
            values[short] = str(value).strip()
    values |= {"url": url} if url else {}
    if not values.get("url"):
        return None
    for name, known in SOURCES.items():
        if values.get(name, known[0]) not in known:
            raise SourceError(f"schema registry setting {name!r}: only {' or '.join(known)} is supported")
    address, user = _without_user(values["url"])
    if info := values.get("basic_auth_user_info"):
        name, colon, password = info.partition(":")
        if not colon:
            raise SourceError("schema registry setting 'basic.auth.user.info': expected USER:PASSWORD")
        user = (name, password)
    token = values.get("bearer_auth_token") or None
    if token and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SourceError("schema registry setting 'bearer.auth.token' holds what no header can")
    files = {name: _file(name, values.get(name)) for name in sorted(NAMES) if name.endswith("_location")}
    certificate, key = files["ssl_certificate_location"], files["ssl_key_location"]
    pair = (certificate, key or certificate) if certificate else None
    return RegistrySettings(address, user, token, files["ssl_ca_location"], pair)


def _without_user(url: str) -> tuple[str, tuple[str, str] | None]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SourceError("the schema registry's address must be http://HOST:PORT/PATH or https://...")
    place = parts.netloc.rpartition("@")[2]
    user = None if parts.username is None else (unquote(parts.username), unquote(parts.password or ""))
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", "")), user


def _file(name: str, path: str | None) -> str | None:
    if path and not Path(path).is_file():
        raise SourceError(f"schema registry setting {name!r}: there is no file {path}")
    return path or None
