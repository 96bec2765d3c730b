"""What a browser would show is what is read."""

import re
from html import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from skillstream.postings.html_lines import html_lines
from skillstream.postings.markup import is_html, text_lines


def lines(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.text]


def headings(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.heading]


# --- seen and unseen --------------------------------------------------------------------------------

SEEN = [
    "overflow:hidden", "overflow: hidden;", "list-style:square; overflow-x:hidden", "color:hidden",
    "display:block", "display: none; display: block", "visibility:visible", "opacity:0.5", "top:0hidden",
    "--display:none", "background:url(display:none)", "/* display:none */ color:red", "text-overflow:hidden",
    "backface-visibility:hidden", "display:block !important; display:none", "display:", "none", "",
]  # fmt: skip
UNSEEN = [
    "display:none", "DISPLAY : NONE ;", "color:red;display:none", "visibility:hidden", "visibility: collapse",
    "display:none!important;display:block", "opacity:0", "content-visibility:hidden",
    "overflow:auto;;display:none", "display:none/* for phones */",
]  # fmt: skip


@pytest.mark.parametrize("style", SEEN)
@pytest.mark.parametrize("name", ["div", "ul", "span"])
def test_styles_that_hide_nothing(name: str, style: str) -> None:
    raw = f'<{name} style="{style}"><p>Bakes bread daily</p></{name}><p>Ring us.</p>'
    assert lines(raw) == ["Bakes bread daily", "Ring us."]


@pytest.mark.parametrize("style", UNSEEN)
@pytest.mark.parametrize("name", ["div", "ul", "span"])
def test_styles_that_hide(name: str, style: str) -> None:
    raw = f"<p>Bakes</p><{name} style='{style}'>spy <b>words</b></{name}><p>Ring us.</p>"
    assert lines(raw) == ["Bakes", "Ring us."]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>a</p><p hidden>no</p>", ["a"]),
        ("<p>a</p><p hidden=''>no<p>b", ["a", "b"]),
        ("<p>a</p><p HIDDEN=until-found>no</p>b", ["a", "b"]),
        ("<p data-hidden='1' aria-hidden=true class=hidden>a</p>", ["a"]),
        ("<p title='hidden'>a</p><p title=\"style='display:none'\">b</p>", ["a", "b"]),
        ("<div hidden><p>no</p><div>no</div>no</div>a<p>b</p>", ["a", "b"]),
        ("<div style=visibility:hidden>no <b style=visibility:visible>seen</b> no</div><p>b", ["seen", "b"]),
        ("<p>a<template>no<p>no</p></template></p>b<p>", ["a", "b"]),
        ("<p>a<!-- no <p>no</p> --> b<!--> c<!--->d", ["a b cd"]),
        ("<p>a<!-- no --!> b<!- no -> c<?no no?> d<!doctype no> e", ["a b c d e"]),
        ("<p>a<script>if (a<b) '</p>no'</script > b<style>p{display:none}</style></p>", ["a b"]),
        ("<p>a<script src='x.js' async></script> b", ["a b"]),
        ("<p>a<svg><text>no</text></svg> b<noscript>no</noscript><iframe>no</iframe>", ["a b"]),
        ("<p>a</p><title>no</title><dialog>no</dialog><dialog open>b</dialog>", ["a", "b"]),
        ("<p>a <button>Apply</button><textarea>b &amp; <c></textarea></p>", ["a Apply b & <c>"]),
        ("<p>a</p><img alt='no' src='x'><input type=hidden value=no><br>b", ["a", "b"]),
    ],
)
def test_elements_seen_and_unseen(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


# --- words that look like markup --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("<p>You know the &lt;table&gt; and &lt;style&gt; tags.</p><p>Weld.</p>", "<table> and <style> tags"),
        ("<p>You master &lt;ul&gt;, &lt;li&gt; &amp; &lt;div&gt;.</p><p>Weld.</p>", "<ul>, <li> & <div>."),
        ("<p>You know &amp;lt;p&amp;gt; or &amp;lt;br&amp;gt; well</p><p>Weld.</p>", "<p> or <br> well"),
        ("<ul><li>HTML (&lt;div&gt;, &lt;script&gt;)</li></ul>Weld.", "HTML (<div>, <script>)"),
        ("<p>Use <script> and <style> well.</p><p>Weld.</p>", "<script> and <style> well"),
        ("<p>The <script> element is yours</p><p>Weld.</p>", "The <script> element is yours"),
        ("&lt;p&gt;A &amp;lt;script&amp;gt; element&lt;/p&gt;&lt;p&gt;Weld.&lt;/p&gt;", "A <script> element"),
        ("You know <script>, <iframe> and <section> tags.\nWeld.", "<script>, <iframe> and <section> tags."),
        ("Tags such as <h1> or <h2>\nWeld.", "Tags such as <h1> or <h2>"),
        ("The <br> tag, the <p> element\nWeld.", "The <br> tag, the <p> element"),
        ("Writes &lt;table&gt; layouts, knows &lt;div&gt;\nWeld.", "Writes <table> layouts, knows <div>"),
        ("A <b></b> and a <div></div> pair\nWeld.", "A <b></b> and a <div></div> pair"),
        ("<table of contents>\nWeld.", "<table of contents>"),
        ("<p>write to <jane@example.org></p>\n<p>Weld.</p>", "<jane@example.org>"),
    ],
)
def test_element_names_within_words_stay_words(raw: str, kept: str) -> None:
    got = lines(raw)
    assert any(kept in line for line in got)
    assert got[-1] == "Weld."


@pytest.mark.parametrize(
    "raw",
    ["<p>We weld.", "One <p> Two <p> Three", "a <br> b", "<b>Duties</b>, <i>pay</i>", "<ul><li>a<li>b",
     "a<hr>b", "<div class=x>a", "<p hidden>a", "We weld.<br/>And cook.", "<li>a</li>", "text<ul>\n<li>a",
     "&lt;div&gt;We weld&lt;/div&gt;", "We &amp;amp;lt;b&amp;amp;gt;weld&amp;amp;lt;/b&amp;amp;gt; pipes"],
)  # fmt: skip
def test_markup_is_told_from_its_mention(raw: str) -> None:
    assert is_html(raw)
    assert "<" not in "".join(lines(raw))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<![CDATA[You weld.<br>You cook.]]>", ["You weld.", "You cook."]),
        ("<![CDATA[You weld & cook]]>", ["You weld & cook"]),
        ("<p>a</p><![CDATA[<p>b</p>]]> <p>c</p>", ["a", "b", "c"]),
        ("&lt;![CDATA[&lt;p&gt;You weld&lt;/p&gt;]]&gt;", ["You weld"]),
        ("<![CDATA[<ul><li>x[1]]]]><![CDATA[></li></ul>]]>", ["• x[1]]>"]),
        ("a[b[0]]>c", ["a[b[0]]>c"]),
    ],
)
def test_cdata(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


# --- lines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<div style='white-space: pre-line'>Weld\nCook</div><p>a\nb", ["Weld", "Cook", "a b"]),
        ("<p style='WHITE-SPACE:pre-wrap'>Weld\nCook <i>soup\nstew</i></p>", ["Weld", "Cook soup", "stew"]),
        ("<pre>a\nb <p style='white-space:normal'>c\nd</p></pre>", ["a", "b", "c d"]),
        ("<p style='white-space: nowrap'>a\nb", ["a b"]),
        ("<span style='display:block'>a</span><span style='display:block'>b</span>", ["a", "b"]),
        ("<dl><dt>Pay<dd>20<dt>Place<dd>Leeds</dl>", ["Pay", "20", "Place", "Leeds"]),
        ("<select><option>Weld<option>Cook</select><p>", ["Weld", "Cook"]),
        ("<table><tr><th>Weld<th>Cook<tr><td>1<td>2</table>", ["Weld Cook", "1 2"]),
        ("<b>a<p>b</b>c</p>d", ["a", "bc", "d"]),
        ("a<wbr>b<sup>2</sup><br>c", ["ab2", "c"]),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", ["• a", "• b", "• c"]),
        ("<li>• a</li><li>b</li>", ["• a", "• b"]),
    ],
)
def test_boundaries(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("We weld.<br>\nYou have:\n- soup\n- stew\n- bread", ["We weld.", "You have:", "- soup", "- stew",
                                                             "- bread"]),
        ("<p>We weld</p>\nYou have\n* soup\n* stew\n\nWe give\n* a gym", ["We weld", "You have", "* soup",
                                                                          "* stew", "We give", "* a gym"]),
        ("<div>Duties:\n1. soup\n2. stew</div>", ["Duties:", "1. soup", "2. stew"]),
        ("<p><b>Duties</b>\n• soup\n• <i>hot</i> stew\n• a</p>", ["Duties", "• soup", "• hot stew", "• a"]),
        ("<p>Duties:\n- soups and\n  stews\n- bread</p>", ["Duties:", "- soups and stews", "- bread"]),
        ("We weld.<br />\nYou have\nSoup\nStew", ["We weld.", "You have", "Soup", "Stew"]),
        ("<p>We are looking for a welder who is\nable to weld and who has worked with\npipes</p>",
         ["We are looking for a welder who is able to weld and who has worked with pipes"]),
        ("One<br>\nTwo<br>\nThree", ["One", "Two", "Three"]),
    ],
)  # fmt: skip
def test_line_breaks_of_the_source_that_are_meant(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<div><span>Soup</span><span>Stew</span><span>Pie</span></div>", ["Soup", "• Stew", "• Pie"]),
        ("<ul><li><a>Soup</a><a>stew</a></li></ul>", ["• Soup stew"]),
        ("<p><span>Soup</span><span>Stew</span></p>", ["Soup Stew"]),
        ("<p><span class=t>soup</span><span class=t>stew</span><span class=t>bread</span></p>",
         ["soup", "• stew", "• bread"]),
        ("<p>Makes <b>C</b><b>ook</b>ies</p>", ["Makes Cookies"]),
        ("<p><span>Require</span><span>ments for</span><span> all</span></p>", ["Requirements for all"]),
        ("<p><b>W</b><b>ELDER</b></p>", ["WELDER"]),
        ("<p><span>A</span><span>B</span></p>", ["A B"]),
        ("<p><span>(</span><span>Soup</span><span>)</span></p>", ["(Soup)"]),
        ("<p><button>Soup</button><button>stew</button></p>", ["Soup stew"]),
        ("<p><em>Soup</em> <em>Stew</em></p>", ["Soup Stew"]),
    ],
)  # fmt: skip
def test_inline_elements_that_touch(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


def test_headings_of_html() -> None:
    raw = "<h2>Pay</h3>20<p><strong>Du</strong><b>ties</b></p><p><b>You</b> weld</p><td><b>a</td>b"
    assert headings(raw) == ["Pay", "Duties"]


# --- properties -------------------------------------------------------------------------------------

_BLOCKS = st.sampled_from(["p", "div", "section", "h2", "blockquote", "ul", "table", "dl", "pre", "article"])
_INLINES = st.sampled_from(["b", "i", "span", "em", "a", "strong", "u", "font"])
_NOTHING = st.sampled_from(
    ["<!-- spy -->", "<script>spy</script>", "<style>spy {}</style>", "<template><p>spy</p></template>",
     "<p hidden>spy</p>", "<div style='display:none'>spy<b>spy</b></div>", "<br>", "<hr>", "\n", " ",
     "<span style='visibility:hidden'>spy</span>", "<svg><text>spy</text></svg>", "<noscript>spy</noscript>"]
)  # fmt: skip
_WORDS = st.text(st.sampled_from("abcdeßéx<&>'0"), min_size=2, max_size=8).map(lambda word: f"Q{word}q")


def _shown(node: object) -> list[str]:
    """The words of a generated tree in order."""
    if isinstance(node, str):
        return [] if "spy" in node or node.startswith("<") or not node.strip() else [node]
    return [word for child in node[1] for word in _shown(child)]


def _written(node: object) -> str:
    if isinstance(node, str):
        return node if "spy" in node or node.startswith("<") else escape(node) + " "
    name, children = node
    return f"<{name} class='x'>{''.join(map(_written, children))}</{name}>"


_INLINE_TREES = st.recursive(
    _WORDS | _NOTHING.filter(lambda raw: re.search("p>|div|hr", raw) is None),
    lambda inner: st.tuples(_INLINES, st.lists(inner, max_size=4)),
    max_leaves=8,
)
_TREES = st.recursive(
    st.tuples(st.just("p"), st.lists(_INLINE_TREES, max_size=4)),
    lambda inner: st.tuples(st.sampled_from(["div", "section", "blockquote", "article", "li", "ul"]),
                            st.lists(inner | _INLINE_TREES | _NOTHING, max_size=4)),
    max_leaves=12,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(_TREES)
def test_every_seen_word_is_read_once_in_order_and_no_other(tree: object) -> None:
    got = " ".join(line.text for line in html_lines(_written(tree))).split()
    assert [word for word in got if word != "•"] == _shown(tree)


_SCRAPS = st.sampled_from(
    "<p> </p> <div> </div> <b> </b> <i> </i> <ul> </ul> <li> </li> <h2> </h2> <h3> </h3> <br> <hr> "  # noqa: SIM905
    "<span> </span> <a> </a> <dl> <dt> <dd> </dl> <section> </section> <pre> </pre> <!--x--> <em> </em> "
    "<u> </u>".split()
)


@settings(deadline=None, max_examples=500)
@given(st.lists(_SCRAPS | st.integers(1, 99).map("w{} ".format), max_size=25).map("".join))
def test_broken_markup_shows_what_a_browser_shows(raw: str) -> None:
    body = LexborHTMLParser(raw).body
    expected = (body.text() if body else "").split()
    assert " ".join(line.text.replace("•", " ") for line in html_lines(raw)).split() == expected
