"""Settings of the Kafka client: from a file and the environment, checked, and never shown with secrets.

A settings file is Java properties (`security.protocol=SASL_SSL`) or a JSON object. Names may be those
of the Java client, of librdkafka or of kafka-python. Environment variables win over the file:
`SKILLSTREAM_KAFKA_SASL_PASSWORD=...` is `sasl.password`. Settings are read where the client is made,
on each worker, so that secrets never travel in a job's graph.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from kafka import KafkaAdminClient, KafkaConsumer

from skillstream.errors import SourceError
from skillstream.sources.kafka.config import KafkaConfig
from skillstream.sources.kafka.tokens import token_provider

__all__ = [
    "REGISTRY_PREFIX",
    "ClientSettings",
    "client_settings",
    "load_client_settings",
    "parse_properties",
    "raw_settings",
    "setting_name",
]

ENVIRONMENT_PREFIX = "SKILLSTREAM_KAFKA_"
# What is the schema registry's in the same file (see `values.registry_settings`).
REGISTRY_PREFIX = "schema_registry_"
_REGISTRY = (REGISTRY_PREFIX, "basic_auth_", "bearer_auth_")

# Names of the Java client and of librdkafka for what kafka-python calls otherwise.
ALIASES = {
    "sasl_mechanisms": "sasl_mechanism",
    "sasl_username": "sasl_plain_username",
    "sasl_password": "sasl_plain_password",
    "ssl_ca_location": "ssl_cafile",
    "ssl_certificate_location": "ssl_certfile",
    "ssl_key_location": "ssl_keyfile",
    "ssl_key_password": "ssl_password",
    "metadata_broker_list": "bootstrap_servers",
    "message_max_bytes": "receive_message_max_bytes",
}

# What correctness rests on, or what the command line says already.
OURS = {
    "auto_offset_reset": "use --start",
    "enable_auto_commit": "offsets are committed after publication",
    "group_id": "use --group",
    "group_instance_id": "partitions are assigned, not subscribed",
    "isolation_level": "records of aborted transactions are never read",
    "key_deserializer": "records are kept as bytes",
    "value_deserializer": "records are kept as bytes",
    "max_poll_records": "use --max-chunk-rows",
}

# Java's stores are no use here; telling the way out saves an hour.
JAVA_STORES = {
    "ssl_truststore_location": "ssl.ca.location",
    "ssl_keystore_location": "ssl.certificate.location and ssl.key.location",
}

_SECRET = re.compile(r"password|secret|token|jaas|credential", re.IGNORECASE)
_JAAS_PAIR = re.compile(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, repr=False)
class ClientSettings:
    """Keyword arguments for kafka-python's clients. Printing it shows no secrets."""

    values: Mapping[str, Any]

    def consumer(self, **more: Any) -> KafkaConsumer:
        """A consumer with these settings, and `more` over them."""
        return KafkaConsumer(**{**self.values, **more})

    def admin(self, **more: Any) -> KafkaAdminClient:
        """An admin client with those of the settings that it knows, and `more` over them."""
        known = {key: value for key, value in self.values.items() if key in KafkaAdminClient.DEFAULT_CONFIG}
        return KafkaAdminClient(**{**known, **more})

    def shown(self) -> dict[str, Any]:
        """The settings with `***` for each secret: for logs and `run.json`."""
        return {key: "***" if _SECRET.search(key) else value for key, value in sorted(self.values.items())}

    def __repr__(self) -> str:
        return f"ClientSettings({self.shown()})"


def load_client_settings(
    bootstrap_servers: str,
    config_file: str | None = None,
    environment: Mapping[str, str] | None = None,
    *,
    tokens: str | None = None,
) -> ClientSettings:
    """Settings from the file, then the environment, then `bootstrap_servers` (`host:port,host:port`).

    `tokens` names a token provider (`tokens.token_provider`); with one, encrypted OAUTHBEARER is the default.

    Raises:
        SourceError: the file cannot be read, or a setting is unknown, ours to decide, or no such value.
        UsageError: the token provider cannot be used.
    """
    merged: dict[str, Any] = {}
    for where, settings in raw_settings(config_file, environment):
        merged.update(_normalised(settings, where))
    if bootstrap_servers:
        merged["bootstrap_servers"] = bootstrap_servers
    if not merged.get("bootstrap_servers"):
        raise SourceError("no Kafka to read from: give --bootstrap-servers HOST:PORT")
    merged["bootstrap_servers"] = [s.strip() for s in merged["bootstrap_servers"].split(",") if s.strip()]
    if tokens is not None:
        merged["sasl_oauth_token_provider"] = token_provider(tokens)
    if "sasl_oauth_token_provider" in merged:
        merged = {"sasl_mechanism": "OAUTHBEARER", "security_protocol": "SASL_SSL"} | merged
    elif "sasl_plain_username" in merged and "sasl_mechanism" not in merged:
        merged["sasl_mechanism"] = "PLAIN"
    return ClientSettings(merged)


def client_settings(config: KafkaConfig) -> ClientSettings:
    """The settings of a stream; raises like `load_client_settings`."""
    return load_client_settings(
        config.bootstrap_servers, config.kafka_config, tokens=config.kafka_token_provider
    )


def raw_settings(
    config_file: str | None, environment: Mapping[str, str] | None = None
) -> list[tuple[str, Mapping[str, Any]]]:
    """Where settings come from, and the settings as they are written there; later ones win.

    Raises:
        SourceError: the file cannot be read.
    """
    found: list[tuple[str, Mapping[str, Any]]] = []
    if config_file is not None:
        found.append((config_file, _read_file(Path(config_file))))
    environment = os.environ if environment is None else environment
    ours = {
        name.removeprefix(ENVIRONMENT_PREFIX): value
        for name, value in environment.items()
        if name.startswith(ENVIRONMENT_PREFIX)
    }
    return [*found, ("the environment", ours)]


def setting_name(given: str) -> str:
    """`like_this` for `Like.this` and `like-this`."""
    return given.strip().lower().replace(".", "_").replace("-", "_")


def parse_properties(text: str) -> dict[str, str]:
    """Java properties: `name=value` or `name: value`, `#` and `!` comments, a last backslash continues."""
    pairs = {}
    for line in _logical_lines(text):
        match = re.match(r"([^=:\s]+)\s*[=:\s]\s*(.*)", line, re.DOTALL)
        name, value = match.groups() if match else (line, "")
        pairs[name] = value
    return pairs


def _logical_lines(text: str) -> Iterator[str]:
    parts: list[str] = []
    for raw in text.splitlines():
        line = raw.strip()
        if not parts and (not line or line[0] in "#!"):
            continue
        if line.endswith("\\"):
            parts.append(line[:-1])
        else:
            yield "".join([*parts, line])
            parts = []
    if parts:
        yield "".join(parts)


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"--kafka-config {path}: cannot be read: {error}") from error
    if not text.lstrip().startswith("{"):
        return parse_properties(text)
    try:
        return msgspec.json.decode(text, type=dict[str, str | int | float | bool | None])
    except msgspec.MsgspecError as error:
        raise SourceError(f"--kafka-config {path}: not a flat JSON object: {error}") from error


def _normalised(settings: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings under kafka-python's names and with values of its types."""
    values: dict[str, Any] = {}
    for given, value in settings.items():
        name = setting_name(given)
        name = ALIASES.get(name, name)
        if name.startswith(_REGISTRY):
            continue
        if name == "sasl_jaas_config":
            values.update(_from_jaas(str(value), where))
        elif name == "ssl_endpoint_identification_algorithm":
            values["ssl_check_hostname"] = str(value).lower() not in ("", "none")
        elif name in OURS:
            raise SourceError(f"Kafka setting {given!r} in {where} is not yours to set: {OURS[name]}")
        elif name == "sasl_oauth_token_provider":
            values[name] = token_provider(str(value))
        elif name in JAVA_STORES:
            raise SourceError(f"Kafka setting {given!r} in {where}: use PEM files by {JAVA_STORES[name]}")
        elif name not in KafkaConsumer.DEFAULT_CONFIG:
            raise SourceError(f"Kafka setting {given!r} in {where} is unknown to kafka-python")
        else:
            values[name] = _typed(name, value, given, where)
    return values


def _typed(name: str, value: Any, given: str, where: str) -> Any:
    """`value` in the type that the client's default has; what is no plain value cannot be set by text."""
    default = KafkaConsumer.DEFAULT_CONFIG[name]
    if not isinstance(value, str):
        return value
    whole_number = isinstance(default, int) or name.endswith(("_bytes", "_ms"))
    kind = "true or false" if isinstance(default, bool) else "a whole number"
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[value.strip().lower()]
        if whole_number:
            return int(value)
    except (KeyError, ValueError):
        shown = "***" if _SECRET.search(name) else repr(value)
        raise SourceError(f"Kafka setting {given!r} in {where}: expected {kind}, got {shown}") from None
    if default is None or isinstance(default, str):
        return tuple(map(int, value.split("."))) if name == "api_version" else value
    raise SourceError(f"Kafka setting {given!r} in {where} cannot be set by text")


def _from_jaas(value: str, where: str) -> dict[str, str]:
    pairs = dict(_JAAS_PAIR.findall(value))
    if set(pairs) != {"username", "password"}:
        raise SourceError(
            f'Kafka setting \'sasl.jaas.config\' in {where}: expected username="..." password="..."'
        )
    unescaped = {key: re.sub(r"\\(.)", r"\1", text) for key, text in pairs.items()}
    return {"sasl_plain_username": unescaped["username"], "sasl_plain_password": unescaped["password"]}
