"""Sentences that cannot become evidence are not encoded, and nothing else changes."""

import pytest

from skillstream import TagConfig, Tagger
from skillstream.chunks import Chunk, Record
from skillstream.index.skills_index import load_index
from skillstream.testing import HashEncoder


class CountingEncoder(HashEncoder):
    def __init__(self):
        super().__init__()
        self.texts = []

    def encode_tokens(self, texts):
        self.texts += texts
        return super().encode_tokens(texts)


@pytest.fixture
def counting():
    return CountingEncoder()


@pytest.fixture
def tagger(counting, index_folder):
    return Tagger(counting, load_index(index_folder), TagConfig(min_confidence=0.01))


def tag(tagger, *descriptions):
    import json

    records = [
        Record(n, json.dumps({"title": "Welder", "description": text}).encode())
        for n, text in enumerate(descriptions)
    ]
    return tagger.tag_chunk(Chunk("jobs", 0, 0, len(records), records))


PRAISE = "Budgets are in good hands here, and people manage well"
NAMED = "We pay for Python courses"


def test_boilerplate_is_encoded_only_if_it_names_a_skill(tagger, counting):
    tagged = tag(tagger, f"Benefits:\n{PRAISE}\n{NAMED}")
    assert PRAISE not in counting.texts
    assert NAMED in counting.texts
    assert (tagged.sentences, tagged.skipped) == (3, 1)


def test_a_sentence_that_counts_in_another_posting_is_encoded(tagger, counting):
    tagged = tag(tagger, f"Benefits:\n{PRAISE}", f"Responsibilities:\n{PRAISE}")
    assert counting.texts.count(PRAISE) == 1
    assert tagged.skipped == 0
    assert tagged.rows[1].skills


def test_what_was_skipped_is_found_where_it_counts_later(tagger):
    first = tag(tagger, f"Benefits:\n{PRAISE}", f"Benefits:\n{PRAISE}")
    later = tag(tagger, f"Responsibilities:\n{PRAISE}")
    assert first.skipped == 2
    assert [skill.evidence for skill in later.rows[0].skills if skill.evidence == PRAISE]


def test_rows_are_the_same_as_if_all_were_encoded(tagger, monkeypatch):
    text = f"Benefits:\n{PRAISE}\n{NAMED}\nRequirements:\nYou weld metal and know SQL"
    skipping = tag(tagger, text).rows[0].skills
    monkeypatch.setattr("skillstream.tagging.sentence_matcher.only_names_count", lambda section: False)
    whole = Tagger(tagger.encoder, tagger.index, tagger.config)
    everything = tag(whole, text)
    assert everything.skipped == 0
    assert [(skill.uri, skill.start) for skill in everything.rows[0].skills] == [
        (skill.uri, skill.start) for skill in skipping
    ]


def test_in_a_language_that_is_not_served_only_sentences_with_names_are_encoded(tagger, counting):
    german = "Wir suchen eine Köchin, die Suppen kocht und Gäste bedient.\nKenntnisse in Python und SQL."
    tagged = tag(tagger, german)
    assert tagged.rows[0].language == "de"
    assert [text for text in counting.texts if "Suppen" in text] == []
    assert [text for text in counting.texts if "Python" in text]
