"""Which element of an XML feed is a record, told by its beginning."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from xml.parsers import expat

from skillstream.postings import FieldMapping, has_posting_fields
from skillstream.sources.files.xml_values import local_name

__all__ = ["record_element"]

# What a posting's element is called, by those who write feeds.
_NAMES = frozenset(
    """
    job item entry position vacancy offer posting jobposting joboffer jobad advert ad listing record
    row jobopening opening requisition stelle stellenangebot offre annonce vacature oferta product
    doc
    """.split()  # noqa: SIM905 - a list of words to read
)
_MAX_DEPTH = 200
# Only names count here: neither what a document type declares nor any entity is looked at.
_DOCTYPE = re.compile(rb"<!DOCTYPE[^\[>]*+(?:\[[^\]]*+\]\s*+)?>")
_REFERENCE = re.compile(rb"&[^;\s<]{0,40};?|[\x00-\x08\x0b\x0c\x0e-\x1f]")


class _StopError(Exception):
    pass


def record_element(beginning: bytes, fields: FieldMapping) -> tuple[str, bool] | None:
    """The name of the element that is a record, and whether one is within another; `None` if there is none.

    Args:
        beginning: of the document, in UTF-8; may be cut off anywhere.
        fields: fields that the user names: a record has them; `records_path` ends with its name.
    """
    seen = _Seen()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = seen.begin
    parser.EndElementHandler = seen.end
    beginning = _REFERENCE.sub(b" ", _DOCTYPE.sub(b"", beginning.lstrip(), count=1))
    with suppress(expat.ExpatError, _StopError):  # what was seen before must do
        parser.Parse(beginning, False)
    named = {path.split(".")[0] for path in (fields.id, fields.title, fields.text) if path}
    ranked = []
    for path, count in seen.counts.items():
        children = seen.children.get(path, set())
        name = local_name(path[-1])
        if fields.records_path and fields.records_path.split(".")[-1] in (name, path[-1]):
            return path[-1], seen.is_nested(path[-1])
        if not children or len(path) == 1:
            continue
        has_fields = bool(named & children) if named else has_posting_fields(children)
        known = name.lower().replace("-", "").replace("_", "") in _NAMES
        if has_fields or known or count > 1:
            ranked.append(((not (has_fields and known), not (has_fields and count > 1), not has_fields,
                            not known, len(path)), path[-1]))  # fmt: skip
    if not ranked:
        return None
    record = min(ranked)[1]
    return record, seen.is_nested(record)


class _Seen:
    """How often each path of elements comes, and the names of what is within."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.children: dict[tuple[str, ...], set[str]] = {}
        self._path: tuple[str, ...] = ()

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if self._path:
            self.children.setdefault(self._path, set()).add(local_name(name))
        self._path = (*self._path, name)
        if len(self._path) > _MAX_DEPTH:
            raise _StopError
        self.counts[self._path] += 1
        if attributes:
            self.children.setdefault(self._path, set()).update(map(local_name, attributes))

    def end(self, _: str) -> None:
        self._path = self._path[:-1]

    def is_nested(self, name: str) -> bool:
        """Whether a field of a record has the record's name; a record within one has lost its end."""
        return any(
            path[-1] == name and path.count(name) > 1 and path not in self.children for path in self.counts
        )
