"""The tagger with the HashEncoder: what goes in comes out as one row each, with true offsets."""

import numpy as np
import pytest

from skillstream import PostingRejectedError, TagConfig, Tagger
from skillstream.chunks import Chunk, Record
from skillstream.errors import IndexFormatError, UsageError
from skillstream.index.skills_index import load_index
from skillstream.postings import TooComplexError
from skillstream.rows import rows_to_table
from skillstream.tagging.sentence_matcher import blocks
from skillstream.testing import HashEncoder
from tests.data import make_posting

POSTING = {
    "id": 7,
    "title": "Data engineer",
    "description": "<p>You write <b>Python</b> and SQL.</p><ul><li>Apache Kafka is a plus</li></ul>",
}


@pytest.fixture
def tagger(encoder, index_folder):
    return Tagger(encoder, load_index(index_folder), TagConfig())


def chunk_of(*payloads):
    records = [Record(offset, payload) for offset, payload in enumerate(payloads, 100)]
    return Chunk("jobs", 3, 100, 100 + len(records), records)


def test_tags_name_the_skills_with_their_proof(tagger):
    explanation = tagger.explain(POSTING)
    text = explanation.document.text
    labels = [tag.label for tag in explanation.tags]
    assert {"Python", "SQL", "Apache Kafka"} <= set(labels)
    for rank, tag in enumerate(explanation.tags, start=1):
        assert tag.rank == rank
        assert text[tag.start : tag.end] == tag.evidence
        assert text[tag.words_start : tag.words_end] == tag.words
        assert tag.start <= tag.words_start < tag.words_end <= tag.end
        assert 0.0 <= tag.confidence <= 1.0
        assert -1.001 <= tag.score <= 1.001
    confidences = [tag.confidence for tag in explanation.tags]
    assert confidences == sorted(confidences, reverse=True)
    assert len({tag.uri for tag in explanation.tags}) == len(labels)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("You write Ｐｙｔｈｏｎ.", "Ｐｙｔｈｏｎ"),
        ("熟悉Python、SQL和Java。", "Python"),
        ("𝗣𝘆𝘁𝗵𝗼𝗻 and ﬁles", "𝗣𝘆𝘁𝗵𝗼𝗻"),
    ],
)
def test_letters_of_other_shapes_are_found_and_shown_as_given(tagger, text, words):
    explanation = tagger.explain({"title": "Ｅngineer &amp;amp; cook", "description": text})
    assert explanation.document.text == f"Ｅngineer & cook\n{text}"
    (tag,) = [tag for tag in explanation.tags if tag.label == "Python"]
    assert tag.words == explanation.document.text[tag.words_start : tag.words_end] == words


@pytest.mark.parametrize("form", ["mapping", "bytes", "text"])
def test_every_form_of_a_posting_is_tagged(tagger, form):
    posting = {
        "mapping": {"description": "We use Apache Kafka"},
        "bytes": b'{"description": "We use Apache Kafka"}',
        "text": "We use Apache Kafka",
    }[form]
    assert "Apache Kafka" in [tag.label for tag in tagger.tag(posting)]


def test_a_posting_that_cannot_be_read_says_why(tagger):
    with pytest.raises(PostingRejectedError, match="missing_text") as caught:
        tagger.tag({"id": 1})
    assert caught.value.rejection.code == "missing_text"


def test_score_is_the_cosine_of_sentences_and_labels(tagger, encoder):
    scores = tagger.score(["Apache Kafka", "weld metal"])
    assert scores.shape == (2, len(tagger.index))
    assert scores.dtype == np.float32
    labels = list(tagger.index.labels)
    assert scores[0, labels.index("Apache Kafka")] == pytest.approx(1.0, abs=1e-5)
    assert scores[1, labels.index("weld metal")] == pytest.approx(1.0, abs=1e-5)


def test_one_row_a_record_whatever_it_is(tagger):
    payloads = [b'{"id": 1, "title": "x", "description": "weld metal"}', b"", b"{", None, b"\xff\xfe", b"[]"]
    tagged = tagger.tag_chunk(chunk_of(*payloads), now=lambda: 12.5)
    assert [row.offset for row in tagged.rows] == list(range(100, 106))
    assert [row.error is None for row in tagged.rows] == [True, False, False, False, False, False]
    assert [row.error.payload for row in tagged.rows[1:]] == payloads[1:]
    assert {row.tagged_at for row in tagged.rows} == {12500}
    assert rows_to_table(tagged.rows).num_rows == 6


def test_key_and_headers_stay_with_tagged_and_rejected_rows(tagger):
    headers = [("trace", b"1"), ("trace", None)]
    records = [
        Record(0, b'{"description": "weld metal"}', b"k", headers=headers),
        Record(1, b"", b"k", headers=headers),
    ]
    tagged = tagger.tag_chunk(Chunk("jobs", 0, 0, 2, records))
    columns = rows_to_table(tagged.rows).to_pylist()
    assert [row["key"] for row in columns] == [b"k", b"k"]
    expected = [{"name": "trace", "value": b"1"}, {"name": "trace", "value": None}]
    assert [row["headers"] for row in columns] == [expected, expected]


def test_cached_sentences_give_the_same_tags(tagger):
    payload = b'{"description": "weld metal\\nApache Kafka"}'
    first = tagger.tag_chunk(chunk_of(payload))
    again = tagger.tag_chunk(chunk_of(payload))
    assert (first.sentences, first.cached, again.cached, again.tokens) == (2, 0, 2, 0)
    assert first.rows[0].skills == again.rows[0].skills


def test_the_same_posting_is_tagged_the_same_in_any_company(tagger, encoder, index_folder):
    """Tags must not depend on what else is in the chunk, nor on the cache."""
    import json

    payloads = [json.dumps(make_posting(number)).encode() for number in range(20)]
    together = tagger.tag_chunk(chunk_of(*payloads))
    for number in (0, 7, 19):
        alone = Tagger(encoder, load_index(index_folder), TagConfig(cache_sentences=0))
        (row,) = alone.tag_chunk(chunk_of(payloads[number])).rows
        expected = together.rows[number].skills
        assert [tag.uri for tag in row.skills] == [tag.uri for tag in expected]
        assert [tag.score for tag in row.skills] == pytest.approx([tag.score for tag in expected], abs=1e-5)


def test_top_k_and_min_confidence_are_kept(encoder, index_folder):
    index = load_index(index_folder)
    text = "Python, SQL, Apache Kafka, weld metal, manage budgets"
    assert len(Tagger(encoder, index, TagConfig(top_k=2)).tag(text)) == 2
    every = Tagger(encoder, index, TagConfig(min_confidence=0.0)).tag(text)
    middle = every[len(every) // 2].confidence
    strict = Tagger(encoder, index, TagConfig(min_confidence=middle)).tag(text)
    assert 0 < len(strict) < len(every)
    assert all(tag.confidence >= middle for tag in strict)


def test_granularity_posting_looks_at_the_beginning_only(encoder, index_folder):
    config = TagConfig(granularity="posting")
    tagger = Tagger(encoder, load_index(index_folder), config)
    far = "filler words " * 400 + " Apache Kafka"
    assert "Apache Kafka" not in [tag.label for tag in tagger.tag(far)]
    assert "Apache Kafka" in [tag.label for tag in tagger.tag("Apache Kafka")]


def test_an_index_of_another_model_is_refused(index_folder):
    with pytest.raises(IndexFormatError, match="made with model hash"):
        Tagger(HashEncoder(dim=64), load_index(index_folder))


@pytest.mark.parametrize(
    "wrong", [{"top_k": 0}, {"min_confidence": 1.5}, {"granularity": "word"}, {"backend": "abacus"}]
)
def test_wrong_options_are_refused(wrong):
    with pytest.raises(UsageError):
        TagConfig(**wrong)


def test_a_bug_in_one_record_rejects_that_record_alone(tagger, monkeypatch):
    from skillstream.tagging import tagger as module

    whole = module.segment

    def broken(posting):
        if posting.posting_id == "bad":
            raise ZeroDivisionError("a bug")
        return whole(posting)

    monkeypatch.setattr(module, "segment", broken)
    tagged = tagger.tag_chunk(
        chunk_of(b'{"id": "bad", "description": "x"}', b'{"id": "good", "description": "weld metal"}')
    )
    assert tagged.rows[0].error.code == "internal"
    assert "ZeroDivisionError" in tagged.rows[0].error.detail
    assert tagged.rows[1].error is None


def test_blocks_keep_order_and_bounds():
    texts = ["aaaa", "bb", "c" * 30, "d", "ee"]
    found = list(blocks(texts, 7))
    assert [text for block in found for text in block] == texts
    assert all(len(block) == 1 or sum(map(len, block)) <= 7 for block in found)


def failing_on(encoder, word):
    """The encoder, but a text with `word` in it makes it fail."""

    class Failing:
        def __getattr__(self, name):
            return getattr(encoder, name)

        def encode_tokens(self, texts):
            if any(word in text for text in texts):
                raise ValueError(f"cannot encode {word} \ud800")
            return encoder.encode_tokens(texts)

    return Failing()


def test_a_sentence_that_the_encoder_cannot_take_rejects_its_record_alone(encoder, index_folder):
    tagger = Tagger(failing_on(encoder, "bad"), load_index(index_folder))
    tagged = tagger.tag_chunk(chunk_of(b'{"description": "bad"}', b'{"description": "weld metal"}'))
    assert [row.error and row.error.code for row in tagged.rows] == ["internal", None]
    assert tagged.rows[1].skills
    assert rows_to_table(tagged.rows).num_rows == 2


def test_an_encoder_that_fails_for_everything_raises(encoder, index_folder):
    tagger = Tagger(failing_on(encoder, ""), load_index(index_folder))
    with pytest.raises(ValueError, match="cannot encode"):
        tagger.tag_chunk(chunk_of(b'{"description": "weld metal"}'))


def test_postings_without_a_description_are_counted_with_the_fields_they_have(encoder, index_folder):
    tagger = Tagger(encoder, load_index(index_folder), TagConfig(text_field="job.text"))
    chunk = chunk_of(
        b'{"title":"Welder","job":{"text":"weld metal"}}',
        b'{"title":"Welder","text":"weld metal","n":1}',
        b"broken",
        b'{"title":"Welder","job":{}}',
        None,
    )
    tagged = tagger.tag_chunk(chunk)
    assert (tagged.title_only, tagged.fields, tagged.warnings) == (2, ["title", "text", "n"], [])


def test_times_that_cannot_be_read_are_counted_with_the_first_one(encoder, index_folder):
    tagger = Tagger(encoder, load_index(index_folder), TagConfig())
    tagged = tagger.tag_chunk(
        chunk_of(
            b'{"title":"Welder","datePosted":"2026-01-02"}',
            b'{"title":"Welder","posted_at":"3 days ago"}',
            b'{"datePosted":"yesterday"}',
            b'{"title":"Welder","datePosted":"soon"}',
            b'{"title":"Welder","datePosted":""}',
        )
    )
    assert (tagged.unread_times, tagged.unread_time) == (2, "posted_at: 3 days ago")
    assert [row.event_time is None for row in tagged.rows] == [False, True, True, True, True]


def test_a_field_that_no_record_of_the_first_chunk_has_is_warned_of_once(encoder, index_folder, caplog):
    tagger = Tagger(encoder, load_index(index_folder), TagConfig(text_field="jobDescripton"))
    chunk = chunk_of(b'{"title":"Welder","jobDescription":"weld metal"}', b"broken", None)
    line = (
        "no record of the first 1 has a field 'jobDescripton' (--text-field); "
        "they have 'title', 'jobDescription'"
    )
    assert tagger.tag_chunk(Chunk("jobs", 3, 0, 9, [])).warnings == []
    assert tagger.tag_chunk(chunk).warnings == [line]
    assert tagger.tag_chunk(chunk).warnings == []
    assert [record.getMessage() for record in caplog.records] == [f"jobs: {line}"]


def test_a_record_time_that_no_reader_could_show_is_none(tagger):
    payload = b'{"title":"Welder","datePosted":"2026-01-31"}'
    records = [
        Record(n, data, event_time=9_300_000_000_000_000) for n, data in enumerate([payload, b"broken"])
    ]
    rows = tagger.tag_chunk(Chunk("jobs", 0, 0, 2, records)).rows
    assert [row.event_time for row in rows] == [1769817600000, None]
    rows_to_table(rows).validate(full=True)


@pytest.mark.parametrize("wrong", [{"feed": "nosuch"}, {"records_path": " "}, {"text_field": ""}])
def test_wrong_ways_to_find_the_fields_are_refused(wrong):
    with pytest.raises(UsageError, match="--"):
        TagConfig(**wrong)


def test_a_record_that_takes_too_long_is_rejected_with_its_payload(tagger, monkeypatch):
    monkeypatch.setattr("skillstream.postings.budget.Budget.check", _spent)
    payload = b'{"title": "Cook", "description": "You cook."}'
    (row,) = tagger.tag_chunk(chunk_of(payload)).rows
    assert (row.error.code, row.error.payload) == ("too_complex", payload)


def _spent(budget):
    raise TooComplexError("reading took too long")
