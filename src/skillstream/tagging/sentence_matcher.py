"""Sentences of postings to the skills found in them: encoded in blocks, each distinct sentence once.

What a sentence says does not depend on its posting, so results are kept: the same sentence comes back
thousands of times in real feeds. Where only names of skills count (boilerplate; languages not served),
a sentence without one cannot become evidence of anything, and is not encoded at all.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import NamedTuple

from cachetools import LRUCache

from skillstream.encoder import Encoded, Encoder
from skillstream.postings import Document
from skillstream.ranking import (
    MatchingForm,
    Ranker,
    SentenceMatches,
    in_the_text,
    matching_form,
    only_names_count,
)

__all__ = ["MatchCounts", "SentenceMatcher", "blocks"]

logger = logging.getLogger(__name__)

# Characters encoded at once, about 6,000 tokens: bounds memory (token vectors take 1.5 KB each), leaves a
# chunk many blocks, and is still many times the encoder's own batch.
BLOCK_CHARACTERS = 30_000
# Their letters are kept for models that serve one of them.
_UNSPACED_LANGUAGES = frozenset(("zh", "ja", "ko", "th", "lo", "km", "my"))


class MatchCounts(NamedTuple):
    """What matching took.

    Attributes:
        sentences: all sentences.
        cached: of these, those whose result was in the cache.
        skipped: of these, those that were not encoded because nothing in them could count.
        tokens: tokens that went through the encoder.
    """

    sentences: int = 0
    cached: int = 0
    skipped: int = 0
    tokens: int = 0

    def plus(self, other: MatchCounts) -> MatchCounts:
        """The counts of both together."""
        return MatchCounts(*map(sum, zip(self, other, strict=True)))


class SentenceMatcher:
    """Finds the skills of sentences, by one encoder and one ranker. Not thread-safe.

    Args:
        encoder, ranker: what finds them.
        cache_sentences: how many sentences' results are kept.
        served: languages that are served; `None`: all. Letters of languages that need no spaces are kept if
            one of them is served.
    """

    def __init__(
        self, encoder: Encoder, ranker: Ranker, cache_sentences: int, served: frozenset[str] | None
    ) -> None:
        self._encoder = encoder
        self._ranker = ranker
        self._keep_unspaced = served is None or not _UNSPACED_LANGUAGES.isdisjoint(served)
        self._served = served
        self._cache: LRUCache[str, SentenceMatches] = LRUCache(cache_sentences)

    def _form(self, text: str) -> MatchingForm:
        return matching_form(text, keep_unspaced=self._keep_unspaced)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Characters of the text of each token that the encoder will meet, in order."""
        form = self._form(text)
        return [form.original(start, end) for start, end in self._encoder.token_spans(form.text)]

    def serves(self, language: str | None) -> bool:
        """Whether all matches count in postings in this language, not names alone; `None` is not known."""
        return language is None or self._served is None or language in self._served

    def match(self, documents: Sequence[Document]) -> tuple[dict[str, SentenceMatches], MatchCounts]:
        """Matches of every sentence of the documents, by its text.

        Of sentences that count nowhere in these documents unless they name a skill, those that do not have
        none.
        """
        matches: dict[str, SentenceMatches] = {}
        missing: dict[str, None] = {}
        names_only: dict[str, int] = {}  # sentence → how often it comes
        sentences = cached = 0
        for document in documents:
            served = self.serves(document.language)
            for sentence in document.sentences:
                text = sentence.text
                sentences += 1
                known = self._cache.get(text)
                if known is not None:
                    matches[text] = known
                    cached += 1
                elif served and not only_names_count(sentence.section):
                    missing[text] = None
                else:
                    names_only[text] = names_only.get(text, 0) + 1
        skipped = 0
        for text, count in names_only.items():
            if text not in missing and self._ranker.names_any(self._form(text).text):
                missing[text] = None
            elif text not in missing:
                matches[text] = ()  # not cached: elsewhere all that it says may count
                skipped += count
        todo = sorted(missing, key=len)  # like lengths together, so that blocks are even
        tokens = 0
        with closing(self._encoded(todo)) as encoded_blocks:  # whatever fails, no thread goes on encoding
            for block, forms, encoded in encoded_blocks:
                tokens += len(encoded.tokens)
                found = self._ranker.match_sentences([form.text for form in forms], encoded)
                for text, form, in_form in zip(block, forms, found, strict=True):
                    result = in_the_text(in_form, form)
                    matches[text] = result
                    if self._cache.maxsize:
                        self._cache[text] = result
        return matches, MatchCounts(sentences, cached, skipped, tokens)

    def _encoded(
        self, texts: Sequence[str]
    ) -> Generator[tuple[list[str], list[MatchingForm], Encoded], None, None]:
        """The texts in blocks, and what the encoder made of each: the next while the last is matched."""
        with ThreadPoolExecutor(1, "encode") as ahead:
            waiting: deque[tuple[list[str], list[MatchingForm], Future[Encoded]]] = deque()
            for block in blocks(texts, BLOCK_CHARACTERS):
                forms = [self._form(text) for text in block]
                encoding = ahead.submit(self._encoder.encode_tokens, [form.text for form in forms])
                waiting.append((block, forms, encoding))
                if len(waiting) > 1:
                    block, forms, encoding = waiting.popleft()
                    yield block, forms, encoding.result()
            for block, forms, encoding in waiting:
                yield block, forms, encoding.result()

    def match_each(
        self, documents: Sequence[Document], error: Exception
    ) -> tuple[dict[str, SentenceMatches], MatchCounts]:
        """Like `match` where it failed: a document that fails by itself is left out of the result.

        Raises:
            Exception: `error`, if the encoder fails for the plainest text too: then no record is to blame.
        """
        try:
            self._encoder.encode_tokens(["skill"])
        except Exception:  # noqa: BLE001 - whatever it is, the first error says more
            raise error from None
        matches: dict[str, SentenceMatches] = {}
        counts = MatchCounts()
        for document in documents:
            try:
                found, more = self.match([document])
            except Exception as reason:  # noqa: BLE001 - its row will say that it is internal
                logger.warning("a record cannot be matched: %s: %s", type(reason).__name__, reason)
                continue
            matches.update(found)
            counts = counts.plus(more)
        return matches, counts


def blocks(texts: Sequence[str], max_characters: int) -> Iterator[list[str]]:
    """The texts in order, in lists of at most `max_characters`, or of one text if it alone is longer."""
    block: list[str] = []
    size = 0
    for text in texts:
        if block and size + len(text) > max_characters:
            yield block
            block, size = [], 0
        block.append(text)
        size += len(text)
    if block:
        yield block
