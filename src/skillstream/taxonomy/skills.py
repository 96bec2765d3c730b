"""Taxonomies: which skills there are, under which names, in which groups.

    load_taxonomy("esco")          ESCO, shipped with the package
    load_taxonomy("skills.csv")    any table with an id and a label column
    load_taxonomy("folder")        ESCO's official CSV download, or O*NET's text files

Reading the files themselves is the matter of `skillstream.taxonomy.readers`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cached_property

import msgspec

__all__ = ["NAME_ONLY", "Skill", "Taxonomy", "collect_skills"]

FIRST_FIELDS = 5  # uri, label, alt_labels, groups, kind
# Kinds of entries that are proper names.
NAME_ONLY = frozenset(["product", "standard", "certificate"])


class Skill(msgspec.Struct, frozen=True, array_like=True):
    """One entry of a taxonomy.

    Attributes:
        uri: its id, unique in the taxonomy.
        label: its preferred label.
        alt_labels: other names of the same skill, without the preferred label.
        groups: labels of the groups it rolls up to, most specific first.
        kind: the taxonomy's own word for what it is (`skill`, `knowledge`, `product`, ...); entries of
            the kinds `NAME_ONLY` are found by their names alone.
        same_as: ids of the same thing in other taxonomies.
        as_written: those of its names that count only in their own spelling ("SAS", "Excel").
        in_context: those that also need something beside them that speaks for them ("Go", "Word").
    """

    uri: str
    label: str
    alt_labels: list[str] = []
    groups: list[str] = []
    kind: str | None = None
    same_as: list[str] = []
    as_written: list[str] = []
    in_context: list[str] = []

    @property
    def name_only(self) -> bool:
        """Whether only its names tell it: what is like "Perl" in meaning or letters is not Perl."""
        return self.kind in NAME_ONLY


class Taxonomy:
    """Skills under one name and version.

    Attributes:
        name, version: what rows and index folders state.
        skills: in the order of the source; ids are unique.
        skipped: rows of the source left out because the id or the label was empty.
        merged: rows of the source whose id had come before; their names and groups were added to it.
    """

    def __init__(
        self, name: str, version: str | None, skills: list[Skill], skipped: int = 0, merged: int = 0
    ) -> None:
        """`version` `None` means the content's own fingerprint."""
        self.name = name
        self.skills = skills
        self.skipped = skipped
        self.merged = merged
        self.version = self.fingerprint[:8] if version is None else version

    def __len__(self) -> int:
        return len(self.skills)

    def ordered(self) -> Taxonomy:
        """The same taxonomy; skills that are found by name alone come last."""
        skills = sorted(self.skills, key=lambda skill: skill.name_only)
        return Taxonomy(self.name, self.version, skills, self.skipped, self.merged)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex, 32 digits of it) of the skills, whatever their order."""
        encode = msgspec.json.Encoder().encode
        return hashlib.sha256(
            b"\n".join(sorted(encode(_stated(skill)) for skill in self.skills))
        ).hexdigest()[:32]


def _stated(skill: Skill) -> tuple[object, ...]:
    """What a skill states, without later fields that are empty: outputs know the fingerprints of before."""
    values = msgspec.structs.astuple(skill)
    while len(values) > FIRST_FIELDS and not values[-1]:
        values = values[:-1]
    return values


def collect_skills(name: str, version: str | None, rows: Iterable[Skill]) -> Taxonomy:
    """Rows of a source as a taxonomy: blanks stripped, empty rows dropped, rows of one id merged.

    Of several rows with one id the first gives the label; labels of the others become alternative labels.
    """
    skills: dict[str, Skill] = {}
    skipped = merged = 0
    for row in rows:
        uri, label = row.uri.strip(), " ".join(row.label.split())
        if not uri or not label:
            skipped += 1
            continue
        first = skills.get(uri)
        if first is None:
            first, names = Skill(uri, label), row.alt_labels
        else:
            merged += 1
            names = [*first.alt_labels, label, *row.alt_labels]
        skills[uri] = Skill(
            uri,
            first.label,
            _distinct(names, without=first.label),
            _distinct([*first.groups, *row.groups]),
            first.kind or row.kind or None,
            _distinct([*first.same_as, *row.same_as], without=uri),
            _distinct([*first.as_written, *row.as_written]),
            _distinct([*first.in_context, *row.in_context]),
        )
    return Taxonomy(name, version, list(skills.values()), skipped, merged)


def _distinct(texts: Iterable[str], without: str = "") -> list[str]:
    """Stripped texts in order, each once, without empty ones and without `without`."""
    seen = dict.fromkeys(" ".join(text.split()) for text in texts)
    return [text for text in seen if text and text != without]
