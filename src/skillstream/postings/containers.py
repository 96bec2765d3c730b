"""Objects that hold postings: pages of job boards' interfaces, lists of schema.org, search results; and
what is wrapped around a single posting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from skillstream.postings.feeds import recognise
from skillstream.postings.fields import (
    FURTHER_TEXT,
    STRONG_TEXT_NAMES,
    STRONG_TITLE_NAMES,
    TEXT_NAMES,
    TITLE_NAMES,
    is_text_name,
)
from skillstream.postings.values import bare_name, is_filled, names

__all__ = [
    "Container",
    "Named",
    "completed",
    "find_postings",
    "has_posting_fields",
    "is_job_posting",
    "is_posting",
    "named_fields",
    "other_type",
    "unwrapped",
]

Named = Mapping[str, tuple[str, object]]

# Fields that hold nothing but postings; fields that hold them in an object that is no posting itself.
_SURE = frozenset(
    names(
        """jobs postings jobpostings joblistings jobads vacancies offers openings positions itemlistelement
        searchresultitems stellenangebote resultats requisitions requisitionlist jobrequisitions jobopenings
        hits offres vagas vacatures ofertas"""
    )
)
_LIKELY = frozenset(
    names(
        """results items data content records rows value values list entries elements documents docs item job
        entry edges nodes listings position vacancy result objects"""
    )
)
# Objects on the way to such a field.
_ON_THE_WAY = _SURE | frozenset(
    names(
        """data results result searchresult response hits mainentity rss channel feed d payload body embedded
        source page search joblist"""
    )
)
_MAX_STEPS = 4

# Objects around one posting, outermost first.
_ENVELOPES = names(
    """_source job posting jobposting jobpostinginfo matchedobjectdescriptor attributes item node mainentity
    vacancy offer position jobopening record document fulldocument fields data payload content after value
    result detail message event body source"""
)
# Those of them that are about the posting itself, no matter what is beside them.
_ABOUT_IT = names("job posting jobposting jobpostinginfo vacancy offer jobopening attributes")
_OUTER_IDS = ("id", "_id", "matchedobjectid", "@id")
# What a posting in a list has beside its title, unlike a section of a posting with a heading and a text.
_PROOFS = frozenset(
    names(
        """id jobid uuid guid slug url link joburl absoluteurl hostedurl externalpath applyurl company
        companyname location locations city dateposted createdat publishedat updatedat created date department
        identifier refnumber refnr shortcode"""
    )
)
# Neighbours of a JobPosting in a page's JSON-LD: they have names and descriptions, too.
_OTHER_TYPES = frozenset(
    names(
        """Organization Corporation LocalBusiness EmployerAggregateRating WebPage WebSite BreadcrumbList
        ListItem Person Place PostalAddress ImageObject SearchAction ItemList Occupation CollectionPage
        FAQPage"""
    )
)

_SCHEMA_ORG = re.compile(r"^(?:https?://schema\.org/|schema:)")


class Container(NamedTuple):
    """Where in an object the postings are.

    Attributes:
        path: the list's path, names with dots between.
        items: the list's elements.
        can_be_said: whether the path says it: no name has a dot in it.
    """

    path: str
    items: list[object]
    can_be_said: bool


def named_fields(item: Mapping[str, object]) -> dict[str, tuple[str, object]]:
    """The object's fields by their bare names. Of several with one bare name the first filled one counts."""
    named: dict[str, tuple[str, object]] = {}
    for name, value in item.items():
        if value is None:
            continue
        bare = bare_name(name)
        if bare not in named or not is_filled(named[bare][1]):
            named[bare] = (name, value)
    return named


def is_job_posting(item: Mapping[str, object]) -> bool:
    """Whether the object says that it is one of schema.org's."""
    return any(kind.endswith("JobPosting") for kind in _types(item))


def other_type(item: Mapping[str, object]) -> str | None:
    """The schema.org type of an object that is no posting, such as `Organization`; else `None`."""
    types = _types(item)
    if not types or any(kind.endswith("JobPosting") for kind in types):
        return None
    bare = [_SCHEMA_ORG.sub("", kind) for kind in types]
    return next((kind for kind in bare if kind in _OTHER_TYPES), None)


def _types(item: Mapping[str, object]) -> list[str]:
    kinds = item.get("@type")
    return [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]


def find_postings(item: Mapping[str, object]) -> Container | None:
    """The postings that an object holds, if it is a container and no posting itself; else `None`."""
    named = named_fields(item)
    if not (named.keys() & (_SURE | _LIKELY | _ON_THE_WAY)) or is_job_posting(item):
        return None
    is_one = _has(named, STRONG_TITLE_NAMES) and _has(named, TEXT_NAMES)
    found = None
    for bare, container in _lists(item, (), _MAX_STEPS):
        elements = container.items
        if not elements or not all(isinstance(element, Mapping) for element in elements):
            continue
        needs = "all" if is_one else "proof" if bare not in _SURE else "title"
        if all(_may_be_posting(element, needs) for element in elements[:20]) and (
            found is None or len(elements) > len(found.items)
        ):
            found = container
    return found


def _lists(item: Mapping[str, object], path: tuple[str, ...], steps: int) -> Iterator[tuple[str, Container]]:
    """Lists in fields that may hold postings, with the bare name of the field."""
    for name, value in item.items():
        bare = bare_name(name).removeprefix("_")
        if isinstance(value, list) and bare in _SURE | _LIKELY:
            yield bare, _container((*path, str(name)), value)
        elif isinstance(value, Mapping) and steps and bare in _ON_THE_WAY:
            yield from _lists(value, (*path, str(name)), steps - 1)


def _container(names: tuple[str, ...], items: list[object]) -> Container:
    return Container(".".join(names), items, not any("." in name or "[]" in name for name in names))


def _may_be_posting(element: object, needs: str) -> bool:
    """Whether an element looks like a posting.

    Args:
        element: of a list that may hold postings.
        needs: `title`: a title and anything else will do; `proof`: a title and what sections of a posting do
            not have, such as an id; `all`: both of these and a text.
    """
    if not isinstance(element, Mapping):
        return False
    if is_job_posting(element):
        return True
    if other_type(element) not in (None, "ListItem"):
        return False
    inner = unwrapped(element)
    if is_job_posting(inner):
        return True
    named = named_fields(inner)
    if recognise(named) is not None:
        return True
    proof = not _PROOFS.isdisjoint(named) or (inner is not element and bool(element))
    has_text = _has(named, TEXT_NAMES)
    if needs == "title":
        return _has(named, TITLE_NAMES) and (proof or has_text)
    if needs == "all" and not has_text:
        return False
    return proof and (_has(named, STRONG_TITLE_NAMES) or (_has(named, TITLE_NAMES) and has_text))


def is_posting(item: Mapping[str, object]) -> bool:
    """Whether the object itself has a posting's title or description, or is one of a well-known feed."""
    named = named_fields(item)
    return (
        is_job_posting(item)
        or _has(named, STRONG_TITLE_NAMES)
        or _has(named, STRONG_TEXT_NAMES)
        or recognise(named) is not None
    )


def unwrapped(item: Mapping[str, object]) -> Mapping[str, object]:
    """The posting in an object that is wrapped around it, with the id outside if it has none; else `item`."""
    outer: Mapping[str, object] = item
    for _ in range(_MAX_STEPS):
        if is_posting(item):
            break
        named = named_fields(item)
        values = (_as_object(named[name][1]) for name in _ENVELOPES if name in named)
        inner = next((value for value in values if value is not None), None)
        if inner is None:
            break
        item = inner
    if item is outer or not is_posting(item):
        return outer
    outside = next((outer[name] for name in outer if bare_name(name) in _OUTER_IDS), None)
    if isinstance(outside, str | int) and not any(bare_name(name) in ("id", "identifier") for name in item):
        return {**item, "id": outside}
    return item


def completed(item: Mapping[str, object]) -> Mapping[str, object]:
    """A posting with the title, or the text, of an object within it if it has only the other one itself."""
    named = named_fields(item)
    missing = [known for known in (TITLE_NAMES, TEXT_NAMES) if not _has(named, known)]
    if len(missing) != 1:
        return item
    for name in _ABOUT_IT:
        inner = _as_object(named[name][1]) if name in named else None
        within = {} if inner is None else named_fields(inner)
        if _has(within, missing[0]):
            return {**{given: value for bare, (given, value) in within.items() if bare in missing[0]}, **item}
    return item


def has_posting_fields(names: Iterable[str]) -> bool:
    """Whether fields of these names may hold a posting: its title or text, or an object around it."""
    bare = {bare_name(name): None for name in names}
    known = {*TITLE_NAMES, *TEXT_NAMES, *FURTHER_TEXT, *_ENVELOPES[:7]}
    return any(name in known or is_text_name(name) for name in bare) or recognise(bare) is not None


def _has(named: Named, names: tuple[str, ...]) -> bool:
    return any(name in named and is_filled(named[name][1]) for name in names)


def _as_object(value: object) -> Mapping[str, object] | None:
    """An object, maybe one that is JSON as text, as queues and outboxes wrap it; else `None`."""
    if isinstance(value, str) and value[:2] == '{"':
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return None
    return value if isinstance(value, Mapping) else None
