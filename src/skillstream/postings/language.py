"""Which language is a posting written in? Offline, deterministic, on its first few hundred characters."""

from __future__ import annotations

import re

__all__ = ["detect_language", "language_code"]

SAMPLE_CHARS = 500  # more costs time (about 0.15 ms for 500) and changes next to no answer
MIN_LETTERS = 30  # below, the answer is noise: "Engineer" alone is said to be Fur
SURE = 20.0  # log-odds against English: lists of products reach 15, three German nouns 80
MIN_IDEOGRAPHS = 6  # Chinese and Japanese say in six signs what takes thirty letters

_CODE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]+)*")
_IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def language_code(value: str) -> str | None:
    """The language of a tag such as `en-US` or `de_AT`: `en`, `de`; `None` for `English` and the like."""
    match = _CODE.fullmatch(value.strip())
    return match[1].lower() if match else None


def detect_language(text: str) -> str | None:
    """ISO 639-1 (or -3) code of the language of `text`; `None` when it says too little to tell."""
    sample = text[:SAMPLE_CHARS]
    if sum(map(str.isalpha, sample)) < MIN_LETTERS and len(_IDEOGRAPHS.findall(sample)) < MIN_IDEOGRAPHS:
        return None
    import py3langid  # loading its model takes a second: only when first needed

    ranked: list[tuple[str, float]] = py3langid.rank(sample)
    code, best = ranked[0]
    # "Python, SQL, Java, Docker" is nearer to German than to English by a hair: then nothing is sure.
    return code if code == "en" or best - dict(ranked)["en"] >= SURE else None
