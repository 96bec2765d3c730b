"""Asked for, wished for or negated: cases written for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.postings.stance import Stance, is_required, stance_of


def stance(sentence, words, section="other"):
    start = sentence.index(words)
    return stance_of(sentence, start, start + len(words), section)


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("No Python experience necessary.", "Python"),
        ("You do not need to know SQL.", "SQL"),
        ("Java is not required.", "Java"),
        ("This is not a project management role.", "project management"),
        ("We don't use Excel or PHP here.", "Excel"),
        ("We don't use Excel or PHP here.", "PHP"),
        ("We don’t use Excel or PHP here.", "PHP"),
        ("No need to speak German.", "German"),
        ("No prior experience with SAP required", "SAP"),
        ("Forklift licence not needed", "Forklift"),
        ("German isn't necessary", "German"),
        ("No SQL needed, but Python is a must", "SQL"),
        ("You are good at English; German is not a must", "German"),
        ("The job does not involve sales", "sales"),
        ("It is not a sales role, you will write Python", "sales"),
        ("A Java developer without any PHP", "PHP"),
        ("No cold calling!", "cold calling"),
        ("no weekend work, no cold calling", "cold calling"),
        ("Python rather than Java", "Java"),
        ("If you do not know Python, we will teach you", "Python"),
    ],
)
def test_what_is_not_wanted(sentence, words):
    assert stance(sentence, words) is Stance.NEGATED
    assert stance(sentence, words, "requirements") is Stance.NEGATED


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Experience with SQL is a plus", "SQL"),
        ("Python required, Go preferred", "Go"),
        ("SQL, Python and Go would be a plus", "SQL"),
        ("French desirable but not essential", "French"),
        ("Excel (nice to have)", "Excel"),
        ("Ideally you speak Danish", "Danish"),
        ("A forklift licence is an advantage", "forklift licence"),
        ("Fluency in a second language is not required, but preferred", "second language"),
    ],
)
def test_what_is_wished_for(sentence, words):
    assert stance(sentence, words) is Stance.WISHED


@pytest.mark.parametrize(
    ("sentence", "words", "expected"),
    [
        ("You must know SQL", "SQL", Stance.REQUIRED),
        ("3+ years of Java", "Java", Stance.REQUIRED),
        ("No less than 3 years of Java", "Java", Stance.REQUIRED),
        ("No SQL needed, but Python is a must", "Python", Stance.REQUIRED),
        (
            "Candidates who do not have a truck licence will not be considered",
            "truck licence",
            Stance.REQUIRED,
        ),
        ("Do not apply if you cannot weld", "weld", Stance.REQUIRED),
        ("Not only SQL but also Python", "SQL", Stance.NEUTRAL),
        ("including but not limited to Excel", "Excel", Stance.NEUTRAL),
        ("Able to work without supervision", "without supervision", Stance.NEUTRAL),
        ("You are good at English; German is not a must", "English", Stance.NEUTRAL),
        ("It is not a sales role, you will write Python", "Python", Stance.NEUTRAL),
        ("No two days are alike when you sell insurance", "insurance", Stance.NEUTRAL),
        ("There is no better place to learn Python", "Python", Stance.NEUTRAL),
        ("You don't just write code, you own it", "code", Stance.NEUTRAL),
        ("A degree is not required but knowledge of statistics is", "statistics", Stance.NEUTRAL),
        ("Strong SQL; Tableau preferred", "SQL", Stance.NEUTRAL),
        ("no nonsense attitude and SQL skills", "SQL", Stance.NEUTRAL),
        ("Ability to use Excel, no formal training required", "Excel", Stance.NEUTRAL),
        ("You have no fear of public speaking", "public speaking", Stance.NEUTRAL),
        ("you are not afraid of SQL", "SQL", Stance.NEUTRAL),
        ("Run the annual bonus plan", "bonus plan", Stance.NEUTRAL),
        ("Follow up with clients that are not ready to make an offer", "offer", Stance.NEUTRAL),
    ],
)
def test_cues_that_mean_something_else(sentence, words, expected):
    assert stance(sentence, words) is expected


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("We offer Spanish lessons.", "Spanish"),
        ("The company pays for German and French courses", "German"),
        ("You will receive first aid training", "first aid"),
        ("Free Excel classes every week", "Excel"),
    ],
)
def test_what_is_offered_is_not_asked_for(sentence, words):
    assert stance(sentence, words) is Stance.OFFERED
    assert stance(f"You give {words} lessons", words) is Stance.NEUTRAL


def test_the_section_says_what_the_sentence_does_not():
    assert stance("SQL", "SQL", "nice_to_have") is Stance.WISHED
    assert stance("SQL", "SQL", "requirements") is Stance.REQUIRED
    assert stance("SQL would be a plus", "SQL", "requirements") is Stance.WISHED
    assert stance("SQL", "SQL", "responsibilities") is Stance.NEUTRAL


def test_the_strongest_stance_of_all_sentences_counts():
    assert is_required({Stance.WISHED, Stance.REQUIRED}) is True
    assert is_required({Stance.WISHED, Stance.NEUTRAL}) is False
    assert is_required({Stance.NEUTRAL}) is None


@pytest.mark.parametrize("part", ["no ", "not a ", "without ", "no / ", "a/b/c/", "who ", "would be ", "- ("])
def test_a_sentence_of_any_length_is_read(part):
    sentence = part * 20_000 + "SQL" + " " + part * 20_000
    assert stance(sentence, "SQL") in Stance


WORDS = """you must know no not don't isn't without SQL need required a plus is nice to have We offer free
    lessons who if unless 5 years 5yrs casino note would be good , . ( ) - but preferred get training"""


@given(
    st.lists(st.sampled_from(WORDS.split()), max_size=12),
    st.lists(st.sampled_from(WORDS.split()), max_size=12),
    st.sampled_from(["other", "requirements"]),
)
def test_a_sentence_without_cues_is_read_as_any_other(before, after, section):
    sentence = " ".join([*before, "Rust", *after])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("skillstream.postings.stance._has_cue", lambda sentence: True)
        expected = stance(sentence, "Rust", section)
    assert stance(sentence, "Rust", section) is expected
