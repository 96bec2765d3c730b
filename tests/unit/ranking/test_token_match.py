import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skillstream.ranking.token_match import evidence_span, token_match

FLOATS = st.floats(0.0, 1.0, width=32)


def unit(*rows):
    array = np.array(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def test_a_label_that_one_token_means_matches_better_than_one_that_none_does():
    tokens = unit([1, 0, 0], [0, 1, 0], [0, 1, 0.1])
    matched, weights = token_match(tokens, unit([1, 0, 0], [0, 0, 1]))
    assert matched[0] > 0.9 > matched[1]
    assert weights[:, 0].argmax() == 0
    assert np.allclose(weights.sum(axis=0), 1)


def test_token_match_is_the_softmax_weighted_mean_of_the_definition():
    random = np.random.default_rng(1)
    tokens, labels = unit(*random.normal(size=(7, 5))), unit(*random.normal(size=(3, 5)))
    matched, _ = token_match(tokens, labels)
    for k, label in enumerate(labels):
        similarity = tokens @ label
        weights = np.exp(10 * similarity) / np.exp(10 * similarity).sum()
        assert np.isclose(matched[k], (weights * similarity).sum(), atol=1e-6)


def spans_of(text):
    """Tokens as a tokenizer makes them: special ones around, marks and halves of words apart."""
    spans, at = [(0, 0)], 0
    for word in text.split(" "):
        half = len(word) // 2
        spans += [(at, at + half), (at + half, at + len(word))] if half else [(at, at + len(word))]
        at += len(word) + 1
    return np.array([*spans, (0, 0)], np.int32)


def test_evidence_is_the_run_of_heavy_words_without_marks():
    text = "You know the budget planning, and more"
    spans = np.array(
        [(0, 0), (0, 3), (4, 8), (9, 12), (13, 19), (20, 28), (28, 29), (30, 33), (34, 38), (0, 0)], np.int32
    )
    weights = np.array([0.1, 0.01, 0.02, 0.05, 0.3, 0.3, 0.2, 0.05, 0.02, 0.1], np.float32)
    assert text[slice(*evidence_span(text, weights, spans))] == "budget planning"


def test_a_light_word_between_heavy_ones_is_carried_along_and_function_words_are_no_evidence():
    text = "management of risks and of"
    spans = np.array([(0, 10), (11, 13), (14, 19), (20, 23), (24, 26)], np.int32)
    weights = np.array([0.3, 0.01, 0.3, 0.01, 0.5], np.float32)
    assert text[slice(*evidence_span(text, weights, spans))] == "management of risks"


def test_text_without_words_is_its_own_evidence():
    assert evidence_span("!?", np.ones(2, np.float32), np.array([(0, 1), (1, 2)], np.int32)) == (0, 2)


@given(st.text(max_size=60), st.data())
def test_evidence_lies_in_the_text_and_is_not_empty(text, data):
    spans = spans_of(text)
    weights = np.array(data.draw(st.lists(FLOATS, min_size=len(spans), max_size=len(spans))), np.float32)
    start, end = evidence_span(text, weights, spans)
    assert 0 <= start <= end <= len(text)
    assert start < end or not text
