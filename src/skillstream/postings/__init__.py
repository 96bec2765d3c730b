"""Bytes of a record to a posting, its plain text, sentences and sections."""

from __future__ import annotations

from skillstream.postings.budget import Budget, TooComplexError
from skillstream.postings.containers import find_postings, has_posting_fields, is_job_posting
from skillstream.postings.feeds import FEED_NAMES
from skillstream.postings.fields import FURTHER_TEXT, TEXT_NAMES, TITLE_NAMES, FieldMapping
from skillstream.postings.inspection import RecordsReport, SampleText, inspect_records
from skillstream.postings.language import detect_language, language_code
from skillstream.postings.parse import JobPosting, parse_payload, parse_record, posting_from_mapping
from skillstream.postings.sections import BOILERPLATE
from skillstream.postings.seen import MAX_FIELDS, field_names, listed, missing_fields
from skillstream.postings.sentences import Document, Sentence, segment, split_long
from skillstream.postings.stance import UNASKED, Stance, is_required, stance_of

__all__ = [
    "BOILERPLATE",
    "FEED_NAMES",
    "FURTHER_TEXT",
    "MAX_FIELDS",
    "TEXT_NAMES",
    "TITLE_NAMES",
    "UNASKED",
    "Budget",
    "Document",
    "FieldMapping",
    "JobPosting",
    "RecordsReport",
    "SampleText",
    "Sentence",
    "Stance",
    "TooComplexError",
    "detect_language",
    "field_names",
    "find_postings",
    "has_posting_fields",
    "inspect_records",
    "is_job_posting",
    "is_required",
    "language_code",
    "listed",
    "missing_fields",
    "parse_payload",
    "parse_record",
    "posting_from_mapping",
    "segment",
    "split_long",
    "stance_of",
]
