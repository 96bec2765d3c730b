"""What was escaped on its way is undone where it is sure, and nowhere else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skillstream.postings.escapes import decode_entities, undo_literals, unescape_markdown, unescape_once
from skillstream.postings.markup import one_line, text_lines
from skillstream.postings.parse import JobPosting, posting_from_mapping
from skillstream.postings.sentences import segment


def lines(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.text]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (r"You have:\nSoup\nStew\r\nItalian bread\tand pie",
         ["You have:", "Soup", "Stew", "Italian bread and pie"]),
        (r"We weld.\n\nYou have:\n- soup\n- stew", ["We weld.", "You have:", "- soup", "- stew"]),
        (r"We weld.\\n\\nYou have:\\n- soup", ["We weld.", "You have:", "- soup"]),
        (r"soup\nstew\nbread", ["soup", "stew", "bread"]),
        ("One\\nTwo\nThree\\nfour", ["One", "Two", "Three", "four"]),
        (r"Weld\n", ["Weld"]),
        (r"Weld \n Cook", ["Weld", "Cook"]),
        (r"<p>We weld.<\/p>\n<p>Soup and\/or stew<\/p>", ["We weld.", "Soup and/or stew"]),
        (r"<p class=\"x\">We weld.</p>\n\n<ul>\n<li>Soup</li>\n</ul>", ["We weld.", "• Soup"]),
        (r"\u2022 soup\u00a0and stew \u2013 it\u2019s hot \ud83c\udf72", ["• soup and stew – it’s hot 🍲"]),
        (r"caf\u00E9 and \\u2022", ["café and •"]),
        (r"it\xe2\x80\x99s hot, caf\xc3\xa9, caf\xe9", ["it’s hot, café, café"]),
        (r"see https:\/\/example.org\/jobs", ["see https://example.org/jobs"]),
        (r"the \"best\" cook\'s soup", ["the \"best\" cook's soup"]),
        (r"b'We weld.\nYou have\n\xe2\x80\xa2 soup\n\xe2\x80\xa2 stew'",
         ["We weld.", "You have", "• soup", "• stew"]),
        (r'b"It\'s hot.\\nYou have\\n\\xe2\\x80\\xa2 soup"', ["It's hot.", "You have", "• soup"]),
        ("b'Cook'", ["Cook"]),
        ("B'<p>We weld.</p>\\n<p>Cook</p>'", ["We weld.", "Cook"]),
    ],
)  # fmt: skip
def test_literals(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        r"You know C:\new\tools and D:\users", r"See \\server\new\share", r"The \n and the \t of C",
        r"the regex \d+\w", r"a domain\name", r"\udead", r"x\ud800y", r"\u20 and \xe", r"\x41",
        "b'a' and 'b'", "b", "b'", "AB'c'", r"back\slash", r"CORP\nadine",
    ],
)  # fmt: skip
def test_what_is_no_literal_stays(raw: str) -> None:
    assert undo_literals(raw) == raw


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("R&amp;D", "R&D"), ("R&amp;amp;amp;D", "R&D"), ("R&amp;#038;D", "R&D"), ("R&#38;#38;D", "R&D"),
        ("&amp;#8226; a&amp;nbsp;b", "• a\xa0b"),
        ("AT&T, R&D &bogus; &amp;bogus;", "AT&T, R&D &bogus; &bogus;"),
        ("a&nbsp b&nbspc", "a\xa0 b&nbspc"), ("&", "&"), ("&amp;", "&"), ("&;", "&;"), ("&lt;b&gt;", "<b>"),
        ("&#x2022;&#X2022;", "••"), ("R&copyright", "R&copyright"), ("&#99999999999;", "&#99999999999;"),
    ],
)  # fmt: skip
def test_entities_at_any_depth(raw: str, expected: str) -> None:
    assert decode_entities(raw) == expected


def test_levels_of_escaping_come_off_one_by_one() -> None:
    assert unescape_once("&amp;lt;p&amp;gt;R&amp;amp;D &lt;", 1) == "&lt;p&gt;R&amp;D <"
    assert unescape_once("&amp;lt;p&amp;gt;R&amp;amp;D &lt;", 2) == "<p>R&D <"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (r"\- 3\+ years of C\+\+ or C\#", "- 3+ years of C++ or C#"),
        (r"\\- Soup \\& stew, problem\-solving", "- Soup & stew, problem-solving"),
        (r"\* Node\.js and ASP\.NET\_Core \[new\]", "* Node.js and ASP.NET_Core [new]"),
        ("One\\\nTwo\\", "One\nTwo"),
        (r"C:\.git and \\server\-1\x", r"C:\.git and \\server\-1\x"),
        (r"a\b \d", r"a\b \d"),
    ],
)
def test_markdown_escapes(raw: str, expected: str) -> None:
    assert unescape_markdown(raw) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Q&amp;amp;A Welder &amp;#038; Cook", "Q&A Welder & Cook"),
        ("Q&amp;amp;amp;amp;A", "Q&A"), ("b'Cook'", "Cook"),
        ("<b>Cook</b>", "Cook"), (r"C\+\+ Cook", "C++ Cook"),
        ("&lt;b&gt;Cook&lt;/b&gt;", "Cook"), (r"Cook\/Baker", "Cook/Baker"),
        (r"Cook \u2013 Leeds", "Cook – Leeds"),
        ("<![CDATA[Cook & Baker]]>", "Cook & Baker"), ("&&#97;mp;lt;", "<"), ("Cook\u200b\ufeff", "Cook"),
        ("HTML &lt;table&gt; Cook", "HTML <table> Cook"), ("C# Cook", "C# Cook"), ("# C#", "C#"),
    ],
)  # fmt: skip
def test_the_title_is_what_offsets_point_into(title: str, expected: str) -> None:
    posting = posting_from_mapping({"title": title, "description": "We weld."})
    assert isinstance(posting, JobPosting)
    document = segment(posting)
    assert posting.title == expected
    assert document.text.split("\n")[0] == posting.title
    assert document.sentences[0].text == document.text[: len(posting.title)] == posting.title


_SCRAPS = st.sampled_from(
    ["&", "amp;", "#38;", "lt;", "gt;", "<", "p>", "/p>", "<b>", "</b>", "\\", "n", "u2022", "xe2", "\\n",
     "\\r", "b'", "'", "*", "**", "#", "# ", "_", "__", "[", "](http://x)", "- ", "Soup", " ", "\n", "\u200b",
     "<![CDATA[", "]]>", "&#", "97;", "🔹", "•", "é", "\x1f", "\ud800"]
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(_SCRAPS, max_size=12).map("".join))
def test_a_clean_title_stays_as_it_is(raw: str) -> None:
    title = one_line(raw)
    assert segment(JobPosting(None, title, raw)).text.split("\n")[0] == one_line(title)
    assert one_line(title) == title


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="\\", codec="utf-8"), max_size=60))
def test_text_without_a_backslash_is_no_literal(text: str) -> None:
    if text.strip()[:1] not in ("b", "B"):
        assert undo_literals(text) == text


@settings(deadline=None)
@given(st.text(st.sampled_from("Cookés .,-•😀\n'\""), max_size=60).map(lambda text: f"{text}Q"))
def test_bytes_as_python_shows_them(text: str) -> None:
    assert undo_literals(repr(text.encode())) == text
