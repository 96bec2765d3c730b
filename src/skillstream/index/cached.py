"""The skills index of taxonomies and a model: the package's own, or built once and kept in the user's cache.

The package has the index of the default taxonomies and the default model (scripts/make_default_index.py).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from skillstream.encoder import Encoder, ModelFolder, exact_encoder, resolve_model
from skillstream.errors import IndexFormatError, OutputError
from skillstream.index.skills_index import (
    SkillsIndex,
    build_index,
    check_fingerprint,
    load_index,
    save_index,
)
from skillstream.index.versions import read_info
from skillstream.storage import cache_folder, check_writable, temporary_folder
from skillstream.taxonomy import DEFAULT_TAXONOMIES, Taxonomy, load_taxonomies

__all__ = ["default_index", "default_index_folder", "index_folder"]

logger = logging.getLogger(__name__)

SHIPPED = Path(__file__).parent.parent / "data" / "index"


def default_index(
    taxonomies: str | Sequence[str], encoder: Encoder, exact: Callable[[], Encoder] | None = None
) -> SkillsIndex:
    """The index of taxonomies (names or paths) for `encoder`, built once and kept in the user's cache.

    Processes may race: each builds what it does not find, and whole versions replace each other. Where the
    cache cannot be written the index is built anew in every process.

    Args:
        taxonomies: `esco`, `technologies` or paths.
        encoder: what the index is for.
        exact: loads the same model in fp32, to build with: an index serves all precisions, and its vectors
            stay for years. By default `encoder` builds it.

    Raises:
        TaxonomyError: the taxonomy cannot be read.
    """
    index = _cached(SHIPPED, encoder) if _is_shipped(taxonomies, encoder) else None
    if index is not None:
        return index
    loaded = load_taxonomies(taxonomies)
    folder = _cache_folder(loaded, encoder)
    index = _cached(folder, encoder)
    if index is None:
        index = build_index(loaded, encoder if exact is None or encoder.precision == "fp32" else exact())
        try:
            save_index(index, folder)
        except OutputError as error:
            logger.warning("skills index is not cached: %s", error)
    return index


def default_index_folder(
    taxonomies: str | Sequence[str], encoder: Encoder, *, temporary: bool = False
) -> Path:
    """The folder that `default_index` reads this index from, for workers to read.

    Args:
        taxonomies: `esco`, `technologies` or paths.
        encoder: what the index is for.
        temporary: where the cache cannot be written, a folder that is removed when this process ends will do.

    Raises:
        TaxonomyError: the taxonomy cannot be read.
        OutputError: the cache cannot be written.
    """
    if _is_shipped(taxonomies, encoder) and _cached(SHIPPED, encoder) is not None:
        return SHIPPED
    loaded = load_taxonomies(taxonomies)
    folder = _cache_folder(loaded, encoder)
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
    if _is_shipped(taxonomies, found) and _cached(SHIPPED, found) is not None:
        return SHIPPED
    folder = _cache_folder(load_taxonomies(taxonomies), found)
    if _cached(folder, found) is not None:
        return folder
    return default_index_folder(taxonomies, exact_encoder(model, backend), temporary=temporary)


def _is_shipped(taxonomies: str | Sequence[str], model: Encoder | ModelFolder) -> bool:
    """Whether the package's index is the one of these taxonomies and this model. Reads two small files."""
    names = [taxonomies] if isinstance(taxonomies, str) else taxonomies
    if tuple(names) != DEFAULT_TAXONOMIES:
        return False
    try:
        return read_info(SHIPPED).model_fingerprint == model.fingerprint
    except IndexFormatError as error:
        logger.warning("skills index of the package cannot be used: %s", error)
        return False


def _cache_folder(taxonomy: Taxonomy, model: Encoder | ModelFolder) -> Path:
    """Rows state the taxonomy's name and version, so that the same content under another name is another."""
    stated = f"{taxonomy.name}\0{taxonomy.version}\0{taxonomy.fingerprint}"
    key = hashlib.sha256(stated.encode()).hexdigest()[:16]
    return cache_folder() / "indexes" / f"{key}-{model.fingerprint[:16]}"


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
