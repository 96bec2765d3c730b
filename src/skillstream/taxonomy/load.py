"""Taxonomies by name or path."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from skillstream.errors import TaxonomyError
from skillstream.taxonomy.combine import combine_taxonomies
from skillstream.taxonomy.readers import read_shipped, read_taxonomy
from skillstream.taxonomy.skills import Taxonomy

__all__ = ["BUILT_IN", "DEFAULT_TAXONOMIES", "load_taxonomies", "load_taxonomy"]

# Taxonomies that the package carries, by name.
BUILT_IN = {"esco": "esco.parquet", "technologies": "technologies.parquet"}
DEFAULT_TAXONOMIES = tuple(BUILT_IN)


def load_taxonomies(specs: str | Sequence[str]) -> Taxonomy:
    """The taxonomies that `specs` name, one or several, as one (`skillstream.taxonomy.combine`).

    Raises:
        TaxonomyError: none is named, or one cannot be read (see `load_taxonomy`).
    """
    if isinstance(specs, str):
        specs = [specs]
    if not specs:
        raise TaxonomyError("no taxonomy is named: give 'esco', 'technologies' or a path")
    return combine_taxonomies([load_taxonomy(spec) for spec in dict.fromkeys(specs)])


def load_taxonomy(spec: str) -> Taxonomy:
    """The taxonomy that `spec` names: `esco`, `technologies`, or the path of a file or folder.

    Raises:
        TaxonomyError: nothing there, a kind of file we do not know, or no column with ids or labels.
    """
    built_in = BUILT_IN.get(spec.strip().lower())
    if built_in is not None:
        with resources.as_file(resources.files("skillstream") / "data" / built_in) as path:
            return read_shipped(path)
    path = Path(spec).expanduser()
    if not spec.strip() or not path.exists():  # an empty path would be the current folder
        raise TaxonomyError(
            f"taxonomy {spec!r}: no such file or folder; give a path, or 'esco' or 'technologies' for a "
            "built-in one"
        )
    taxonomy = read_taxonomy(path)
    if not taxonomy.skills:
        raise TaxonomyError(
            f"taxonomy {spec!r} has no skills: {taxonomy.skipped} rows, all without id or label"
        )
    return taxonomy
