"""Which fields of a record hold a posting's id, title, text, time and language."""

from __future__ import annotations

import msgspec

__all__ = [
    "FURTHER_TEXT",
    "ID_NAMES",
    "LANGUAGE_NAMES",
    "TEXT_NAMES",
    "TIME_NAMES",
    "TITLE_NAMES",
    "WELL_KNOWN",
    "FieldMapping",
]

# Well-known names, best first; compared without case, `_`, `-` and white space: `jobTitle` is `job_title`.
ID_NAMES = (
    "id",
    "postingid",
    "jobid",
    "jobpostingid",
    "identifier",
    "reference",
    "uuid",
    "guid",
    "@id",
    "url",
)


TITLE_NAMES = ("title", "jobtitle", "positiontitle", "position", "name", "role", "headline")


TEXT_NAMES = ("description", "jobdescription", "postingtext", "text", "fulltext", "body", "content")


TIME_NAMES = ("dateposted", "postedat", "posteddate", "publishedat", "eventtime", "createdat")


LANGUAGE_NAMES = ("inlanguage", "language", "lang")


# Further text that counts, in this order, each under its heading.
FURTHER_TEXT = {
    "responsibilities": "Responsibilities",
    "requirements": "Requirements",
    "qualifications": "Qualifications",
    "skills": "Skills",
    "experiencerequirements": "Experience",
    "educationrequirements": "Education",
}


class FieldMapping(msgspec.Struct, frozen=True):
    """Where the fields of a posting are: dotted paths (`job.title`); `None` = well-known names."""

    id: str | None = None
    title: str | None = None
    text: str | None = None


WELL_KNOWN = FieldMapping()
