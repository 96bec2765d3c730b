import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skillstream.postings.parse import JobPosting
from skillstream.postings.sentences import Sentence, segment, split_long


def sentences(text: str, title: str = "") -> list[str]:
    return [sentence.text for sentence in segment(JobPosting(None, title, text)).sentences]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("You cook. You bake!", ["You cook.", "You bake!"]),
        ("Can you cook? Then come.", ["Can you cook?", "Then come."]),
        ("- You cook\n* You bake\n• You clean\n‣ You serve\n– You buy",
         ["You cook", "You bake", "You clean", "You serve", "You buy"]),
        ("1. You cook\n2) You bake\n(3) You clean\na) You serve\no You buy",
         ["You cook", "You bake", "You clean", "You serve", "You buy"]),
        ("+ You cook\n+ Shift: nights + Pay: good + Place: town",
         ["You cook", "nights", "good", "Place: town"]),
        ("You cook • bake • serve", ["You cook", "bake", "serve"]),
        ("-Cook\n•Bake\n>> Serve", ["Cook", "Bake", "Serve"]),
        ("1. Cook. 2. Bake.", ["Cook.", "Bake."]),
        ("* * *\n-----\n😀😀\n• \n01\nCook", ["Cook"]),
        ("Knows Python, e.g. Django, C#, .NET and Node.js.",
         ["Knows Python, e.g. Django, C#, .NET and Node.js."]),
        ("ASP.Net, Node.JS and Vue.Js. Also F#. And C++.",
         ["ASP.Net, Node.JS and Vue.Js.", "Also F#.", "And C++."]),
        ("A Ph.D. in the U.S. is fine. So is a B.Sc.", ["A Ph.D. in the U.S. is fine.", "So is a B.Sc."]),
        ("3 yrs. experience, Mon. to Fri., approx. 20 hrs. a week.",
         ["3 yrs. experience, Mon. to Fri., approx. 20 hrs. a week."]),
        ("Report to Dr. Smith at Acme Inc. in Leeds.", ["Report to Dr. Smith at Acme Inc. in Leeds."]),
        ("Pay is $20.50 an hour. Start at 9 a.m. daily.",
         ["Pay is $20.50 an hour.", "Start at 9 a.m. daily."]),
        ("You have experience.Must have a licence.You drive",
         ["You have experience.", "Must have a licence.", "You drive"]),
        ("See www.example.Com or jobs.Example.org.", ["See www.example.Com or jobs.Example.org."]),
        ("good knife skills. must be on time.", ["good knife skills.", "must be on time."]),
        ("我们需要厨师。你会做汤吗？请来！", ["我们需要厨师。", "你会做汤吗？", "请来！"]),
        ("نبحث عن طباخ ماهر. هل تجيد الطبخ؟ تعال الآن.",
         ["نبحث عن طباخ ماهر.", "هل تجيد الطبخ؟", "تعال الآن."]),
        ("😀😀😀", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_the_title_is_the_first_line_and_sentence() -> None:
    document = segment(JobPosting(None, "Senior  Cook", "<p>You cook.</p>"))
    assert document.text == "Senior Cook\nYou cook."
    assert document.sentences[0] == Sentence("Senior Cook", 0, 11, "title")
    assert document.sentences[1] == Sentence("You cook.", 12, 21, "other")


def test_no_title() -> None:
    document = segment(JobPosting(None, "", "You cook."))
    assert document.sentences == [Sentence("You cook.", 1, 10, "other")]


POSTING = """\
Acme Kitchens is a leading caterer with offices across the world.

What you'll do:
• Prepare soups
• Order goods

Requirements
3 years of experience in kitchens
Must pass a background check

Nice to have: French cuisine
A driving licence

BENEFITS
Free meals and a gym
You must have a food hygiene certificate
Salary: $20 per hour

How to apply
Call Jo.

We hire without regard to race, religion or sexual orientation.
"""


def test_sections() -> None:
    document = segment(JobPosting(None, "Cook", POSTING))
    assert [(s.section, s.text) for s in document.sentences] == [
        ("title", "Cook"),
        ("about_company", "Acme Kitchens is a leading caterer with offices across the world."),
        ("responsibilities", "Prepare soups"),
        ("responsibilities", "Order goods"),
        ("requirements", "3 years of experience in kitchens"),
        ("legal", "Must pass a background check"),
        ("nice_to_have", "French cuisine"),
        ("nice_to_have", "A driving licence"),
        ("benefits", "Free meals and a gym"),
        ("requirements", "You must have a food hygiene certificate"),
        ("benefits", "$20 per hour"),
        ("how_to_apply", "Call Jo."),
        ("equal_opportunity", "We hire without regard to race, religion or sexual orientation."),
    ]


def test_a_boilerplate_run_in_holds_for_its_line_only() -> None:
    document = segment(JobPosting(None, "", "Salary: 20 an hour\nYou cook soups\nDuties: cooking\nbaking"))
    assert [s.section for s in document.sentences] == [
        "benefits",
        "other",
        "responsibilities",
        "responsibilities",
    ]


def test_headings_within_a_line() -> None:
    text = "You cook for guests. Requirements: knife skills. Being on time. Benefits: free meals. EEO: "
    document = segment(JobPosting(None, "", text + "\nSoups"))
    assert [(s.section, s.text) for s in document.sentences] == [
        ("other", "You cook for guests."),
        ("requirements", "knife skills."),
        ("requirements", "Being on time."),
        ("benefits", "free meals."),
        ("equal_opportunity", "Soups"),
    ]


def test_a_colon_announces_the_section_of_what_follows() -> None:
    text = "We offer a competitive salary and the following extras:\nFree meals\n\nDuties\nCooking"
    document = segment(JobPosting(None, "", text))
    assert [s.section for s in document.sentences] == ["benefits", "benefits", "responsibilities"]
    text = "Benefits\nFree meals\nOur cooks, who work in teams and in shifts, are responsible for:\nSoups"
    document = segment(JobPosting(None, "", text))
    assert [s.section for s in document.sentences] == ["benefits", "requirements", "requirements"]


def test_language_of_the_source_comes_first() -> None:
    text = "Wir suchen eine Köchin, die Suppen und Eintöpfe für zweihundert Gäste zubereitet."
    assert segment(JobPosting(None, "Cook", text)).language == "de"
    assert segment(JobPosting(None, "Cook", text, language="fr")).language == "fr"
    assert segment(JobPosting(None, "Cook", "Soup", language="xx")).sentences[1].text == "Soup"


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "text",
    [
        "我们需要厨师。" * 10_000, "soup " * 50_000, "a.b" * 50_000, "x.Ab" * 50_000, "1. " * 50_000,
        "e.g. " * 50_000, "x" * 500_000, "Soup.\n" * 10_000, "you will " * 30_000, "- " * 100_000,
        "A: " * 50_000, '"a. ' * 30_000, "is a big " * 30_000, "apply " * 30_000, "you will\n" * 5_000,
    ],
    ids=lambda text: text[:8].strip(),
)  # fmt: skip
def test_long_texts_take_linear_time(text: str) -> None:
    document = segment(JobPosting(None, "Cook", text))
    assert all(document.text[s.start : s.end] == s.text for s in document.sentences)


pieces = st.sampled_from(
    [
        "<p>", "</p>", "<li>", "<h2>", "</h2>", "\n", "\n\n", " ", ". ", ".", "• ", "- ", "1. ", ": ", ":",
        ",",
        ", ", "You cook", "soup", "Requirements", "Benefits", "EEO", "e.g.", ".NET", "。", "我们", "😀",
        "U.S.",
        "we offer", "Salary", "must have", "İ", "\u0301", "\u200b", "x" * 50,
    ]
)  # fmt: skip
texts = st.lists(pieces, max_size=40).map("".join) | st.text(max_size=80)


@settings(deadline=None)
@given(texts, texts)
@example("", "İstanbul. Requirements: Ab")
def test_offsets_hold_and_nothing_overlaps(title: str, text: str) -> None:
    document = segment(JobPosting(None, title, text))
    end = 0
    for sentence in document.sentences:
        assert document.text[sentence.start : sentence.end] == sentence.text
        assert sentence.start >= end
        assert sentence.text == sentence.text.strip() != ""
        end = sentence.end


# --- split_long ------------------------------------------------------------------------------------


def words(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"\S+", text)]


def characters(text: str) -> list[tuple[int, int]]:
    return [(i, i + 1) for i, c in enumerate(text) if not c.isspace()]


def pieces_of_three(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\W_]{1,3}|[^\w\s]|_", text)]


def test_short_sentences_are_left_alone() -> None:
    short = [Sentence("You cook soups.", 5, 20, "other"), Sentence("You bake bread.", 21, 36, "other")]
    assert split_long(short, words, 3) == short


def test_windows_end_at_commas_then_at_words() -> None:
    sentence = Sentence("soups, stews and sauces, breads cakes pies tarts rolls", 10, 64, "requirements")
    assert [(s.text, s.start) for s in split_long([sentence], words, 5)] == [
        ("soups, stews and sauces,", 10),
        ("breads cakes pies tarts rolls", 35),
    ]
    assert [s.text for s in split_long([sentence], words, 3)] == [
        "soups, stews and",
        "sauces, breads cakes",
        "pies tarts rolls",
    ]
    assert {s.section for s in split_long([sentence], words, 3)} == {"requirements"}


@settings(deadline=None)
@given(
    st.text(st.sampled_from("ab ,;. _-é我😀"), min_size=1, max_size=200).filter(str.strip),
    st.sampled_from([words, characters, pieces_of_three]),
    st.integers(1, 20),
    st.integers(0, 9),
)
def test_windows_fit_and_cover_every_character(text: str, token_spans, max_tokens: int, start: int) -> None:
    text = text.strip()
    sentence = Sentence(text, start, start + len(text), "other")
    windows = split_long([sentence], token_spans, max_tokens)
    covered = set()
    end = start
    for window in windows:
        assert len(token_spans(window.text)) <= max_tokens
        assert window.text == text[window.start - start : window.end - start] == window.text.strip() != ""
        assert window.start >= end
        end = window.end
        covered.update(range(window.start - start, window.end - start))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= covered


def test_a_megabyte_without_a_stop_is_windowed_in_linear_time() -> None:
    text = "soup " * 200_000
    windows = split_long([Sentence(text.strip(), 0, len(text) - 1, "other")], words, 250)
    assert [len(words(window.text)) for window in windows] == [250] * 800


def sections_of(title, text):
    found = segment(JobPosting("1", title, text)).sentences
    return {sentence.text: str(sentence.section) for sentence in found if sentence.section != "title"}


def test_about_us_at_the_top_does_not_silence_the_posting():
    text = (
        "About us\nAcme has nine shops in the north.\n\nYou will operate forklifts.\nYou speak Italian.\nSQL"
    )
    assert sections_of("Clerk", text) == {
        "Acme has nine shops in the north.": "about_company",
        "You will operate forklifts.": "other",
        "You speak Italian.": "other",
        "SQL": "other",
    }


def test_an_employers_statement_is_no_heading():
    text = "Equal Opportunity Employer\nBlueprints and welding symbols\n- weld pipes"
    assert set(sections_of("Welder", text).values()) == {"other"}
    text = "Requirements\nSQL\nEOE\nPython"
    assert set(sections_of("Analyst", text).values()) == {"requirements"}


def test_benefits_end_at_a_gap_not_at_a_line_that_asks():
    text = "Benefits\n- Free lunch\nYou have three weeks off\n- Gym\n\nYou will cook soups.\nFrench cuisine"
    found = sections_of("Cook", text)
    assert found["Gym"] == "benefits"
    assert found["French cuisine"] == "other"


def test_a_job_in_benefits_keeps_its_duties_and_its_own_benefits_apart():
    text = "Compensation & Benefits\n- Run payroll\n- Health plans\n\nWhat we offer\n- Health insurance"
    found = segment(JobPosting("1", "Benefits Specialist", text)).sentences[1:]
    assert [str(sentence.section) for sentence in found] == ["other", "other", "benefits"]
