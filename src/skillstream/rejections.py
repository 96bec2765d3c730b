"""The closed set of reasons for which a record becomes a rejected row instead of a tagged one."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Rejection", "RejectionCode"]


class RejectionCode(StrEnum):
    """Codes in the column `error.code`. Others script against them: add, never rename."""

    EMPTY = "empty"  # no bytes, or only white space
    TOMBSTONE = "tombstone"  # a Kafka record without a value
    TOO_LARGE = "too_large"  # over the size limit (10 MB by default)
    INVALID_UTF8 = "invalid_utf8"  # the bytes are not UTF-8
    INVALID_UNICODE = "invalid_unicode"  # lone surrogates, which no text can hold
    INVALID_JSON = "invalid_json"  # truncated, NaN, numbers out of range, trailing characters
    INVALID_XML = "invalid_xml"  # an element of a feed that is not well-formed
    TOO_DEEP = "too_deep"  # nested deeper than the parser goes
    NOT_AN_OBJECT = "not_an_object"  # JSON, but not an object
    WRONG_TYPE = "wrong_type"  # a mapped field holds something that is not text
    MISSING_TEXT = "missing_text"  # neither title nor description says anything
    RAGGED_ROW = "ragged_row"  # a CSV row with more or fewer cells than the header
    UNSUPPORTED_FRAMING = "unsupported_framing"  # not in the wire format that --value-format expects
    UNKNOWN_SCHEMA = "unknown_schema"  # the schema registry answers that it has no schema of this id
    UNSUPPORTED_SCHEMA = "unsupported_schema"  # a schema of another kind, or one that cannot be compiled
    INVALID_AVRO = "invalid_avro"  # the bytes are not what the Avro schema describes
    INVALID_PROTOBUF = "invalid_protobuf"  # the bytes are not what the protobuf schema describes
    INVALID_GZIP = "invalid_gzip"  # a compressed Kafka value that is damaged
    DELETED = "deleted"  # a change event that says the row was deleted
    TOO_COMPLEX = "too_complex"  # reading it took more processor time than one record may have (two minutes)
    INTERNAL = "internal"  # a bug of ours met in this record alone; the payload is kept


class Rejection(msgspec.Struct, frozen=True, array_like=True):
    """Why a record was rejected: a code to count by and a sentence to read."""

    code: RejectionCode
    detail: str
