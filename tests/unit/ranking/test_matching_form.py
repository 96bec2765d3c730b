import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.ranking.matching_form import matching_form


def found(text: str, words: str) -> str:
    """What the text as given has where its matching form has `words`."""
    form = matching_form(text)
    start = form.text.index(words)
    a, b = form.original(start, start + len(words))
    return text[a:b]


@pytest.mark.parametrize(
    ("text", "words", "given_as"),
    [
        ("You know Ｐｙｔｈｏｎ and ＳＱＬ", "Python", "Ｐｙｔｈｏｎ"),
        ("You know Ｐｙｔｈｏｎ and ＳＱＬ", "SQL", "ＳＱＬ"),
        ("ﬁnancial analysis, oﬃce", "financial analysis", "ﬁnancial analysis"),
        ("proﬁt, ﬁnance", "fi", "ﬁ"),
        ("an oﬃce clerk", "clerk", "clerk"),
        ("𝗣𝘆𝘁𝗵𝗼𝗻 skills", "Python", "𝗣𝘆𝘁𝗵𝗼𝗻"),
        ("cafe\u0301 cook", "café", "cafe\u0301"),
        ("熟悉Python、SQL和Java，有经验", " Python", "Python"),
        ("熟悉Python、SQL和Java，有经验", "SQL ", "SQL"),
        ("熟悉Python、SQL和Java，有经验", " Java", "Java"),
        ("会C++和C#。", " C++ ", "C++"),
        ("Python을 SQL과", "Python ", "Python"),
        ("ใช้Pythonได้", " Python ", "Python"),
        ("Ｃ＋＋／Ｃ＃", "C++/C#", "Ｃ＋＋／Ｃ＃"),
    ],
)
def test_forms_lead_back_to_the_text(text: str, words: str, given_as: str) -> None:
    assert found(text, words) == given_as


@pytest.mark.parametrize(
    "text",
    [
        "You know Python",
        "Excel™ and 10 m²",
        "café – “soup” …",
        "①Python",
        "数据工程师",
        "½ price",
        "İstanbul",
    ],
)
def test_what_is_plain_stays(text: str) -> None:
    form = matching_form(text)
    assert (form.text, form.starts) == (text, None)


def test_letters_that_a_model_does_not_know_become_blanks() -> None:
    form = matching_form("熟悉Ｐython、SQL和Java。", keep_unspaced=False)
    assert form.text == "  Python、SQL Java。"
    assert form.original(2, 8) == (2, 8)
    assert matching_form("会SQL", keep_unspaced=False).original(1, 4) == (1, 4)


_TEXTS = st.text(st.sampled_from("ab Ａﬁ́ê熟のc+#.，™ﷺ가") | st.characters(codec="utf-8"), max_size=30)


@given(_TEXTS)
def test_every_character_of_the_form_stands_for_one_of_the_text(text: str) -> None:
    form = matching_form(text)
    if form.starts is None or form.ends is None:
        assert form.text == text
        return
    assert len(form.starts) == len(form.ends) == len(form.text)
    assert list(form.starts) == sorted(form.starts)
    assert all(0 <= a <= b <= len(text) for a, b in zip(form.starts, form.ends, strict=True))
    assert form.original(0, len(form.text)) == (0, len(text))
    covered = {i for a, b in zip(form.starts, form.ends, strict=True) for i in range(a, b)}
    assert covered == set(range(len(text)))


@given(_TEXTS)
def test_a_form_is_its_own_form_in_letters(text: str) -> None:
    form = matching_form(text).text
    letters = [c for c in form if c.isalpha()]
    assert all(unicodedata.is_normalized("NFKC", letter) for letter in letters)
