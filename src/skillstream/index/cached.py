"""The skills index of taxonomies and a model, built once and kept in the user's cache."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from skillstream.encoder import Encoder, ModelFolder, load_encoder, resolve_model
from skillstream.encoder.load import choose_backend
from skillstream.errors import IndexFormatError, OutputError
from skillstream.index.skills_index import (
    SkillsIndex,
    build_index,
    check_fingerprint,
    load_index,
    save_index,
)
from skillstream.storage import cache_folder, check_writable, temporary_folder
from skillstream.taxonomy import Taxonomy, load_taxonomies

__all__ = ["default_index", "default_index_folder", "index_folder"]

logger = logging.getLogger(__name__)


def default_index(taxonomies: str | Sequence[str], encoder: Encoder) -> SkillsIndex:
    """The index of taxonomies (names or paths) for `encoder`, built once and kept in the user's cache.

    Processes may race: each builds what it does not find, and whole versions replace each other. Where the
    cache cannot be written the index is built anew in every process.

    Raises:
        TaxonomyError: the taxonomy cannot be read.
    """
    loaded = load_taxonomies(taxonomies)
    folder = _cache_folder_of(loaded, encoder)
    index = _cached(folder, encoder)
    if index is None:
        index = build_index(loaded, encoder)
        try:
            save_index(index, folder)
        except OutputError as error:
            logger.warning("skills index is not cached: %s", error)
    return index


def default_index_folder(
    taxonomies: str | Sequence[str], encoder: Encoder, *, temporary: bool = False
) -> Path:
    """The folder in the user's cache that `default_index` keeps this index in, for workers to read.

    Args:
        taxonomies: `esco`, `technologies` or paths.
        encoder: what the index is for.
        temporary: where the cache cannot be written, a folder that is removed when this process ends will do.

    Raises:
        TaxonomyError: the taxonomy cannot be read.
        OutputError: the cache cannot be written.
    """
    loaded = load_taxonomies(taxonomies)
    folder = _cache_folder_of(loaded, encoder)
    if _cached(folder, encoder) is not None:
        return folder
    try:
        check_writable(folder.parent)
    except OSError as error:
        if not temporary:
            raise OutputError(
                f"skills index cannot be written to the cache: {error}; "
                "set SKILLSTREAM_CACHE_DIR to a folder that can be written, or give an --index"
            ) from error
        folder = temporary_folder() / folder.name
        if _cached(folder, encoder) is not None:
            return folder
    save_index(build_index(loaded, encoder), folder)
    return folder


def index_folder(
    taxonomies: str | Sequence[str], model: str = "default", backend: str = "auto", *, temporary: bool = False
) -> Path:
    """As `default_index_folder` by the model's name: it is loaded only if the index has to be built.

    So a machine that only sends a job off needs neither torch nor OpenVINO once the index is in the cache. An
    index there is read whole and checked, since this is where a damaged one can be built again.

    Raises:
        ModelError: the model cannot be found or, to build an index, loaded.
        TaxonomyError: the taxonomy cannot be read.
        OutputError: the cache cannot be written.
    """
    found = resolve_model(model)
    name = choose_backend(found).name if backend == "auto" else backend
    folder = _cache_folder(load_taxonomies(taxonomies), found.fingerprint, name)
    if _cached(folder, found) is not None:
        return folder
    return default_index_folder(taxonomies, load_encoder(model, backend=backend), temporary=temporary)


def _cache_folder_of(taxonomy: Taxonomy, encoder: Encoder) -> Path:
    return _cache_folder(taxonomy, encoder.fingerprint, encoder.backend)


def _cache_folder(taxonomy: Taxonomy, fingerprint: str, backend: str) -> Path:
    """Rows state the taxonomy's name and version, so that the same content under another name is another."""
    stated = f"{taxonomy.name}\0{taxonomy.version}\0{taxonomy.fingerprint}"
    key = hashlib.sha256(stated.encode()).hexdigest()[:16]
    return cache_folder() / "indexes" / f"{key}-{fingerprint[:16]}-{backend}"


def _cached(folder: Path, model: Encoder | ModelFolder) -> SkillsIndex | None:
    try:
        if not folder.exists():
            return None
        index = load_index(folder)
        check_fingerprint(index.info, model)
    except (IndexFormatError, OSError) as error:
        logger.warning("cached skills index is built again: %s", error)
        return None
    return index
