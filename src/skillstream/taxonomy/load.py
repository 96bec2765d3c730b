"""A taxonomy by name or path."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from skillstream.errors import TaxonomyError
from skillstream.taxonomy.readers import read_shipped, read_taxonomy
from skillstream.taxonomy.skills import Taxonomy

__all__ = ["ESCO_FILE", "load_taxonomy"]

ESCO_FILE = "esco.parquet"


def load_taxonomy(spec: str) -> Taxonomy:
    """The taxonomy that `spec` names: `esco`, or the path of a file or folder.

    Raises:
        TaxonomyError: nothing there, a kind of file we do not know, or no column with ids or labels.
    """
    if spec.strip().lower() == "esco":
        with resources.as_file(resources.files("skillstream") / "data" / ESCO_FILE) as path:
            return read_shipped(path)
    path = Path(spec).expanduser()
    if not spec.strip() or not path.exists():  # an empty path would be the current folder
        raise TaxonomyError(
            f"taxonomy {spec!r}: no such file or folder; give a path, or 'esco' for the built-in one"
        )
    taxonomy = read_taxonomy(path)
    if not taxonomy.skills:
        raise TaxonomyError(
            f"taxonomy {spec!r} has no skills: {taxonomy.skipped} rows, all without id or label"
        )
    return taxonomy
