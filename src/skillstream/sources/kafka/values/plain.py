"""Decoded values as values that JSON can hold.

Text in binary fields is text if it is UTF-8. Other bytes are nobody's text and become null, never base64;
in a field whose name says that it is text they reject the record, since its text would be missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from skillstream.postings.fields import is_text_name
from skillstream.rejections import RejectionCode
from skillstream.sources.kafka.values.rejected import ValueRejectedError

__all__ = ["to_json"]

# Decimals, times and UUIDs become text, NaN and infinities null.
_ENCODER = msgspec.json.Encoder(enc_hook=str)


def to_json(value: object) -> bytes:
    """The value as a JSON document.

    Raises:
        ValueRejectedError: nested too deep, or text that is not UTF-8.
    """
    try:
        return _ENCODER.encode(_plain(value, ""))
    except RecursionError:
        raise ValueRejectedError(RejectionCode.TOO_DEEP, "nested deeper than the encoder goes") from None
    except UnicodeEncodeError as error:
        raise ValueRejectedError(RejectionCode.INVALID_UNICODE, str(error)) from error


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value), name)
    return value


def _text(value: bytes, name: str) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        if is_text_name(name):
            detail = f"the field {name!r} holds text that is not UTF-8 ({error.reason}, byte {error.start})"
            raise ValueRejectedError(RejectionCode.INVALID_UTF8, detail) from error
        return None
