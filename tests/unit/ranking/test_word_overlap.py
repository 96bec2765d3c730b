import numpy as np

from skillstream.ranking.word_overlap import LabelWords, label_stems, stem
from skillstream.taxonomy import Skill


def label_words(*labels):
    return LabelWords(label_stems([Skill(label, label) for label in labels]))


def overlap(words, text, labels=4):
    [found] = words.overlaps([text], np.arange(labels)[None])
    return found


LABELS = ["manage budgets", "manage staff", "Java (computer programming)", "the of"]


def test_words_are_compared_by_stem():
    assert stem("managing") == stem("manager") == stem("manages")
    assert overlap(
        label_words("weld", "organise events"), "welding at events that she organizes", 2
    ).tolist() == [1.0, 1.0]


def test_a_rare_word_counts_more_than_a_common_one():
    words = label_words(*LABELS)
    assert overlap(words, "budgets")[0] > 0.5 > overlap(words, "manage")[0] > 0
    assert np.isclose(overlap(words, "budgets")[0] + overlap(words, "manage")[0], 1.0)


def test_order_and_repeats_do_not_matter():
    words = label_words(*LABELS)
    assert (
        overlap(words, "the budget that we manage")[0] == overlap(words, "budget manage, budget")[0] > 0.999
    )


def test_a_label_of_function_words_never_matches():
    assert overlap(label_words(*LABELS), "the of the")[3] == 0.0


def test_each_sentence_is_compared_with_labels_of_its_own():
    words = label_words(*LABELS)
    found = words.overlaps(["staff", "budgets"], np.array([[1, 0], [1, 0]]))
    assert found[0, 0] == found[1, 1] > 0 == found[0, 1] == found[1, 0]
