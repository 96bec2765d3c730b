"""A real Apache Kafka for tests and demos: one KRaft node on free loopback ports, from Maven Central.

Needs Java 17+ and, the first time, Maven: the jars (44 MB) are kept in `.servers/` of the repository.
"""

from __future__ import annotations

import socket
import subprocess
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.servers.common import SERVERS, ServerUnavailableError, fetch_by_maven, free_port, installed
from tests.servers.server import Server

__all__ = ["KAFKA_VERSION", "KafkaServer", "create_topic", "fetch_jars", "send"]

KAFKA_VERSION = "4.3.1"

POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>skillstream</groupId><artifactId>dev-kafka</artifactId><version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{KAFKA_VERSION}</version>
    </dependency>
    <!-- without a logger the broker is silent, whatever happens -->
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
"""


def fetch_jars() -> Path:
    """The folder of Kafka's jars, fetched by Maven if it is not there yet."""
    return fetch_by_maven(SERVERS / f"kafka-{KAFKA_VERSION}", POM, f"Kafka {KAFKA_VERSION}")


@dataclass
class KafkaServer(Server):
    """One broker that is its own controller; data, settings and `server.log` live in `folder`.

    A killed or stopped server starts again with the same ports and data. Listeners: plain on `port`;
    on `proxied_port` a second plain one, advertised as `advertised_port` (where a proxy listens); with
    `secure`, `sasl_port` (SASL_PLAINTEXT; PLAIN and SCRAM-SHA-256, user `tester`, password `secret`;
    OAUTHBEARER with unsigned tokens) and `ssl_port` (certificate in `folder/ca.pem`).
    """

    name = "Kafka"
    start_timeout_s = 90

    folder: Path
    port: int = field(default_factory=free_port)
    heap_mb: int = 256
    secure: bool = False
    settings: dict[str, str] = field(default_factory=dict)
    controller_port: int = field(default_factory=free_port)
    proxied_port: int = field(default_factory=free_port)
    advertised_port: int = field(default_factory=free_port)
    sasl_port: int = field(default_factory=free_port)
    ssl_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start, or start again, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        if not properties.exists():
            if self.secure:
                self._make_certificate()
            properties.write_text(self._properties())
            scram = ["--add-scram", "SCRAM-SHA-256=[name=tester,password=secret]"] if self.secure else []
            cluster_id = uuid.uuid4().hex[:22]
            self._java(
                "kafka.tools.StorageTool",
                "format",
                "--standalone",
                "-t",
                cluster_id,
                "-c",
                properties,
                *scram,
            )
        from kafka.errors import KafkaError

        return self.run(self._java_command("kafka.Kafka", properties), cwd=self.folder, not_yet=(KafkaError,))

    def ask(self) -> None:
        from kafka import KafkaAdminClient

        socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap, bootstrap_timeout_ms=5000)
        admin.describe_cluster()
        admin.close()

    def _java_command(self, main_class: str, *arguments: object) -> list[str]:
        java = installed("java", "Kafka runs on Java 17 or later")
        flags = [f"-Xmx{self.heap_mb}m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        flags.append("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
        return [java, *flags, "-cp", f"{fetch_jars()}/*", main_class, *map(str, arguments)]

    def _java(self, main_class: str, *arguments: object) -> None:
        command = self._java_command(main_class, *arguments)
        run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if run.returncode:
            raise ServerUnavailableError(f"{main_class} failed: {(run.stdout + run.stderr)[-1000:]}")

    def _make_certificate(self) -> None:
        keytool = installed("keytool", "it comes with Java")
        store = [
            "-keystore",
            str(self.folder / "server.p12"),
            "-storetype",
            "PKCS12",
            "-storepass",
            "changeit",
        ]
        names = ["-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", "3650"]
        for arguments in (
            ["-genkeypair", "-alias", "server", "-keyalg", "RSA", *names, *store],
            ["-exportcert", "-rfc", "-alias", "server", "-file", str(self.folder / "ca.pem"), *store],
        ):
            subprocess.run([keytool, *arguments], check=True, capture_output=True, timeout=60)

    def _properties(self) -> str:
        listeners = {"PLAIN": ("PLAINTEXT", self.port, self.port)}
        listeners["PROXIED"] = ("PLAINTEXT", self.proxied_port, self.advertised_port)
        values: dict[str, object] = {}
        if self.secure:
            listeners["SASL"] = ("SASL_PLAINTEXT", self.sasl_port, self.sasl_port)
            listeners["SSL"] = ("SSL", self.ssl_port, self.ssl_port)
            module = "org.apache.kafka.common.security"
            jaas = "sasl.jaas.config"
            values = {
                "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,OAUTHBEARER",
                # Takes tokens without a signature: tests make them themselves.
                f"listener.name.sasl.oauthbearer.{jaas}": f"{module}.oauthbearer.OAuthBearerLoginModule "
                'required unsecuredLoginStringClaim_sub="broker";',
                f"listener.name.sasl.plain.{jaas}": f"{module}.plain.PlainLoginModule required "
                'user_tester="secret";',
                f"listener.name.sasl.scram-sha-256.{jaas}": f"{module}.scram.ScramLoginModule required;",
                "ssl.keystore.location": self.folder / "server.p12",
                "ssl.keystore.password": "changeit",
                "ssl.key.password": "changeit",
            }
        protocols = {name: protocol for name, (protocol, _, _) in listeners.items()} | {
            "CONTROLLER": "PLAINTEXT"
        }
        values |= {
            "process.roles": "broker,controller",
            "node.id": 1,
            "log.dirs": self.folder / "data",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "listeners": ",".join(
                [f"{name}://127.0.0.1:{port}" for name, (_, port, _) in listeners.items()]
                + [f"CONTROLLER://127.0.0.1:{self.controller_port}"]
            ),
            "advertised.listeners": ",".join(
                f"{name}://127.0.0.1:{port}" for name, (_, _, port) in listeners.items()
            ),
            "listener.security.protocol.map": ",".join(f"{n}:{p}" for n, p in protocols.items()),
            # one node only, and quick
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.retention.ms": -1,  # records with invented times must not vanish
            "log.cleaner.backoff.ms": 500,
            "log.cleaner.dedupe.buffer.size": 4_194_304,
            "message.max.bytes": 33_554_432,
        }
        return "".join(f"{key}={value}\n" for key, value in {**values, **self.settings}.items())


def create_topic(
    bootstrap: str, topic: str, partitions: int = 1, configs: dict[str, str] | None = None
) -> None:
    """Create a topic and wait until its partitions have a leader."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        new = {"num_partitions": partitions, "replication_factor": 1, "configs": configs or {}}
        admin.create_topics({topic: new}, wait_for_metadata=True)
    finally:
        admin.close()


def send(
    bootstrap: str,
    topic: str,
    payloads: Sequence[bytes | None],
    partition: int = 0,
    keys: Sequence[bytes | None] | None = None,
    timestamp_ms: int | None = None,
    headers: list[tuple[str, bytes]] | None = None,
    **settings: object,
) -> None:
    """Sends payloads to one partition, in order, and waits until they are there."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=bootstrap, **settings)
    try:
        sent = [
            producer.send(
                topic,
                value=payload,
                key=None if keys is None else keys[i],
                partition=partition,
                timestamp_ms=timestamp_ms,
                headers=headers or [],
            )
            for i, payload in enumerate(payloads)
        ]
        for future in sent:
            future.get(timeout=30)
    finally:
        producer.close(timeout=10)
