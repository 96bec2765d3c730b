"""Bytes to a JSON value, or the reason why not. Nothing here raises for bad input."""

from __future__ import annotations

import re

import msgspec

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["MAX_BYTES", "decode_payload", "nan_as_null"]

MAX_BYTES = 10_000_000

_ANY = msgspec.json.Decoder()
# An escaped surrogate without its partner. msgspec refuses it too, but calls it "truncated" near the end.
_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*\\u(?:[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|[dD][c-fC-F][0-9a-fA-F]{2})"
)
_PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
# A string to its end or to that of the payload; possessive, so that no byte is looked at twice.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x1f]")
_STRING_OR_NAN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|-?\b(?:NaN|Infinity)\b', re.DOTALL)
_SEPARATOR = b"\x1e"  # before each record of a JSON text sequence (RFC 7464)


def decode_payload(payload: bytes, max_bytes: int = MAX_BYTES) -> object:
    """The value of a JSON document, or a `Rejection`. Confluent-framed JSON is unframed.

    Control characters within strings, such as raw line breaks, are taken: some exports write them. So are
    `NaN` and `Infinity`, as Python writes them, for null; and an object that is a JSON string as a whole.
    """
    if len(payload) > max_bytes:
        return Rejection(RejectionCode.TOO_LARGE, f"{len(payload)} bytes, at most {max_bytes} are read")
    if payload.startswith(b"\0"):  # Confluent's wire format: a zero byte, the schema's id in four bytes
        payload = payload[5:]
        if not payload.lstrip().startswith(b"{"):
            return Rejection(RejectionCode.UNSUPPORTED_FRAMING, "framed with a schema id, but not JSON")
    payload = payload.removeprefix(b"\xef\xbb\xbf").removeprefix(_SEPARATOR)
    if not payload.strip():
        return Rejection(RejectionCode.EMPTY, "no bytes, or only white space")
    try:
        payload.decode()
    except UnicodeDecodeError as error:
        return Rejection(RejectionCode.INVALID_UTF8, f"{error.reason} (byte {error.start})")
    value = _decode(payload)
    if isinstance(value, Rejection) and value.code == RejectionCode.INVALID_JSON:
        repaired = nan_as_null(payload)
        if _CONTROL.search(repaired):
            repaired = _STRING.sub(_escape_controls, repaired)
        if repaired != payload:
            again = _decode(repaired)
            return value if isinstance(again, Rejection) else again
    if isinstance(value, str) and value.lstrip().startswith("{"):
        inner = _decode(value.encode())
        return inner if isinstance(inner, dict) else value
    return value


def nan_as_null(payload: bytes) -> bytes:
    """JSON with `null` for the numbers that it has no words for; strings stay as they are."""
    if b"NaN" not in payload and b"Infinity" not in payload:
        return payload
    return _STRING_OR_NAN.sub(lambda found: found[0] if found[0][:1] == b'"' else b"null", payload)


def _decode(payload: bytes) -> object:
    try:
        return _ANY.decode(payload)
    except RecursionError:
        return Rejection(RejectionCode.TOO_DEEP, "nested deeper than the parser goes")
    except msgspec.DecodeError as error:
        if _LONE_SURROGATE.search(_PAIR.sub(b"", payload)):
            return Rejection(RejectionCode.INVALID_UNICODE, "an escaped surrogate without its partner")
        return Rejection(RejectionCode.INVALID_JSON, str(error))


def _escape_controls(string: re.Match[bytes]) -> bytes:
    return _CONTROL.sub(lambda control: b"\\u%04x" % control[0][0], string[0])
