"""Markdown, bullets of all kinds and odd characters of plain text."""

import pytest

from skillstream.postings.markup import is_bullet, text_lines
from skillstream.postings.parse import JobPosting
from skillstream.postings.sentences import segment


def lines(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.text]


def headings(raw: str) -> list[str]:
    return [line.text for line in text_lines(raw) if line.heading]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("**You have:**\n\n\\* soup\n\\* **hot** stew", ["You have:", "* soup", "* hot stew"]),
        ("You cook *hot* soups, 2 * 3 * 4 and *.py", ["You cook hot soups, 2 * 3 * 4 and *.py"]),
        ("***Not for agencies***\n*see below*", ["Not for agencies", "see below"]),
        ("Come *****We pay well***** and ****no calls***", ["Come We pay well and no calls"]),
        ("**soup** and ** 2 *****", ["soup and ** 2 *****"]),
        ("See [our page](https://example.org/a?b=c) or [x] (y)", ["See our page or [x] (y)"]),
        ("Duties\n=====\nsoup\n\nPay\n---\n20", ["Duties", "soup", "Pay", "---", "20"]),
        ("__init__ and snake_case_names", ["__init__ and snake_case_names"]),
        ("__What you do__\nsoup", ["What you do", "soup"]),
        ("# C#\n## F# ##\n#hashtag", ["C#", "F#", "#hashtag"]),
        ("+ soup\n+ stew", ["+ soup", "+ stew"]),
    ],
)
def test_markdown(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


def test_headings_of_markdown() -> None:
    raw = "Duties\n=====\nsoup\n\nPay\n---\n20\n__What you do__\n# Perks\n***Now***\n-----"
    assert headings(raw) == ["Duties", "Pay", "What you do", "Perks", "Now"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("🍲 You have 🔹Soup 🔹Stew 👉 Bread ➡️ Pies ✨ teamwork",
         ["🍲 You have", "🔹Soup", "🔹Stew", "👉 Bread", "➡️ Pies", "✨ teamwork"]),
        ("✅ Soup ✅ Stew", ["✅ Soup", "✅ Stew"]),
        ("🔸Soup\n🔸Stew", ["🔸Soup", "🔸Stew"]),
        ("👩‍🍳 Cook 👨‍🍳 Baker 🧑‍🍳 Chef", ["👩🍳 Cook", "👨🍳 Baker", "🧑🍳 Chef"]),
        ("We love soup 😀 and you?", ["We love soup 😀 and you?"]),
        ("Come 🎉🎉🎉", ["Come 🎉🎉🎉"]),
        ("Start → middle → end → rest", ["Start → middle → end → rest"]),
        ("You have\u200b\n\u200b•\u200bSoup\u200b\n• machine\u200blearning", ["You have", "• Soup",
                                                                              "• machine learning"]),
        ("\ufeffSoup\ufeff st\u00adew J\u200bava C++\u200bRust", ["Soup stew Java C++ Rust"]),
        ("o\u200d\u2060n\u200ce", ["one"]),
    ],
)  # fmt: skip
def test_bullets_and_invisible_characters(raw: str, expected: list[str]) -> None:
    assert lines(raw) == expected


def test_emoji_are_marks_of_headings_and_items() -> None:
    text = "🍲 Requirements 🔹Soup 👉 Bread ➡️ Pies ✨ stews\n🎁 Benefits\n🥐 Free meals"
    found = segment(JobPosting(None, "", text, language="en")).sentences
    assert [(str(sentence.section), sentence.text) for sentence in found] == [
        ("requirements", "Soup"),
        ("requirements", "Bread"),
        ("requirements", "Pies"),
        ("requirements", "stews"),
        ("benefits", "Free meals"),
    ]


@pytest.mark.parametrize("line", ["• a", "•a", "🔹a", "👉 a", "+ a", "- a", "1. a", "(2) a", "✓a"])
def test_bullets(line: str) -> None:
    assert is_bullet(line)


@pytest.mark.parametrize("line", ["a", "-a", "+49 30", "*a*", "🍲 Duties", "1.5 years", "", "3 a"])
def test_no_bullets(line: str) -> None:
    assert not is_bullet(line)
