"""Several taxonomies as one: one index, one ranked list of tags."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from skillstream.taxonomy.skills import Skill, Taxonomy

__all__ = ["combine_taxonomies"]


def combine_taxonomies(taxonomies: Sequence[Taxonomy]) -> Taxonomy:
    """The skills of all, in the order of the taxonomies; name and version state each ("a+b", "1.2+1.0").

    What several have is one skill: an entry whose id, or one of whose `same_as`, an earlier entry has. The
    earlier one keeps its id, label and kind; it gets the other's names and groups, and its ids as `same_as`.
    """
    if len(taxonomies) == 1:
        return taxonomies[0]
    skills: list[Skill] = []
    place: dict[str, int] = {}
    merged = sum(taxonomy.merged for taxonomy in taxonomies)
    for taxonomy in taxonomies:
        for skill in taxonomy.skills:
            known = next((place[uri] for uri in (skill.uri, *skill.same_as) if uri in place), None)
            if known is None:
                known = len(skills)
                skills.append(skill)
            else:
                skills[known] = _joined(skills[known], skill)
                merged += 1
            for uri in (skill.uri, *skill.same_as):
                place.setdefault(uri, known)
    return Taxonomy(
        "+".join(taxonomy.name for taxonomy in taxonomies),
        "+".join(taxonomy.version for taxonomy in taxonomies),
        skills,
        sum(taxonomy.skipped for taxonomy in taxonomies),
        merged,
    )


def _joined(first: Skill, other: Skill) -> Skill:
    def added(have: Sequence[str], more: Sequence[str], without: str = "") -> list[str]:
        return [text for text in dict.fromkeys([*have, *more]) if text != without]

    return msgspec.structs.replace(
        first,
        alt_labels=added(first.alt_labels, [other.label, *other.alt_labels], first.label),
        groups=added(first.groups, other.groups),
        same_as=added(first.same_as, [other.uri, *other.same_as], first.uri),
        as_written=added(first.as_written, other.as_written),
        in_context=added(first.in_context, other.in_context),
    )
