"""While the sentences of a block are matched, those of the next are encoded."""

import threading

import pytest

from skillstream import TagConfig, Tagger
from skillstream.index.skills_index import load_index
from skillstream.postings import Document, Sentence
from skillstream.tagging.sentence_matcher import BLOCK_CHARACTERS
from skillstream.testing import HashEncoder

# Two of them do not fit into a block.
LONG = ["We weld " + "pipes and " * (BLOCK_CHARACTERS // 18 + n) for n in range(3)]


class WatchedEncoder(HashEncoder):
    """Counts blocks; `broken` fails from the second on."""

    def __init__(self):
        super().__init__()
        self.blocks = 0
        self.broken = False
        self.second = threading.Event()

    def encode_tokens(self, texts):
        self.blocks += 1
        if self.blocks == 2:
            self.second.set()
            if self.broken:
                raise MemoryError("no room")
        return super().encode_tokens([text[:200] for text in texts])


@pytest.fixture
def watched():
    return WatchedEncoder()


@pytest.fixture
def matcher(watched, index_folder):
    return Tagger(watched, load_index(index_folder), TagConfig(min_confidence=0.01)).matcher


def document():
    sentences = [Sentence(text, 0, len(text), "body") for text in LONG]
    return Document(text="", sentences=sentences, language="en")


def test_the_next_block_is_encoded_while_one_is_matched(matcher, watched, monkeypatch):
    met = []

    def match_sentences(texts, _):
        met.append((list(texts), watched.second.wait(30)))
        return [() for _ in texts]

    monkeypatch.setattr(matcher._ranker, "match_sentences", match_sentences)
    matches, _ = matcher.match([document()])
    assert [seen for _, seen in met] == [True, True, True]
    assert set(matches) == set(LONG)


def test_what_fails_ahead_is_raised(matcher, watched):
    watched.broken = True
    with pytest.raises(MemoryError, match="no room"):
        matcher.match([document()])


def test_nothing_runs_on_once_matching_has_failed(matcher, watched, monkeypatch):
    def match_sentences(*_):
        raise ValueError("bug")

    monkeypatch.setattr(matcher._ranker, "match_sentences", match_sentences)
    with pytest.raises(ValueError, match="bug"):
        matcher.match([document()])
    assert watched.blocks <= 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("encode")]
