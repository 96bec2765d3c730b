"""What a worker process holds: one encoder, and the tagger for the index version in force."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from skillstream.encoder import Encoder, load_encoder
from skillstream.errors import UsageError
from skillstream.index import IndexPackage, current_version, load_index, unpack_index
from skillstream.storage import cache_folder, writable_folder
from skillstream.tagging.config import TagConfig
from skillstream.tagging.tagger import Tagger

__all__ = ["TagWorker"]

logger = logging.getLogger(__name__)

# A new index version is to be seen within a minute; reading the pointer costs one small file.
REFRESH_S = 10.0


class TagWorker:
    """Gives the tagger to use for the next chunk. One per worker process."""

    def __init__(self, config: TagConfig, now: Callable[[], float] = time.monotonic) -> None:
        """Loads the encoder.

        Raises:
            UsageError: the model or the index cannot be used.
        """
        self._config = config
        self._now = now
        self._encoder: Encoder = load_encoder(config.model, backend=config.backend)
        self._tagger: Tagger | None = None
        self._version: str | None = None
        self._checked_at = float("-inf")

    def tagger(self, package: IndexPackage | None = None) -> Tagger:
        """The tagger for the index in `package`, else for the current version of the configured index.

        With a folder (`config.index`) the pointer in it is looked at every `REFRESH_S` seconds, so
        that a new version is picked up between two chunks. An index that cannot be read then leaves
        the old one in force: a job must not die of a refresh.
        """
        if package is not None:
            if package.version != self._version:
                folder = writable_folder(cache_folder() / "unpacked")
                self._use(package.version, unpack_index(package, folder))
        elif self._tagger is None:
            self._tagger = Tagger.from_config(self._config, self._encoder)
            self._version = self._tagger.index.version
            self._checked_at = self._now()
        elif self._config.index and self._now() - self._checked_at >= REFRESH_S:
            self._checked_at = self._now()
            self._refresh(self._config.index)
        if self._tagger is None:
            raise AssertionError("no tagger after loading one")
        return self._tagger

    def _refresh(self, folder: str) -> None:
        try:
            version = current_version(folder)
            if version != self._version:
                self._use(version, folder)
                logger.info("skills index: now version %s", version)
        except UsageError as error:
            logger.warning("skills index: staying with version %s: %s", self._version, error)

    def _use(self, version: str, folder: str | Path) -> None:
        self._tagger = Tagger(self._encoder, load_index(folder), replace(self._config, index=str(folder)))
        self._version = version
