"""Fixtures shared by all tests.

Models: `encoder` is the quick, deterministic `HashEncoder`; `base_encoder` the real base model, loaded once;
`exported_model` the folder of a tiny one that OpenVINO runs.
Indexes: `index_folder` holds a dozen skills for `encoder`.
Servers: see `tests.servers.fixtures`.
Caches: every test session has its own cache folder, so that nothing depends on what lies on the machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from skillstream.encoder import Encoder, load_encoder
from skillstream.encoder.models import ModelFolder
from skillstream.index.skills_index import build_index, save_index
from skillstream.storage import bucket as object_client
from skillstream.taxonomy.skills import Skill, Taxonomy
from skillstream.testing import HashEncoder
from tests.data import SKILLS

pytest_plugins = ["tests.servers.fixtures"]


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of our own; SKILLSTREAM_TEST_CACHE_DIR keeps one between runs."""
    folder = Path(os.environ.get("SKILLSTREAM_TEST_CACHE_DIR") or tmp_path_factory.mktemp("cache"))
    before = os.environ.get("SKILLSTREAM_CACHE_DIR")
    os.environ["SKILLSTREAM_CACHE_DIR"] = str(folder)
    yield folder
    if before is None:
        del os.environ["SKILLSTREAM_CACHE_DIR"]
    else:
        os.environ["SKILLSTREAM_CACHE_DIR"] = before


class _OneCluster(LoadScopeScheduling):
    """Tests one by one to whichever process is free, but those of Flink all to one: it has the cluster.

    xdist's own `loadgroup` says groups by changing the ids of tests, which pytest 9.2 no longer lets it.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "flink" if nodeid.startswith("tests/flink/") else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _OneCluster:
    return _OneCluster(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hostile text is logged as it came, and half a surrogate pair cannot be sent from xdist's processes."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture(scope="session")
def encoder() -> HashEncoder:
    return HashEncoder()


@pytest.fixture(scope="session")
def base_encoder(cache_folder: Path) -> Encoder:
    return load_encoder("base")


@pytest.fixture(scope="session")
def exported_model(cache_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real model that needs no torch, converted once a session."""
    from skillstream.encoder.export import export_model  # slow to import
    from tests.encoder_models import make_model

    folder = tmp_path_factory.mktemp("exported")
    return export_model(str(make_model(folder / "tiny", max_length=64)), folder / "model")


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    skills = [
        Skill(uri=f"urn:skill:{number}", label=label, alt_labels=alternatives, groups=["all"], kind="skill")
        for number, (label, alternatives) in enumerate(SKILLS)
    ]
    return Taxonomy("test", "1", skills)


@pytest.fixture(scope="session")
def index_folder(encoder: HashEncoder, taxonomy: Taxonomy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    save_index(build_index(taxonomy, encoder), folder)
    return folder


@pytest.fixture
def hash_model(monkeypatch: pytest.MonkeyPatch, encoder: HashEncoder) -> HashEncoder:
    """Every model name means the HashEncoder, for pipelines and commands in this process."""
    for module in ("skillstream.tagging.worker", "skillstream.tagging.tagger"):
        monkeypatch.setattr(f"{module}.load_encoder", lambda *_, **__: encoder)
    # A job sent to another process asks what the model is without loading it.
    folder = ModelFolder(Path(encoder.name), encoder.name, encoder.fingerprint, exported=False)
    monkeypatch.setattr("skillstream.tagging.start.resolve_model", lambda *_, **__: folder)
    return encoder


@pytest.fixture
def memory_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], MemoryStore]]:
    """Whatever `s3://...` names is in memory; gives obstore's own store of a bucket."""
    buckets: dict[str, MemoryStore] = {}

    def make(bucket: str, **_: object) -> MemoryStore:
        return buckets.setdefault(bucket, MemoryStore())

    monkeypatch.setattr(object_client, "S3Store", make)
    object_client.open_bucket.cache_clear()
    yield make
    object_client.open_bucket.cache_clear()
