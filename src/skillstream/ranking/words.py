"""Words of a sentence or label, in a normal form for comparison.

Two texts compare equal if they differ in case, hyphens, plain English plurals and possessives, British and
American spelling, or articles. The normal form is for comparison only; it is not always a word.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["PIECE", "WORD", "lower", "normal_word", "normal_words"]

# A word: "node.js", ".net", "r&d", "c++", "driver's". Hyphens between words and apostrophes are like blanks;
# any other mark is a word of its own, so that no name is found across a comma.
WORD = re.compile(
    r"[^\W_]+(?:[.&'’][^\W_]+)*[+#]*|\.[^\W_]+[+#]*"
    r"|[^\w\s\-‐‑'’]"
    r"|(?<!\w)[\-‐‑]|[\-‐‑](?!\w)"
)
# What an unknown word with marks in it is taken apart into: "skills.next", "java+", ".sql"; not "it's".
PIECE = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s'’]")

ARTICLES = frozenset(["a", "an", "the", "our", "your", "their"])
CONTRACTIONS = frozenset(["he's", "here's", "it's", "let's", "she's", "that's", "there's", "what's", "who's"])
# Words that only look like a plural, or mean something else than their singular.
NO_PLURALS = frozenset(
    "alias always atlas bias canvas dies goods lens means news pandas securities series species".split()  # noqa: SIM905
)

# British spelling to American. Rules may hit other words too ("advize"): both sides are changed alike.
SPELLING = (
    (re.compile(r"(?<=\w\w\w)([iy])s(e|es|ed|er|ing|ation)$"), r"\1z\2"),  # organise, analysing
    (re.compile(r"(?<=\w\w\w)our(?!s?e)"), "or"),  # labour, behavioural; not resource
    (re.compile(r"(?<=[a-z][bt])re$"), "er"),  # fibre, centre
    (re.compile(r"(?<=log)ue$"), ""),  # catalogue
    (re.compile(r"(?<=[a-z]el)l(?=ing$|ed$|er$|ery$)"), ""),  # modelling
    (re.compile(r"(?<=\w)ae(?=\w\w)"), "e"),  # paediatric
    (re.compile(r"(?<=program)me$"), ""),
    (re.compile(r"(?<=alumin)i(?=um$)"), ""),
    (re.compile(r"(?:(?<=licen)|(?<=defen)|(?<=offen))ce$"), "se"),
)


def lower(text: str) -> str:
    """Lower case, character for character: "İ" is the only one whose lower case has another length."""
    return text.replace("İ", "I").lower()


def normal_words(text: str) -> list[str]:
    """The words of a text in normal form, without articles."""
    return list(filter(None, map(normal_word, WORD.findall(lower(text)))))


@lru_cache(maxsize=100_000)
def normal_word(word: str) -> str:
    """The normal form of one lower-case word; empty for an article."""
    if word in ARTICLES:
        return ""
    if word == "&":
        return "and"
    word = word.replace("’", "'")
    if word in CONTRACTIONS:
        return word
    return _american(_singular(word.removesuffix("'s")))


def _singular(word: str) -> str:
    if (
        len(word) < 4
        or not word.endswith("s")
        or word.endswith(("ss", "us", "is", "ics"))
        or word in NO_PLURALS
    ):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def _american(word: str) -> str:
    for pattern, replacement in SPELLING:
        word = pattern.sub(replacement, word)
    return word
