"""Which skills there are, under which names, in which groups."""

from __future__ import annotations

from skillstream.taxonomy.load import load_taxonomy
from skillstream.taxonomy.skills import Skill, Taxonomy

__all__ = ["Skill", "Taxonomy", "load_taxonomy"]
