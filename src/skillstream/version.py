"""The version of this package, as rows, files and run.json state it."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
