from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillstream.postings.markup import as_html, is_blank, is_html, one_line, text_lines


def lines(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw)]


def headings(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.heading]


@pytest.mark.parametrize(
    "text",
    ["I <3 cooking", "Map<String, List<T>> in Java", "C<T> and C<a>", "a < b > c", "if x<y: pass", "<none>",
     "<>",
     "<", "R&D & more", "use <b> sparingly", "mail <jane@example.org>", "&lt;none&gt;", "2 < 3 and 5 > 4"],
)  # fmt: skip
def test_angle_brackets_are_not_html(text: str) -> None:
    assert not is_html(text)


@pytest.mark.parametrize(
    "text",
    ["<p>a", "a<br>b", "a<br/>b", "A<BR />b", "<b>a</b>", "<div class='x'>a</div>", "&lt;p&gt;a&lt;/p&gt;",
     "&amp;lt;p&amp;gt;a&amp;lt;/p&amp;gt;", "<ul><li>a</ul>", "text <strong>bold</strong>"],
)  # fmt: skip
def test_html_is_html(text: str) -> None:
    assert is_html(text)


def test_plain_text_keeps_its_angle_brackets() -> None:
    assert lines("C<T> & List<a>\nI <3 soup") == ["C<T> & List<a>", "I <3 soup"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("<p>One</p><p>Two</p>", ["One", "", "Two"]),
        ("<div>One<div>Two</div>Three</div>", ["One", "Two", "Three"]),
        ("One<br>Two<br><br>Three", ["One", "Two", "", "Three"]),
        ("<ul><li>One<li>Two <b>bold</b></ul>After", ["• One", "• Two bold", "", "After"]),
        ("<ul><li><p>One</p></li><li></li><li> Two</li></ul>", ["• One", "", "• Two"]),
        ("<table><tr><td>Pay</td><td>20</td></tr><tr><td>Place</td></tr></table>", ["Pay 20", "Place"]),
        ("<h2>Duties</h2>Cook<h2>Pay</h2>20", ["Duties", "", "Cook", "", "Pay", "", "20"]),
        ("<p>a  <i>b</i>\n c&nbsp;&amp;&#8226;\t d</p>", ["a b c &• d"]),
        ("<pre>one\ntwo</pre>", ["one", "two"]),
        ("<b>Duties</b>\n- cook\n- bake", ["Duties", "- cook", "- bake"]),
        ("<p>a</p><script>x='<p>no</p>'</script><style>p{}</style><!-- no --><template>no</template>", ["a"]),
        ("<p>a</p><p hidden>no</p><p style='color:red; DISPLAY : none'>no</p><p>b</p>", ["a", "", "b"]),
        ("<html><head><title>no</title></head><body>a</body></html>", ["a"]),
        ("<p>a<!-- never closed <p>b", ["a"]),
        ("<p>unclosed <b>bold <i>both", ["unclosed bold both"]),
        ("&lt;p&gt;One &amp;amp; two&lt;/p&gt;", ["One & two"]),
        ("<div>&lt;p&gt;One&lt;/p&gt;&lt;p&gt;Two&lt;/p&gt;</div>", ["One", "", "Two"]),
        ("<p title='a > b'>One</p>", ["One"]),
        ("<p>&lt;b&gt; and C&lt;T&gt;</p>", ["<b> and C<T>"]),
        ("", []),
        ("<p></p><br><div> </div>", []),
    ],
)  # fmt: skip
def test_html_becomes_lines(raw: str, expected: list[str]) -> None:
    got = lines(raw)
    assert [line for line in got if line] == [line for line in expected if line]
    assert lines(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a\r\nb\rc\u2028d\u2029e\x0bf", ["a", "b", "c", "d", "e", "f"]),
        ("a\u00a0b\u3000c\u2009d\te", ["a b c d e"]),
        ("Py\u00adthon J\u200bava \u202eSQL\u202c\ufeff", ["Python Java SQL"]),
        ("nul\x00l\x07 bell", ["null bell"]),
        ("R&amp;D &#8211; 5&#x20;years &bogus; AT&T", ["R&D – 5 years &bogus; AT&T"]),
        ("&#" + "9" * 5000 + ";", ["&#" + "9" * 5000 + ";"]),
        ("\uf0b7 one\n\uf0a7 two", ["• one", "• two"]),
        ("• one • two • three", ["• one", "• two", "• three"]),
        ("Duties: •cook •bake", ["Duties:", "•cook", "•bake"]),
        ("- one - two - three", ["- one", "- two", "- three"]),
        ("- a well-known - or not - thing", ["- a well-known", "- or not", "- thing"]),
        ("Monday - Friday - 9 to 5", ["Monday - Friday - 9 to 5"]),
        ("a\n\n\n \nb\n\n", ["a", "", "b"]),
        ("weâ€™re hiring, youâ€“too, cafÃ© Â· bar", ["we’re hiring, you–too, café · bar"]),
        ("we‚Äôre hiring‚Ä¶ ¬†caf√©", ["we’re hiring… café"]),
        ("SÃO PAULO ‚Äx", ["SÃO PAULO ‚Äx"]),
        ("**Duties:**\nYou **cook**\n## Pay ##\n2 ** 3", ["Duties:", "You cook", "Pay", "2 ** 3"]),
        ("\ud800 lone", ["\ufffd lone"]),
    ],
)  # fmt: skip
def test_plain_text_becomes_clean_lines(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


def test_headings_are_known_by_their_markup() -> None:
    raw = "<h3>Perks</h3><p><b>Duties</b>:</p><p><strong>Cook</strong> soup</p><ul><li><b>Bake</b></li></ul>"
    assert headings(raw) == ["Perks", "Duties:"]
    assert headings("# Perks\n**Duties**\n* **Bake**") == ["Perks", "Duties"]


WRAPPED = """\
We are looking for a cook who can prepare soups, stews and sauces for
up to two hundred guests a day. You will work with a team of four, and
Marta, our head cook, will show you around.

- Prepare soups and stews, and keep the stations clean at all times as
  the law demands
- Order goods
"""


def test_hard_wrapped_paragraphs_are_joined() -> None:
    assert lines(WRAPPED) == [
        "We are looking for a cook who can prepare soups, stews and sauces for up to two hundred "
        "guests a day. "
        "You will work with a team of four, and Marta, our head cook, will show you around.",
        "",
        "- Prepare soups and stews, and keep the stations clean at all times as the law demands",
        "- Order goods",
    ]


def test_lists_without_bullets_are_not_joined() -> None:
    items = ["excellent spoken and written communication", "sauces", "knowledge of hygiene rules",
             "a driving licence", "experience with large groups, in hotels and on ships"]  # fmt: skip
    assert lines("\n".join(items)) == items


def test_one_line() -> None:
    assert one_line(" <b>Cook</b><br>&amp; Baker\n") == "Cook & Baker"


def test_as_html() -> None:
    assert as_html("a & b\n<c>") == "a &amp; b<br>&lt;c&gt;"
    assert as_html("&lt;p&gt;a&lt;/p&gt;") == "<p>a</p>"


def test_blank() -> None:
    assert is_blank(" \u200b\n\u00a0\ufeff")
    assert not is_blank(" x")


BOMBS = {
    "nested": "<div>" * 50_000 + "end",
    "nested within limits": "<div>" * 9_000 + "end",
    "nested formatting": "<b><p>" * 50_000 + "end",
    "flat": "<br>x" * 30_000 + "end",
    "attributes": "<p " + " ".join(f"a{i}" for i in range(100_000)) + ">end</p>",
    "attributes in quotes": "<p " + " ".join(f"a{i}='>'" for i in range(10_000)) + ">end</p>",
    "huge attribute": "<p title='" + "x" * 1_000_000 + "'>end</p>",
    "unclosed attribute": "<p>end</p><p title='" + "x" * 1_000_000,
    "comments": "<p>end</p>" + "<!--" * 1_000_000,
    "scripts": "<p>end</p>" + "<script>" * 500_000,
    "entities": "<p>" + "&amp;" * 200_000 + "end</p>",
    "half entities": "<p>" + "&" * 1_000_000 + "end</p>",
    "escaped": "&lt;p&gt;" * 60_000 + "end",
    "open brackets": "<p>end</p>" + "<a" * 1_000_000,
    "brackets": "<p>end</p>" + "<" * 1_000_000,
    "quotes": "<p>end</p>" + "='\"" * 500_000,
    "end tags": "</p>" * 60_000 + "end",
    "tables": "<table><tr><td>" * 50_000 + "end",
    "fonts": "".join(f"<font size={i}>" for i in range(5_000)) + "<p>x" * 1000 + "end",
    "bullets": "• " * 60_000 + "end",
    "spaces": " " * 1_000_000 + "end",
    "stars": "*" * 1_000_000 + "end",
    "wrapped": "word " * 15 + "\n" + ("word " * 15 + "\n") * 20_000 + "end",
}


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_come_back_in_bounded_time_with_their_text(name: str) -> None:
    assert "end" in "".join(lines(BOMBS[name]))


pieces = st.sampled_from(
    [
        "<p>", "</p>", "<b>", "</b>", "<br>", "<li>", "<ul>", "</ul>", "<h2>", "</h2>", "<td>", "<script>",
        "</script>", "<!--", "-->", "<", ">", "&", "&lt;", "&gt;", "p", "/p", " ", "\n", "• ", "- ", "**",
        "a",
        "Soup", "ß", "\x00", "\u200b", "\ud800", "'", '"', "=", "&#x20;", "é", "â€™", "<p hidden>",
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(pieces, max_size=40).map("".join) | st.text(st.characters()))
@example("<template><p>a</template>")
@example("<li>\n<!-- --><ul>")
def test_lines_are_always_clean(raw: str) -> None:
    got = lines(raw)
    for line in got:
        assert line == " ".join(line.split())
        assert "\n" not in line
        line.encode()
    assert "" not in got[:1] + got[-1:]
    assert all(a or b for a, b in pairwise(got))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), max_size=50))
def test_plain_text_loses_no_letter(text: str) -> None:
    if not is_html(text) and "&" not in text and "**" not in text and "#" not in text:
        expected = [c for c in text if c.isalnum()]
        got = [c for c in "".join(lines(text)) if c.isalnum()]
        assert got == expected or set("Ââ¬‚√Ã") & set(text)
