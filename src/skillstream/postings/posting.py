"""A job posting, and why a value is none."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["FieldsFound", "JobPosting", "NoPostingError"]


class JobPosting(msgspec.Struct, frozen=True):
    """A job posting as its source gives it.

    Attributes:
        posting_id: the source's id; a number becomes its decimal digits.
        title: one line, entities decoded; may be empty.
        text: the description, plain or HTML, not yet cleaned (see `skillstream.postings.sentences.segment`);
            empty if the record has none.
        event_time: when it was posted, milliseconds since the epoch, UTC.
        language: ISO 639 code if the source states it, else `None`.
        unread_time: a time that the source states and that cannot be read, such as `posted: '3 days ago'`;
            `None` if it states none, or another one that can be read.
    """

    posting_id: str | None
    title: str
    text: str
    event_time: int | None = None
    language: str | None = None
    unread_time: str | None = None


class FieldsFound(NamedTuple):
    """Which fields of a record a posting was made of, by their names or paths as the record has them.

    Attributes:
        feed: the well-known feed whose table was used; `None` if names alone told.
        id, title, time, language: `None` if the posting has none.
        text: the description's and those that were added to it.
    """

    feed: str | None
    id: str | None
    title: str | None
    text: tuple[str, ...]
    time: str | None
    language: str | None


class NoPostingError(Exception):
    """Why a value is no posting; never leaves `skillstream.postings`."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(code, detail)
