import numpy as np

from skillstream.ranking.word_overlap import LabelWords, stem

LABELS = ["manage budgets", "manage staff", "Java (computer programming)", "the of"]


def test_words_are_compared_by_stem():
    assert stem("managing") == stem("manager") == stem("manages")
    assert LabelWords(["weld", "organise events"]).overlap(
        "welding at events that she organizes"
    ).tolist() == [1.0, 1.0]


def test_a_rare_word_counts_more_than_a_common_one():
    words = LabelWords(LABELS)
    assert words.overlap("budgets")[0] > 0.5 > words.overlap("manage")[0] > 0
    assert np.isclose(words.overlap("budgets")[0] + words.overlap("manage")[0], 1.0)


def test_order_and_repeats_do_not_matter():
    words = LabelWords(LABELS)
    assert words.overlap("the budget that we manage")[0] == words.overlap("budget manage, budget")[0] > 0.999


def test_a_label_of_function_words_never_matches():
    assert LabelWords(LABELS).overlap("the of the")[3] == 0.0
