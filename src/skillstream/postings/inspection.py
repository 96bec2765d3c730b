"""How records are read: fields and what they were taken for, problems, and the text of one posting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from skillstream.chunks import Chunk, Record
from skillstream.postings.containers import unwrapped
from skillstream.postings.extract import value_at
from skillstream.postings.fields import FieldMapping
from skillstream.postings.parse import parse_record, read_value
from skillstream.postings.payloads import MAX_BYTES, decode_payload
from skillstream.postings.posting import FieldsFound, JobPosting
from skillstream.postings.sentences import Document, segment
from skillstream.postings.values import kind_of, says_something
from skillstream.rejections import Rejection

__all__ = ["FieldSeen", "Problem", "RecordsReport", "SampleText", "SectionText", "inspect_records"]

_MAX_FIELDS = 200  # of all records together
_MAX_PROBLEMS = 20  # that are described; all are counted
_EXAMPLE = 60  # characters


class FieldSeen(msgspec.Struct, frozen=True):
    """One field of the records, by its name, or by its path where it is nested and was used.

    Attributes:
        name: as the records have it.
        taken_for: `id`, `title`, `description`, `time` or `language`; `None` if it is not read.
        share: of the records that are objects, those where it says something, in [0, 1].
        example: the beginning of its first value.
    """

    name: str
    taken_for: str | None
    share: float
    example: str


class Problem(msgspec.Struct, frozen=True):
    """A record that becomes a rejected row: where it is, and why."""

    partition: int
    offset: int
    code: str
    detail: str


class SectionText(msgspec.Struct, frozen=True):
    """Sentences of one section that follow each other, a line each."""

    section: str
    text: str


class SampleText(msgspec.Struct, frozen=True):
    """One posting as it is read; the times are milliseconds since the epoch, UTC."""

    partition: int
    offset: int
    posting_id: str | None
    title: str
    event_time: int | None
    language: str | None
    text: str
    sections: list[SectionText]


class RecordsReport(msgspec.Struct, frozen=True):
    """How some records are read.

    Attributes:
        records: number of records looked at.
        rejected: those that become rejected rows, by code.
        title_only: those that have a title but no description.
        unread_times: those whose time cannot be read; `unread_time` shows the first one.
        feeds: number of records by the well-known feed that they are of.
        fields: in the order of the records.
        problems: the first rejected records.
        sample: the first posting with a description, else the first one.
    """

    records: int
    rejected: dict[str, int]
    title_only: int
    unread_times: int
    unread_time: str | None
    feeds: dict[str, int]
    fields: list[FieldSeen]
    problems: list[Problem]
    sample: SampleText | None


def inspect_records(
    chunks: Iterable[Chunk], fields: FieldMapping, max_bytes: int = MAX_BYTES
) -> RecordsReport:
    """Reads the records as tagging does, but tags none.

    Raises:
        TooComplexError: reading the text of the sample takes more than one record may.
    """
    seen = _Fields()
    rejected: Counter[str] = Counter()
    feeds: Counter[str] = Counter()
    problems: list[Problem] = []
    unread: list[str] = []
    count = title_only = 0
    sample: tuple[int, Record, JobPosting] | None = None
    for partition, record in ((chunk.partition, record) for chunk in chunks for record in chunk.records):
        count += 1
        posting = parse_record(record, fields, max_bytes)
        used = seen.add(record, fields, max_bytes)
        if isinstance(posting, Rejection):
            rejected[posting.code] += 1
            if len(problems) < _MAX_PROBLEMS:
                problems.append(Problem(partition, record.offset, posting.code, posting.detail))
            continue
        if used is not None and used.feed is not None:
            feeds[used.feed] += 1
        if posting.unread_time is not None:
            unread.append(posting.unread_time)
        title_only += not posting.text
        if sample is None or (posting.text and not sample[2].text):
            sample = (partition, record, posting)
    return RecordsReport(
        records=count,
        rejected=dict(rejected.most_common()),
        title_only=title_only,
        unread_times=len(unread),
        unread_time=unread[0] if unread else None,
        feeds=dict(feeds.most_common()),
        fields=seen.fields(),
        problems=problems,
        sample=None if sample is None else _sample(*sample),
    )


def _sample(partition: int, record: Record, posting: JobPosting) -> SampleText:
    document = segment(posting)
    return SampleText(
        partition=partition,
        offset=record.offset,
        posting_id=posting.posting_id,
        title=document.text.partition("\n")[0],
        event_time=posting.event_time,
        language=document.language,
        text=document.text,
        sections=list(_sections(document)),
    )


def _sections(document: Document) -> Iterator[SectionText]:
    section, lines = "", list[str]()
    for sentence in document.sentences:
        if sentence.section != section and lines:
            yield SectionText(section, "\n".join(lines))
            lines = []
        section = sentence.section
        lines.append(sentence.text)
    if lines:
        yield SectionText(section, "\n".join(lines))


class _Fields:
    """The fields of records, counted."""

    def __init__(self) -> None:
        self._objects = 0
        self._filled: Counter[str] = Counter()
        self._roles: dict[str, Counter[str]] = {}
        self._examples: dict[str, str] = {}

    def add(self, record: Record, fields: FieldMapping, max_bytes: int) -> FieldsFound | None:
        """Counts the fields of one record; which of them a posting was made of, if it holds one."""
        if record.rejection is not None or record.document is None:
            return None
        value = decode_payload(record.document, max_bytes)
        read = value if isinstance(value, Rejection) else read_value(value, fields)
        outer = value if isinstance(read, Rejection) else read.item
        if not isinstance(outer, Mapping):
            return None
        self._objects += 1
        item = unwrapped(outer)
        for name, one in item.items():
            self._see(str(name), one)
        if isinstance(read, Rejection):
            return None
        used = read.found
        roles = {"id": (used.id,), "title": (used.title,), "description": used.text, "time": (used.time,)}
        for role, names in {**roles, "language": (used.language,)}.items():
            for path in names:
                if path is not None:
                    self._roles.setdefault(path, Counter())[role] += 1
                    if path not in item:
                        nested = value_at(outer, item, path)
                        self._see(path, read.posting.text if nested is None else nested)
        return used

    def fields(self) -> list[FieldSeen]:
        """What was counted, in the order in which it was seen."""
        return [
            FieldSeen(
                name=name,
                taken_for=self._roles[name].most_common(1)[0][0] if name in self._roles else None,
                share=round(self._filled[name] / max(self._objects, 1), 4),
                example=example,
            )
            for name, example in self._examples.items()
        ]

    def _see(self, name: str, value: object) -> None:
        name = name.encode(errors="replace").decode()
        filled = says_something(value)
        if name in self._examples or len(self._examples) < _MAX_FIELDS:
            self._filled[name] += filled
            if not self._examples.get(name):
                self._examples[name] = _shown(value) if filled else ""


def _shown(value: object) -> str:
    """The beginning of a value, on one line."""
    if isinstance(value, bool | float):
        return str(value).lower()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**_EXAMPLE else "a very large number"
    if not isinstance(value, str):
        return kind_of(value)
    text = " ".join(value[: 4 * _EXAMPLE].encode(errors="replace").decode().split())
    return text if len(text) <= _EXAMPLE else f"{text[: _EXAMPLE - 1]}…"
