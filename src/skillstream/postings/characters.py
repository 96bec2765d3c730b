"""Characters made ordinary: invisible ones, odd line ends, symbol-font bullets, wrongly decoded UTF-8."""

from __future__ import annotations

import re

__all__ = ["clean_characters", "is_blank", "without_surrogates"]

_SURROGATES = re.compile("[\ud800-\udfff]")
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_INK = re.compile("[!-~]")
# A zero-width space is where a word may end: between two words it is their only separator. Beside a single
# letter it is an editor's litter ("J|ava").
_ZERO_WIDTH_SPACE = re.compile("(?<=\\S\\S)(?<!\u200b)\u200b++(?=\\w\\w|\\d)")
_SYMBOL_BULLETS = re.compile("[\uf0a7\uf0a8\uf076\uf0b7\uf0d8\uf0fc]")  # of Word's Symbol and Wingdings fonts

# UTF-8 that somebody read as Windows-1252 or Mac Roman, as a good part of scraped postings is: "â€™".
_MOJIBAKE = re.compile(
    "(?P<cp1252>â€.|Ã[\x80-\xbf‚ƒ„…†‡ˆ‰Š‹Œ‘’“”•–—˜™š›œžŸ]|Â[\xa0-\xbf])|‚Ä.|Ô[Ç¨].|√[©®†°¥§±]|¬[†∑∞Æ©]"
)


def without_surrogates(text: str) -> str:
    """`text` with lone surrogates, which UTF-8 cannot hold, as U+FFFD."""
    return text if text.isascii() else _SURROGATES.sub("\ufffd", text)


def clean_characters(text: str) -> str:
    """`text` with invisible characters dropped, mojibake repaired, line ends and bullets ordinary."""
    text = _LINE_ENDS.sub("\n", text)
    if not text.isascii():
        text = _SYMBOL_BULLETS.sub("•", _MOJIBAKE.sub(_repaired, text))
        text = _ZERO_WIDTH_SPACE.sub(" ", text)
    return _INVISIBLE.sub("", text)


def _repaired(mojibake: re.Match[str]) -> str:
    codec = "cp1252" if mojibake["cp1252"] else "mac_roman"
    try:
        return mojibake[0].encode(codec).decode()
    except UnicodeError:
        return mojibake[0]


def is_blank(text: str) -> bool:
    """Whether nothing of `text` can be seen (markup counts as something)."""
    # Almost every text shows at once that it is none.
    return _INK.search(text) is None and not _INVISIBLE.sub("", text).strip()
