"""Which skills there are, under which names, in which groups."""

from __future__ import annotations

from skillstream.taxonomy.combine import combine_taxonomies
from skillstream.taxonomy.load import DEFAULT_TAXONOMIES, load_taxonomies, load_taxonomy
from skillstream.taxonomy.skills import NAME_ONLY, Skill, Taxonomy

__all__ = [
    "DEFAULT_TAXONOMIES",
    "NAME_ONLY",
    "Skill",
    "Taxonomy",
    "combine_taxonomies",
    "load_taxonomies",
    "load_taxonomy",
]
