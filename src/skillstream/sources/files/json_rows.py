"""Rows of tables (CSV, Parquet) as the JSON objects that records carry."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

__all__ = ["row_to_json"]


def row_to_json(row: Mapping[str, object]) -> bytes:
    """The row as a compact JSON object.

    Text that was not valid UTF-8 (decoded with `surrogateescape`) gets its bytes back, so that the
    payload is as it came and the record is rejected for it later.
    """
    try:
        return msgspec.json.encode(row)
    except UnicodeEncodeError:
        text = json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str)
        return text.encode("utf-8", "surrogateescape")
