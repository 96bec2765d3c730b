import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from skillstream.ranking.evidence_words import evidence_spans

FLOATS = st.floats(0.0, 1.0, width=32)


def evidence_span(text, weights, spans):
    [span] = evidence_spans(
        [text], spans, np.array([0, len(spans)]), np.array([0]), weights[:, None], np.array([0])
    )
    return span


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


def test_many_pairs_at_once_are_as_each_by_itself():
    texts = ["You know the budget", "!?", "", "no pair has this", "manage risks, and weld metal"]
    spans = [spans_of(text) for text in texts]
    bounds = np.cumsum([0, *map(len, spans)])
    weights = np.random.default_rng(0).random((bounds[-1], 3)).astype(np.float32)
    pairs = [(0, 0), (0, 2), (1, 1), (2, 0), (4, 1), (4, 0), (4, 2)]
    sentences, columns = np.array(pairs).T
    assert evidence_spans(texts, np.concatenate(spans), bounds, sentences, weights, columns) == [
        evidence_span(texts[i], weights[bounds[i] : bounds[i + 1], column], spans[i]) for i, column in pairs
    ]


def test_no_pairs_no_spans():
    none = np.zeros(0, np.int64)
    weights = np.zeros((0, 0), np.float32)
    assert evidence_spans([], np.zeros((0, 2), np.int32), np.zeros(1, int), none, weights, none) == []
