"""Rejected and selected rows tagged again, into a new output, exactly once."""

from __future__ import annotations

import json

import pytest

from skillstream.chunks import Chunk, Record
from skillstream.errors import ChainError, UsageError
from skillstream.index.skills_index import load_index
from skillstream.output.chain import Chain
from skillstream.output.chain_check import verify_chain
from skillstream.postings.fields import FieldMapping
from skillstream.rows import TaggedChunk
from skillstream.tagging.config import TagConfig
from skillstream.tagging.replay import ReplayConfig, replay_rows
from skillstream.tagging.tagger import Tagger
from tests.faults.ledger import published

TIME = 1_700_000_000_000


def payload(offset: int) -> bytes:
    """Every third record has its text where the first run did not look; every fifth is broken."""
    if offset % 5 == 0:
        return b"{broken"
    return json.dumps(
        {"id": f"p{offset}", ("blob" if offset % 3 == 0 else "description"): "Python and SQL"}
    ).encode()


def no_reader(source: str):
    raise AssertionError(f"{source} is not to be read again")


@pytest.fixture
def tagger(encoder, index_folder):
    return Tagger(encoder, load_index(index_folder), TagConfig())


@pytest.fixture
def old(tmp_path, tagger):
    """An output of 60 records in two partitions, in files of 6."""
    root = tmp_path / "old"
    for partition in range(2):
        chain = Chain(root, "jobs", partition)
        chain.claim(0)
        for start in range(0, 30, 6):
            records = [Record(o, payload(o), b"k%d" % o, TIME + o * 1000) for o in range(start, start + 6)]
            rows = tagger.tag_chunk(Chunk("jobs", partition, start, start + 6, records)).rows
            chain.publish(start, start + 6, rows)
    return str(root)


def offsets(root, partition=0) -> list[int]:
    return sorted(offset for (_, p, offset) in published(root) if p == partition)


REJECTED = [o for o in range(30) if o % 5 == 0 or o % 3 == 0]


def test_rejected_rows_are_tagged_again_with_another_field(old, tmp_path, encoder, index_folder):
    config = ReplayConfig(output=str(tmp_path / "new"), text_field="blob", max_chunk_rows=7)
    tagger = Tagger(encoder, load_index(index_folder), config)
    assert tagger.config.fields == FieldMapping(text="blob")
    summary = replay_rows(old, config, tagger.tag_chunk, no_reader)
    assert offsets(tmp_path / "new") == REJECTED
    assert offsets(tmp_path / "new", 1) == REJECTED
    assert summary.records == 2 * len(REJECTED)
    assert summary.rejected == {"invalid_json": 12}
    assert summary.tags > 0
    assert verify_chain(tmp_path / "new").findings == []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"code": "invalid_json"}, [o for o in range(30) if o % 5 == 0]),
        ({"code": "missing_text,invalid_json"}, REJECTED),
        ({"offsets": "0:4-10,0:29"}, [5, 6, 9, 10]),
        ({"since": "2023-11-14T22:13:30Z", "until": "2023-11-14T22:13:40Z"}, [10, 12, 15, 18]),
    ],
)
def test_selections(old, tmp_path, tagger, options, expected):
    replay_rows(old, ReplayConfig(output=str(tmp_path / "new"), **options), tagger.tag_chunk, no_reader)
    assert offsets(tmp_path / "new") == expected


def test_tagged_rows_are_read_again_from_their_source(old, tmp_path, tagger):
    asked = []

    def reader_of(source):
        def read(partition, wanted):
            asked.append((source, partition, wanted))
            return {o: Record(o, payload(o), b"again", TIME) for o in wanted}

        return read

    config = ReplayConfig(output=str(tmp_path / "new"), select="all", offsets="1:0-8")
    replay_rows(old, config, tagger.tag_chunk, reader_of)
    assert offsets(tmp_path / "new", 1) == list(range(9))
    assert asked == [("jobs", 1, [1, 2, 4]), ("jobs", 1, [7, 8])]


def test_records_that_are_gone_are_told(old, tmp_path, tagger):
    config = ReplayConfig(output=str(tmp_path / "new"), select="all")
    with pytest.raises(ChainError, match=r"3 records, from offset 1 on, are not in Kafka any more"):
        replay_rows(old, config, tagger.tag_chunk, lambda _: lambda _partition, _wanted: {})


def test_a_replay_that_was_killed_goes_on_where_it_stopped(old, tmp_path, tagger):
    config = ReplayConfig(output=str(tmp_path / "new"), max_chunk_rows=3)
    calls = []

    def dies(chunk: Chunk) -> TaggedChunk:
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(chunk)
        return tagger.tag_chunk(chunk)

    with pytest.raises(KeyboardInterrupt):
        replay_rows(old, config, dies, no_reader)
    replay_rows(old, config, tagger.tag_chunk, no_reader)
    assert all(count == 1 for count in published(tmp_path / "new").values())
    assert offsets(tmp_path / "new") == offsets(tmp_path / "new", 1) == REJECTED
    assert verify_chain(tmp_path / "new").findings == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": ""}, "--output is missing"),
        ({"code": "nonsense"}, r"--code nonsense: there are empty, tombstone"),
        ({"offsets": "1-2"}, "--offsets must be PARTITION:FIRST-LAST, got '1-2'"),
        ({"since": "latest"}, "--since must be a time"),
        ({"max_chunk_rows": 0}, "--max-chunk-rows must be at least 1"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        ReplayConfig(**({"output": "x"} | options))
