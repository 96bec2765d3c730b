"""A job posting, and why a value is none."""

from __future__ import annotations

import msgspec

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["JobPosting", "NoPostingError"]


class JobPosting(msgspec.Struct, frozen=True):
    """A job posting as its source gives it.

    Attributes:
        posting_id: the source's id; a number becomes its decimal digits.
        title: one line, entities decoded; may be empty.
        text: the description, plain or HTML, not yet cleaned (see `skillstream.postings.sentences.segment`);
            empty if the record has none.
        event_time: when it was posted, milliseconds since the epoch, UTC.
        language: ISO 639 code if the source states it, else `None`.
    """

    posting_id: str | None
    title: str
    text: str
    event_time: int | None = None
    language: str | None = None


class NoPostingError(Exception):
    """Why a value is no posting; never leaves `skillstream.postings`."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(code, detail)
