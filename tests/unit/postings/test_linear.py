"""Reading takes linear time, whatever comes: eight times the text may take at most twenty times as long.

Linear work takes eight times as long, quadratic work 64 times. Both sizes are measured in the same run, on
the processor's own clock, the fastest of a few tries: what else the machine does plays no part.
"""

import gc
import time
from collections.abc import Callable, Iterator

import pytest

from skillstream.postings.markup import as_html, is_html, one_line, text_lines
from skillstream.postings.parse import JobPosting
from skillstream.postings.sentences import segment

FACTOR = 8
MOST = 20
SHORT = 6_000  # characters of the smaller text

FAMILIES: dict[str, Callable[[int], str]] = {
    # one opening, then what might belong to it
    "tag of blanks": lambda n: "<p" + " " * n,
    "break of blanks": lambda n: "<br" + " " * n,
    "escaped break of blanks": lambda n: "&lt;br" + " " * n,
    "hashes": lambda n: "# " + "#" * n,
    "hashes apart": lambda n: "# a" + " #" * n + "b",
    "hashes and blanks": lambda n: "# a" + " " * n + "b" + " " * n + "#",
    "underline": lambda n: "a\n" + "-" * n + "x",
    "attribute of blanks": lambda n: "<p hidden style" + " " * n + ">x</p>",
    "huge attribute": lambda n: "<p title='" + "x" * n + "'>a</p>",
    "bytes": lambda n: "b'" + "\\x" * n + "'",
    "backslashes": lambda n: "\\" * n,
    "zeros": lambda n: "&#" + "0" * n + "38;",
    "deep escaping": lambda n: "&" + "amp;" * n + "lt;/p&gt;",
    # repeated
    "ampersands": lambda n: "&" * n,
    "escaped ampersands": lambda n: "&amp;" * n,
    "escaped tags": lambda n: "&lt;/p&gt;" * n,
    "half escaped tags": lambda n: "&lt;a " * n,
    "levels of escaping": lambda n: "".join(f"&{'amp;' * (i % 100)}lt;/p&gt;" for i in range(n // 200)),
    "brackets": lambda n: "<p>" + "<" * n,
    "half tags": lambda n: "<p>" + "<a" * n,
    "half tags apart": lambda n: "<p " * n,
    "half end tags": lambda n: "<p>" + "</" * n,
    "quotes": lambda n: "<p>" + "<a =\"'" * n,
    "comments": lambda n: "<p>" + "<!--" * n,
    "closed comments": lambda n: "<p>" + "<!---->" * n,
    "doctypes": lambda n: "<p>" + "<!" * n,
    "scripts": lambda n: "<p>a</p>" + "<script>" * n,
    "styles of all kinds": lambda n: "<p>a</p>" + "<script><style><title>" * n,
    "closed scripts": lambda n: "<p>a</p>" + "<script></script>x" * n,
    "mentions": lambda n: "<p>the <script>, <style> and " * n,
    "cdata": lambda n: "<![CDATA[" * n,
    "attributes": lambda n: "<p " + " ".join(f"a{i}" for i in range(n)) + ">x</p>",
    "declarations": lambda n: '<p style="' + "a:b;" * n + '">x</p>',
    "literal breaks": lambda n: "\\n" * n,
    "literal breaks apart": lambda n: "a\\n  " * n,
    "hex": lambda n: "\\xe2" * n,
    "surrogates": lambda n: "\\ud800" * n,
    "paths": lambda n: "C:\\a " * n,
    "stars": lambda n: "*" * n,
    "words between many stars": lambda n: "****** a *****b" * n,
    "words in stars": lambda n: "** a *b" * n,
    "bars": lambda n: "__a b " * n,
    "links": lambda n: "[a](https://" * n,
    "square brackets": lambda n: "[" * n,
    "rules": lambda n: "a\n==\n" * n,
    "bullets": lambda n: "• " * n,
    "glued bullets": lambda n: "•a" * n,
    "emoji": lambda n: "🚀 a" * n,
    "zero widths": lambda n: "ab" + "\u200b" * n,
    "blanks": lambda n: "a" + " " * n + "b",
    "breaks": lambda n: "a\n" * n,
    "wrapped": lambda n: ("word " * 15 + "\n") * (n // 75),
    "sentences": lambda n: "Soup is on. " * n,
    "marks": lambda n: "1. a) - " * n,
    "punctuation": lambda n: "!?" * n,
    # nested, unclosed, crossed
    "blocks": lambda n: "<div>" * n + "a",
    "closed blocks": lambda n: "<div>" * n + "a" + "</div>" * n,
    "ends": lambda n: "<p>a" + "</div>" * n,
    "bold": lambda n: "<b>" * n + "a",
    "fonts": lambda n: "".join(f"<font size={i}>" for i in range(n)) + "<p>x</p>" * n,
    "crossed": lambda n: "<b>" * n + "<p>" * n + "</b>" * n + "</p>" * n,
    "tables": lambda n: "<table><tr><td>x" * n,
    "crossed tables": lambda n: "<div><table></div></table>" * n,
    "lists": lambda n: "<ul><li>" * n + "</ul>" * n,
    "headings": lambda n: "<h1>a</h2>" * n,
    "touching": lambda n: "<p>" + "<span>Ab</span>" * n,
    "typed lists": lambda n: "<p>" + "- a\n" * n,
    "all at once": lambda n: "<div>&lt;p&gt;**a** \\n <!-- x --> 🚀 • a<br>" * n,
}


@pytest.fixture(autouse=True, scope="module")
def only_new_objects_are_collected() -> Iterator[None]:
    """A whole run has millions of objects by now: looking through them took most of these tests' time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _read(text: str) -> None:
    text_lines(text)
    is_html(text)
    as_html(text)


def _segmented(text: str) -> None:
    segment(JobPosting(None, "Cook", text, language="en"))


def _seconds(read: Callable[[str], object], text: str) -> float:
    times = []
    for _ in range(2):
        gc.collect()
        gc.disable()
        start = time.thread_time()
        read(text)
        times.append(time.thread_time() - start)
        gc.enable()
    return min(times)


def _texts(family: Callable[[int], str]) -> tuple[str, str]:
    repeats = max(1, SHORT * 100 // len(family(100 * 100)))
    return family(100 * repeats), family(100 * repeats * FACTOR)


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("read", [_read, one_line, _segmented], ids=["lines", "title", "sentences"])
@pytest.mark.parametrize("family", FAMILIES)
def test_time_is_linear(family: str, read: Callable[[str], object]) -> None:
    assert _is_linear(read, *_texts(FAMILIES[family]))


def _is_linear(read: Callable[[str], object], short: str, long: str) -> bool:
    """In one of a few tries: other processes use the caches, too, and what is quadratic never passes."""
    floor = 0.0005  # seconds: below, constant costs are measured
    return any(_seconds(read, long) < MOST * max(_seconds(read, short), floor) for _ in range(4))


def test_the_measure_can_fail() -> None:
    def quadratic(text: str) -> None:
        for i in range(0, len(text), 10):
            text[i:].count("x")

    short, long = _texts(lambda n: "x" * n)
    assert not _is_linear(quadratic, short, long)
