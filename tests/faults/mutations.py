"""Damage as it happens to records: bytes lost, changed and put in, above all such as a format lives by."""

from __future__ import annotations

import random

__all__ = ["mutated"]

MARKS = [
    *(b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b";", b"\t", b"<", b">", b"&", b"</", b"<!--", b"]]>"),
    *(
        b"<![CDATA[",
        b"&#0;",
        b"\\u",
        b"\\n",
        b"\\ud800",
        b"\r",
        b"\n",
        b"\x00",
        b"\xff",
        b"\xe2",
        b"\xc3\x28",
    ),
    *(b"1e999", b"NaN", b"null", b"{}", b"[" * 2000, b"9" * 400, b"\xff\xff\xff\xff\x0f", b"\x80"),
]


def mutated(data: bytes, draw: random.Random) -> bytes:
    """`data` with one to four mutations; it may be empty then, or by chance as it was."""
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        kind = draw.random()
        if kind < 0.5:
            data = data[:at] + draw.choice(MARKS) + data[at:]
        elif kind < 0.8:
            data = data[:at] + data[at + draw.randint(1, 5) :]
        else:
            data = data[:at] + bytes([draw.randrange(256)]) + data[at + 1 :]
    return data
