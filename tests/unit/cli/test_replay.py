"""`skillstream replay` as a process: a restart is the same replay."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from skillstream.chunks import Chunk, Record
from skillstream.index import load_index
from skillstream.output import Chain, RunInfo, open_run, read_run
from skillstream.tagging import TagConfig, Tagger

# The HashEncoder loads at once.
REPLAY = """
import sys
from unittest import mock
from skillstream.cli import main
from skillstream.testing import HashEncoder
with mock.patch("skillstream.tagging.worker.load_encoder", return_value=HashEncoder()):
    sys.exit(main(["replay", *sys.argv[1:]]))
"""


def replay(*arguments: object, hash_seed: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", REPLAY, *map(str, arguments)]
    environment = os.environ | {"PYTHONHASHSEED": str(hash_seed)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


@pytest.fixture
def old(tmp_path, encoder, index_folder):
    """An output with one record that is broken and one that has no text."""
    root = tmp_path / "old"
    open_run(root, RunInfo(identity={"source": "files"}, created_at="2030-01-01T00:00:00Z"))
    tagger = Tagger(encoder, load_index(index_folder), TagConfig())
    chain = Chain(root, "jobs", 0)
    chain.claim(0)
    records = [Record(0, b"{broken"), Record(1, b'{"title": ""}')]
    chain.publish(0, 2, tagger.tag_chunk(Chunk("jobs", 0, 0, 2, records)).rows)
    return root


@pytest.mark.slow
def test_codes_in_any_order_and_process_are_the_same_replay(old, tmp_path, index_folder):
    new = tmp_path / "new"
    codes = ["invalid_json,missing_text", "missing_text,invalid_json"]
    for seed in range(4):  # the order of a set of texts differs between processes
        done = replay(
            old, "--output", new, "--index", index_folder, "--code", codes[seed % 2], "--json", hash_seed=seed
        )
        assert done.returncode == 0, done.stderr
        assert msgspec.json.decode(done.stdout)["records"] == (2 if seed == 0 else 0)
    assert "('codes', ('invalid_json', 'missing_text'))" in read_run(new).identity["selection"]
