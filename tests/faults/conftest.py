"""Where an output goes, and streams to kill."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from skillstream.storage.bucket import open_bucket
from skillstream.storage.url import ObjectURL, parse_url
from tests.faults.stream_jobs import StreamJobs
from tests.servers.fixtures import memory_folder
from tests.servers.minio import MinioServer


@dataclass
class Place:
    """Where an output goes: a folder, or an address in an object store of the test's own."""

    root: Path | str
    server: MinioServer | None = None
    restarts: int = 0

    def restart(self) -> None:
        """Kills the store's server and starts it again."""
        if self.server is not None:
            self.server.kill()
            self.server.start()
            self.restarts += 1

    def names(self) -> list[str]:
        """Names of all files below the root, sorted."""
        if isinstance(self.root, Path):
            return sorted(path.name for path in self.root.rglob("*") if path.is_file())
        url = parse_url(self.root)
        bucket = open_bucket(ObjectURL(url.scheme, url.bucket, ""))
        return sorted(item.key.rpartition("/")[2] for item in bucket.walk(url.key))


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """An output to be: `folder` or `object store`. In memory where possible: a kill loses no page cache."""
    if request.param == "folder":
        with memory_folder() as folder:
            yield Place(folder / "out")
    else:
        server = request.getfixturevalue("own_minio")
        yield Place(f"{server.make_bucket('tags')}/out", server)


@pytest.fixture
def make_jobs(tmp_path, index_folder):
    made = []

    def make(bootstrap: str, topic: str, **flags: object) -> StreamJobs:
        made.append(StreamJobs(bootstrap, topic, tmp_path / "out", **({"index": index_folder} | flags)))
        return made[-1]

    yield make
    for jobs in made:
        jobs.close()
