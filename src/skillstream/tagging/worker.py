"""What a worker process holds: one encoder, and the tagger for the index version in force.

Where the process that starts a job also tags, it makes its worker before the job begins, and the steps of
the job find it here: nothing is loaded twice.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from skillstream.encoder import Encoder, load_encoder
from skillstream.errors import IndexFormatError
from skillstream.index import IndexPackage, SkillsIndex, current_version, load_index, load_package
from skillstream.postings import detect_language
from skillstream.storage import cache_folder, writable_folder
from skillstream.tagging.config import TagConfig
from skillstream.tagging.tagger import Tagger

__all__ = ["TagWorker", "hand_over", "process_worker"]

logger = logging.getLogger(__name__)

# A new index version is to be seen within a minute; reading the pointer costs one small file.
REFRESH_S = 10.0


class TagWorker:
    """Gives the tagger to use for the next chunk. One per worker process.

    Attributes:
        config: what it tags by.
        lock: to be held while a tagger is in use: taggers are not thread-safe, and some runners use threads.
    """

    def __init__(
        self, config: TagConfig, now: Callable[[], float] = time.monotonic, *, follow: bool = True
    ) -> None:
        """Loads the encoder.

        Args:
            config: model, taxonomy and what else decides the tags.
            now: seconds.
            follow: look for new versions of `config.index`.

        Raises:
            UsageError: the model or the index cannot be used.
        """
        # The language model takes most of a second to unpack, which another core does meanwhile.
        some = "Experience with databases is required."
        self._language_model = threading.Thread(target=detect_language, args=(some,), daemon=True)
        self._language_model.start()
        self.config = config
        self.lock = threading.Lock()
        self._follow = follow
        self._now = now
        self._encoder: Encoder = load_encoder(config.model, config.backend, config.precision)
        self._tagger: Tagger | None = None
        self._version: str | None = None
        self._refused: str | None = None  # the version of the last package that could not be used
        self._checked_at = float("-inf")

    def tagger(self, package: IndexPackage | None = None) -> Tagger:
        """The tagger for the index in `package`, else for the current version of the configured index.

        With a folder (`config.index`) the pointer in it is looked at every `REFRESH_S` seconds, so
        that a new version is picked up between two chunks. An index that cannot be read or used then, or is
        of another taxonomy, leaves the old one in force: a job must not die of a refresh.
        """
        if package is not None:
            self._take_up(package)
        elif self._tagger is None:
            with _no_collector():
                self._tagger = Tagger.from_config(self.config, self._encoder)
            self._language_model.join()  # the first posting needs it
            self._version = self._tagger.index.version
            self._checked_at = self._now()
        elif self._follow and self.config.index and self._now() - self._checked_at >= REFRESH_S:
            self._checked_at = self._now()
            self._refresh(self.config.index)
        if self._tagger is None:
            raise AssertionError("no tagger after loading one")
        return self._tagger

    def _take_up(self, package: IndexPackage) -> None:
        if package.version in (self._version, self._refused):
            return
        try:
            self._use(load_package(package, writable_folder(cache_folder() / "unpacked")))
        except Exception as error:
            if self._tagger is None:
                raise
            self._refused = package.version  # side inputs come with every chunk: said once
            self._stay(error)

    def _refresh(self, folder: str) -> None:
        try:
            version = current_version(folder)
            if version != self._version:
                self._use(load_index(folder))
                logger.info("skills index: now version %s", version)
        except Exception as error:  # noqa: BLE001 - whatever a new index brings, there is one that works
            self._stay(error)

    def _stay(self, error: Exception) -> None:
        logger.warning("skills index: staying with version %s: %s", self._version, error)

    def _use(self, index: SkillsIndex) -> None:
        """Tags by `index` from now on; if this raises, nothing has changed."""
        held = self._tagger and self._tagger.index.taxonomy_name
        if held is not None and index.taxonomy_name != held:
            raise IndexFormatError(
                f"index {index.version} is of the taxonomy {index.taxonomy_name!r}, this run's is {held!r}: "
                "start it again with another --output"
            )
        with _no_collector():
            self._tagger = Tagger(self._encoder, index, self.config)
        self._version = index.version


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without Python's cyclic garbage collector, which would look in vain at a million objects that stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


# Workers that were made before their job began, by the job's configuration.
_HANDED: dict[TagConfig, TagWorker] = {}


@contextmanager
def hand_over(worker: TagWorker) -> Iterator[None]:
    """While the body runs, `process_worker` gives `worker` to every step with its configuration."""
    _HANDED[worker.config] = worker
    try:
        yield
    finally:
        if _HANDED.get(worker.config) is worker:
            del _HANDED[worker.config]


def process_worker(config: TagConfig) -> TagWorker:
    """The worker that was handed over for this configuration, else a new one, which loads the encoder."""
    return _HANDED.get(config) or TagWorker(config)
