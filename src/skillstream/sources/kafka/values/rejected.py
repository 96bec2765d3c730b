"""A value that cannot be read: how the modules of this room say so to the decoder."""

from __future__ import annotations

from skillstream.rejections import Rejection, RejectionCode

__all__ = ["ValueRejectedError"]

MAX_DETAIL = 500  # characters: texts of other people's libraries may quote whole schemas


class ValueRejectedError(Exception):
    """The record becomes a rejected row with this reason."""

    def __init__(self, code: RejectionCode, detail: str) -> None:
        super().__init__(detail)
        line = " ".join(detail.split())[:MAX_DETAIL]
        self.rejection = Rejection(code, line.encode(errors="replace").decode())
