"""The reader against a real broker: every committed record once, in order, whatever the topic holds."""

from __future__ import annotations

import json
import sys
import time
import tracemalloc
from base64 import urlsafe_b64encode
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from skillstream.chunks import Chunk, Record
from skillstream.errors import RunError, SourceError
from skillstream.sources.kafka import Share
from skillstream.sources.kafka.config import KafkaConfig
from skillstream.sources.kafka.reader import KafkaReader

pytestmark = pytest.mark.kafka


class MemoryChain:
    """A chain's end without files."""

    def __init__(self) -> None:
        self.root: int | None = None
        self.leader_epoch: int | None = None

    def head(self) -> int | None:
        return self.root

    def claim(self, start: int) -> int:
        self.root = start if self.root is None else self.root
        return self.root


class Chains:
    def __init__(self) -> None:
        self.by_partition: dict[int, MemoryChain] = {}

    def __call__(self, partition: int) -> MemoryChain:
        return self.by_partition.setdefault(partition, MemoryChain())

    def publish(self, chunk: Chunk) -> None:
        assert self(chunk.partition).root == chunk.start
        self(chunk.partition).root = chunk.end
        self(chunk.partition).leader_epoch = chunk.leader_epoch


def read(reader: KafkaReader, chains: Chains, until: Callable[[list[Chunk]], bool], limit_s: float = 30):
    chunks: list[Chunk] = []
    deadline = time.monotonic() + limit_s
    while not until(chunks) and time.monotonic() < deadline:
        reader.poll(0.2)
        while (chunk := reader.next_chunk()) is not None:
            reader.take(chunk)
            chains.publish(chunk)
            chunks.append(chunk)
    assert until(chunks), f"only {chunks!r} within {limit_s} s; {reader.problem}"
    return chunks


def records(chunks: list[Chunk]) -> list[Record]:
    return [record for chunk in chunks for record in chunk.records]


def count(n: int) -> Callable[[list[Chunk]], bool]:
    return lambda chunks: len(records(chunks)) >= n


@pytest.fixture
def make_reader(kafka):
    readers = []

    def make(topic: str, chains: Chains, reader_options: dict | None = None, **options) -> KafkaReader:
        defaults = {"bootstrap_servers": kafka.bootstrap, "linger": 0.1}
        config = KafkaConfig(topic=topic, **(defaults | options))
        readers.append(KafkaReader(config, chains, **(reader_options or {})))
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()


def test_records_come_in_order_with_key_and_time(make_reader, new_topic, produce):
    topic = new_topic()
    chains = Chains()
    produce(topic, [b"a", b"b", None], keys=[b"k", None, b"t"], timestamp_ms=1_700_000_000_123)
    chunks = read(make_reader(topic, chains), chains, count(3))
    assert records(chunks) == [
        Record(0, b"a", b"k", 1_700_000_000_123),
        Record(1, b"b", None, 1_700_000_000_123),
        Record(2, None, b"t", 1_700_000_000_123),
    ]
    assert chunks[0].source == topic


def test_headers_come_with_their_records(make_reader, new_topic, produce):
    topic = new_topic()
    chains = Chains()
    produce(topic, [b"a"], headers=[("trace", b"1"), ("trace", b"\xff"), ("empty", b"")])
    chunks = read(make_reader(topic, chains), chains, count(1))
    assert records(chunks)[0].headers == [("trace", b"1"), ("trace", b"\xff"), ("empty", b"")]


def test_chunks_close_by_rows_and_are_contiguous(make_reader, new_topic, produce):
    topic = new_topic(partitions=3)
    chains = Chains()
    for partition in range(3):
        produce(topic, [b"%d" % i for i in range(50)], partition=partition)
    chunks = read(make_reader(topic, chains, max_chunk_rows=7), chains, count(150))
    assert max(len(chunk.records) for chunk in chunks) == 7
    for partition in range(3):
        mine = [chunk for chunk in chunks if chunk.partition == partition]
        assert [record.payload for record in records(mine)] == [b"%d" % i for i in range(50)]
        assert [chunk.start for chunk in mine[1:]] == [chunk.end for chunk in mine[:-1]]


def test_a_second_reader_starts_where_the_chain_ends(make_reader, new_topic, produce):
    topic = new_topic()
    chains = Chains()
    produce(topic, [b"%d" % i for i in range(10)])
    read(make_reader(topic, chains), chains, count(10))
    produce(topic, [b"new"])
    assert [record.offset for record in records(read(make_reader(topic, chains), chains, count(1)))] == [10]


def test_readers_share_the_partitions(make_reader, new_topic, produce):
    topic = new_topic(partitions=5)
    for partition in range(5):
        produce(topic, [b"x"], partition=partition)
    seen = []
    for number, share in ((0, 3), (1, 2)):
        chains = Chains()
        reader = make_reader(topic, chains, {"share": Share(number=number, readers=2)})
        seen.append({chunk.partition for chunk in read(reader, chains, count(share))})
    assert seen == [{0, 2, 4}, {1, 3}]


def test_one_poll_is_bounded_by_bytes_however_small_its_batches_are_packed(make_reader, new_topic, produce):
    """Sixteen batches of some KB hold 480 MB: once all of them were in memory at the same time."""
    chains, size = Chains(), 30_000_000
    topic = new_topic()
    options = {"compression_type": "zstd", "max_request_size": 1 << 30}
    produce(topic, [bytes(size)] * 16, **options)
    reader = make_reader(topic, chains)
    offsets = []
    tracemalloc.start()
    try:
        while len(offsets) < 16:
            reader.poll(0.2)
            while (chunk := reader.next_chunk()) is not None:
                reader.take(chunk)
                offsets += [record.offset for record in chunk.records if len(record.payload) == size]
                del chunk
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert offsets == list(range(16))
    assert most < 5 * size


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_every_codec_is_read(make_reader, new_topic, produce, codec):
    topic = new_topic()
    chains = Chains()
    payloads = [b"%05d" % i * 50 for i in range(200)]
    produce(topic, payloads, compression_type=codec, linger_ms=50)
    assert [r.payload for r in records(read(make_reader(topic, chains), chains, count(200)))] == payloads


def test_stop_at_ends_exactly_there_and_finishes(make_reader, new_topic, produce):
    topic = new_topic(partitions=2)
    chains = Chains()
    produce(topic, [b"%d" % i for i in range(20)])
    reader = make_reader(topic, chains, {"share": Share(stop_at={0: 13, 1: 0})}, max_chunk_rows=5)
    chunks = read(reader, chains, lambda _: reader.finished)
    assert [record.offset for record in records(chunks)] == list(range(13))
    assert chunks[-1].end == 13


def test_aborted_transactions_never_show_and_their_offsets_are_covered(make_reader, new_topic, kafka):
    from kafka import KafkaProducer

    topic = new_topic()
    chains = Chains()
    producer = KafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id=f"t-{topic}")
    producer.init_transactions()
    for i in range(6):
        producer.begin_transaction()
        for j in range(3):
            producer.send(topic, b"%d-%d" % (i, j), partition=0)
        producer.flush()
        producer.abort_transaction() if i % 2 else producer.commit_transaction()
    producer.begin_transaction()
    producer.send(topic, b"open", partition=0)
    producer.flush()
    chunks = read(make_reader(topic, chains), chains, lambda chunks: bool(chunks) and chunks[-1].end == 24)
    assert [record.payload for record in records(chunks)] == [
        b"%d-%d" % (i, j) for i in (0, 2, 4) for j in range(3)
    ]
    producer.abort_transaction()
    producer.close()


def test_compacted_topics_have_holes(make_reader, new_topic, produce):
    topic = new_topic(
        cleanup_policy="compact",
        segment_ms="100",
        min_cleanable_dirty_ratio="0.01",
        max_compaction_lag_ms="200",
    )
    for i in range(10):
        produce(topic, [b"%d" % i] * 5, keys=[b"same"] * 5)
        time.sleep(0.15)  # a new segment: only closed ones are compacted
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        chains = Chains()
        chunks = read(
            make_reader(topic, chains), chains, lambda chunks: bool(chunks) and chunks[-1].end == 50
        )
        if len(records(chunks)) < 50:
            break
        time.sleep(1)
    assert len(records(chunks)) < 50, "the broker did not compact"
    assert records(chunks)[-1].offset == 49
    assert (chunks[0].start, chunks[-1].end) == (0, 50)


def test_new_partitions_are_found_and_read_from_their_beginning(make_reader, new_topic, produce, kafka):
    from kafka import KafkaAdminClient

    topic = new_topic()
    chains = Chains()
    produce(topic, [b"old"])
    reader = make_reader(topic, chains)
    read(reader, chains, count(1))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.create_partitions({topic: 2})
    admin.close()
    produce(topic, [b"new"], partition=1)
    assert [c.partition for c in read(reader, chains, count(1))] == [1]


def test_records_lost_to_retention_are_refused_or_skipped(make_reader, new_topic, produce, kafka):
    from kafka import KafkaAdminClient, TopicPartition

    topic = new_topic()
    produce(topic, [b"%d" % i for i in range(10)])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 6})
    admin.close()
    chains = Chains()
    chains(0).claim(2)
    with pytest.raises(RunError, match=r"offsets 2 to 6 were lost to retention.*--on-gap skip"):
        read(make_reader(topic, chains), chains, count(1))
    chunks = read(make_reader(topic, chains, on_gap="skip"), chains, count(4))
    assert (chunks[0].start, chunks[0].end, chunks[0].records) == (2, 6, [])
    assert [record.offset for record in records(chunks)] == [6, 7, 8, 9]


def test_retention_that_passes_a_running_reader_is_refused(make_reader, new_topic, produce, kafka):
    from kafka import KafkaAdminClient, TopicPartition

    topic = new_topic()
    chains = Chains()
    produce(topic, [b"%d" % i for i in range(3)])
    reader = make_reader(topic, chains)
    read(reader, chains, count(3))
    time.sleep(1)  # so that no fetch is waiting at the broker
    produce(topic, [b"%d" % i for i in range(7)])
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_records({TopicPartition(topic, 0): 8})
    admin.close()
    with pytest.raises(RunError, match="offsets 3 to 8 were lost"):
        read(reader, chains, lambda _: False, limit_s=20)


def test_a_topic_made_again_is_refused(make_reader, new_topic, produce, kafka):
    from kafka import KafkaAdminClient

    from tests.servers.kafka import create_topic

    topic = new_topic()
    chains = Chains()
    produce(topic, [b"%d" % i for i in range(5)])
    reader = make_reader(topic, chains)
    read(reader, chains, count(5))
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    admin.delete_topics([topic])
    admin.close()
    time.sleep(1)
    create_topic(kafka.bootstrap, topic)
    with pytest.raises(RunError, match="recreated"):
        read(reader, chains, lambda _: False, limit_s=30)
    with pytest.raises(RunError, match="already reaches 5"):
        read(make_reader(topic, chains), chains, lambda _: False, limit_s=30)


def test_a_missing_topic_is_one_clear_line(make_reader):
    with pytest.raises(RunError, match=r"there is no topic 'nowhere'"):
        read(make_reader("nowhere", Chains()), Chains(), lambda _: False, limit_s=20)


def test_large_records_are_read(make_reader, new_topic, produce):
    topic = new_topic(max_message_bytes="33554432")
    chains = Chains()
    payloads = [b"x" * 30_000_000, b"y" * 20_000_000]
    produce(topic, payloads, max_request_size=33_554_432)
    chunks = read(make_reader(topic, chains), chains, count(2))
    assert [record.payload for record in records(chunks)] == payloads
    assert len(chunks) == 2  # each over the limit of bytes by itself


@pytest.mark.parametrize(
    ("port", "settings"),
    [
        ("sasl_port", "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"),
        ("sasl_port", "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\n"),
        ("ssl_port", "security.protocol=SSL\nssl.ca.location={folder}/ca.pem\n"),
    ],
    ids=["plain", "scram", "ssl"],
)
def test_secured_listeners(make_reader, new_topic, produce, kafka, tmp_path, port, settings):
    topic = new_topic()
    chains = Chains()
    produce(topic, [b"a"])
    file = tmp_path / "client.properties"
    file.write_text(settings.format(folder=kafka.folder) + "sasl.username=tester\nsasl.password=secret\n")
    address = f"127.0.0.1:{getattr(kafka, port)}"
    read(make_reader(topic, chains, bootstrap_servers=address, kafka_config=str(file)), chains, count(1))


@pytest.fixture
def tokens(monkeypatch) -> SimpleNamespace:
    """A module `some_tokens` with a function `token`, which counts and fails while told to."""
    state = SimpleNamespace(asked=0, error=None)

    def token() -> str:
        state.asked += 1
        if state.error is not None:
            raise state.error
        claims = {"sub": "tester", "iat": time.time() - 10, "exp": time.time() + 600}
        parts = (json.dumps({"alg": "none"}), json.dumps(claims))
        return ".".join(urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts) + "."

    monkeypatch.setitem(sys.modules, "some_tokens", SimpleNamespace(token=token))
    return state


def test_tokens_open_a_listener_and_a_provider_that_fails_is_tried_again(
    make_reader, new_topic, produce, kafka, tmp_path, tokens
):
    topic = new_topic()
    chains = Chains()
    produce(topic, [b"a"])
    file = tmp_path / "client.properties"
    file.write_text("security.protocol=SASL_PLAINTEXT\n")
    reader = make_reader(
        topic,
        chains,
        bootstrap_servers=f"127.0.0.1:{kafka.sasl_port}",
        kafka_config=str(file),
        kafka_token_provider="some_tokens:token",
    )
    tokens.error = RuntimeError("no credentials on this machine")
    reader.poll(0.1)
    assert "no credentials on this machine" in (reader.problem or "")
    tokens.error = None
    read(reader, chains, count(1))
    assert tokens.asked > 1


def test_a_wrong_password_is_told_but_not_shown(make_reader, new_topic, kafka, tmp_path):
    file = tmp_path / "client.properties"
    file.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.username=tester\nsasl.password=hunter2\n"
    )
    address = f"127.0.0.1:{kafka.sasl_port}"
    reader = make_reader(new_topic(), Chains(), bootstrap_servers=address, kafka_config=str(file))
    # Kafka answers and closes the socket at once: the client sees whichever comes first, the reason, which
    # is fatal, or only the closed socket, which may pass and is told with a hint.
    try:
        reader.poll(0.1)
        told, expected = reader.problem or "", "wrong user name, password"
    except RunError as error:
        told, expected = str(error), "Authentication failed"
    assert expected in told
    assert "hunter2" not in told


def test_an_untrusted_certificate_is_fatal(make_reader, new_topic, kafka, tmp_path):
    file = tmp_path / "client.properties"
    file.write_text("security.protocol=SSL\n")
    address = f"127.0.0.1:{kafka.ssl_port}"
    reader = make_reader(new_topic(), Chains(), bootstrap_servers=address, kafka_config=str(file))
    with pytest.raises(RunError, match="CERTIFICATE_VERIFY_FAILED"):
        reader.poll(0.1)


def test_committed_offsets_follow_for_lag_tools(make_reader, new_topic, produce, kafka):
    from kafka import KafkaAdminClient, TopicPartition

    topic = new_topic()
    chains = Chains()
    produce(topic, [b"a", b"b"])
    reader = make_reader(topic, chains)
    read(reader, chains, count(2))
    reader.commit()
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    group = f"skillstream.{topic}"
    committed = admin.list_group_offsets([group])[group]
    admin.close()
    assert committed[TopicPartition(topic, 0)].offset == 2
    assert reader.lag == {0: 0}


def test_a_broker_that_is_away_is_waited_for(own_kafka, tmp_path):
    from tests.servers.kafka import create_topic, send

    create_topic(own_kafka.bootstrap, "t")
    send(own_kafka.bootstrap, "t", [b"a"])
    chains = Chains()
    config = KafkaConfig(bootstrap_servers=own_kafka.bootstrap, topic="t", linger=0.1)
    reader = KafkaReader(config, chains)
    read(reader, chains, count(1))
    epoch = chains(0).leader_epoch
    assert epoch is not None
    own_kafka.kill()
    for _ in range(40):
        reader.poll(0.2)
        if reader.problem:
            break
    assert reader.problem
    own_kafka.start()
    send(own_kafka.bootstrap, "t", [b"b"])
    assert [record.payload for record in records(read(reader, chains, count(1), limit_s=60))] == [b"b"]
    reader.close()
    # With the broker's restart another epoch has begun, at offset 1. A chain that reaches 2 in the one before
    # is what an unclean election leaves behind: that record is gone, and another one has its offset.
    assert chains(0).leader_epoch > epoch
    chains(0).leader_epoch = epoch
    reader = KafkaReader(config, chains)
    with pytest.raises(RunError, match="unclean leader election"):
        read(reader, chains, lambda _: False, limit_s=30)
    reader.close()


def test_unreachable_servers_are_a_problem_not_a_crash():
    config = KafkaConfig(bootstrap_servers="127.0.0.1:1", topic="t")
    reader = KafkaReader(config, Chains())
    reader.poll(0.1)
    assert reader.problem
    reader.close()


def test_a_config_file_must_exist():
    with pytest.raises(SourceError, match=r"nowhere\.properties"):
        KafkaReader(
            KafkaConfig(bootstrap_servers="x:1", topic="t", kafka_config="nowhere.properties"), Chains()
        )


def test_the_watermark_follows_the_slowest_partition_that_has_anything_left(make_reader, new_topic, produce):
    topic = new_topic(partitions=2)
    produce(topic, [b"a", b"b"], timestamp_ms=1_000_000)
    produce(topic, [b"c"], partition=1, timestamp_ms=5_000_000)
    chains = Chains()
    reader = make_reader(topic, chains, {"wall": lambda: 9_000.0}, max_chunk_rows=1)
    waiting: dict[int, list[Chunk]] = {0: [], 1: []}

    def take_one(partition: int) -> None:
        deadline = time.monotonic() + 20
        while (chunk := reader.next_chunk()) is None or chunk.partition != partition:
            assert time.monotonic() < deadline
            if chunk is None:
                reader.poll(0.2)
            else:
                waiting[chunk.partition].append(chunk)
                reader.take(chunk)
        reader.take(chunk)

    assert reader.watermark() is None
    take_one(1)
    if not waiting[0]:
        assert reader.watermark() is None  # nothing is known of partition 0 yet
        take_one(0)
    if len(waiting[0]) < 2:
        assert reader.watermark() == 1_000_000
        take_one(0)
    assert reader.lag == {0: 0, 1: 0}
    assert reader.watermark(idle_s=5.0) == 8_995_000  # all is read: time goes on by itself
