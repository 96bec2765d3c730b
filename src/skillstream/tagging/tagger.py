"""Tagger: postings in, ranked tags out. Everything between a record and its row, in one place.

    record ─ postings.parse_record ─ sentences.segment ─ encoder ─ ranking ─ Row

A tagger holds an encoder and one version of a skills index; it does not change. A running job that
meets a new index version makes a new tagger around the same encoder (see `skillstream.tagging.worker`).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from skillstream.chunks import Chunk, Record
from skillstream.encoder import Encoder, exact_encoder, load_encoder
from skillstream.errors import SkillstreamError
from skillstream.index import SkillsIndex, check_model, default_index, load_index
from skillstream.postings import (
    Document,
    JobPosting,
    Sentence,
    TooComplexError,
    field_names,
    missing_fields,
    parse_payload,
    parse_record,
    posting_from_mapping,
    segment,
    split_long,
)
from skillstream.ranking import (
    Match,
    Ranker,
    RankingOptions,
    Reason,
    SentenceMatches,
    load_heads,
    load_posting_stage,
)
from skillstream.rejections import Rejection, RejectionCode
from skillstream.rows import Tag, TaggedChunk
from skillstream.tagging.config import TagConfig, taxonomy_names
from skillstream.tagging.made_rows import (
    MadeBy,
    internal,
    model_version,
    rejected_row,
    tagged_row,
    taxonomy_version,
)
from skillstream.tagging.sentence_matcher import SentenceMatcher
from skillstream.taxonomy import DEFAULT_TAXONOMIES

__all__ = ["Explanation", "PostingRejectedError", "Tagger"]

logger = logging.getLogger(__name__)


class PostingRejectedError(SkillstreamError):
    """The posting given to `Tagger.tag` cannot be tagged; `rejection` says why."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(f"{rejection.code}: {rejection.detail}")
        self.rejection = rejection


class Explanation(msgspec.Struct, frozen=True):
    """A posting's plain text with its sentences, the tags found in it, and the reasons for each tag."""

    posting: JobPosting
    document: Document
    tags: list[Tag]
    reasons: list[list[Reason]]


class Tagger:
    """Tags postings with the skills of one index, by one encoder. Not thread-safe."""

    def __init__(self, encoder: Encoder, index: SkillsIndex, config: TagConfig | None = None) -> None:
        """Joins an encoder and an index made with it.

        Raises:
            IndexFormatError: the index was made with another model.
        """
        check_model(index, encoder)
        self.encoder = encoder
        self.index = index
        self.config = config or TagConfig()
        options = RankingOptions(top_k=self.config.top_k, min_confidence=self.config.min_confidence)
        # It was fitted on tags of sentences: a posting as a whole is another thing.
        stage = load_posting_stage(encoder.fingerprint) if self.config.granularity == "sentence" else None
        self.ranker = Ranker(index, load_heads(encoder.fingerprint), options, stage)
        self.matcher = SentenceMatcher(
            encoder, self.ranker, self.config.cache_sentences, self.config.served_languages
        )
        self.made_by = MadeBy(model_version(encoder), taxonomy_version(index))
        self._seen_records = False

    @classmethod
    def load(
        cls,
        model: str = "default",
        taxonomy: str | Sequence[str] = DEFAULT_TAXONOMIES,
        index: str | Path | None = None,
        **options: Any,
    ) -> Tagger:
        """A tagger by names.

        Args:
            model: `default`, `base`, a sentence-transformers folder or a hub id.
            taxonomy: one or several of `esco`, `technologies`, and paths of files or folders; their index
                is built once and cached.
            index: folder of a prebuilt index; wins over `taxonomy`.
            options: any further field of `skillstream.tagging.config.TagConfig`, such as `top_k`.

        Raises:
            UsageError: the model, taxonomy or index cannot be used, or an option is wrong.
        """
        config = TagConfig(
            model=model,
            taxonomy=taxonomy_names(taxonomy),
            index=None if index is None else str(index),
            **options,
        )
        return cls.from_config(config)

    @classmethod
    def from_config(cls, config: TagConfig, encoder: Encoder | None = None) -> Tagger:
        """A tagger as `config` says; `encoder` is used if it is loaded already."""
        encoder = encoder or load_encoder(config.model, config.backend, config.precision)
        if config.index:
            return cls(encoder, load_index(config.index), config)

        exact = partial(exact_encoder, config.model, config.backend)
        return cls(encoder, default_index(config.taxonomy, encoder, exact), config)

    @property
    def model_version(self) -> str:
        """Name and fingerprint of the encoder's weights, as every row states it."""
        return self.made_by.model

    @property
    def taxonomy_version(self) -> str:
        """Name, version and fingerprint of the skills index, as every row states it."""
        return self.made_by.taxonomy

    def tag(self, posting: JobPosting | Mapping[str, object] | bytes | str) -> list[Tag]:
        """The posting's skills, best first.

        Args:
            posting: a `JobPosting`; a mapping such as `{"title": ..., "description": ...}`; a JSON
                object as bytes; or plain text or HTML as `str`.

        Raises:
            PostingRejectedError: it cannot be read, or says nothing.
        """
        [(document, matches)] = self.read_and_match([posting])
        return self.ranker.rank_document(document, matches)

    def explain(self, posting: JobPosting | Mapping[str, object] | bytes | str) -> Explanation:
        """Like `tag`, with the plain text that the tags' offsets point into, and reasons."""
        parsed = self._parsed(posting)
        [(document, matches)] = self.read_and_match([parsed])
        return Explanation(parsed, document, *self.ranker.explain_document(document, matches))

    def read_and_match(
        self, postings: Sequence[JobPosting | Mapping[str, object] | bytes | str]
    ) -> list[tuple[Document, list[SentenceMatches]]]:
        """Plain text of each posting, and what the sentence stage finds in each of its sentences.

        Raises:
            PostingRejectedError: one cannot be read, or says nothing.
        """
        documents = [self._read(self._parsed(posting)) for posting in postings]
        matches, _ = self.matcher.match(documents)
        return [(document, self._by_sentence(document, matches)) for document in documents]

    def score(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        """Cosine of every sentence and every skill's label.

        Args:
            sentences: n texts of at most `encoder.max_tokens` tokens.

        Returns:
            float32[n, n_skills], columns in the order of `index.labels`, values in [-1, 1].

        Raises:
            ValueError: a text is too long for the encoder.
        """
        scores: NDArray[np.float32] = self.encoder.encode(sentences) @ self.index.vectors.T
        return scores

    def tag_chunk(self, chunk: Chunk, now: Callable[[], float] = time.time) -> TaggedChunk:
        """One row for each record of the chunk: tagged, or rejected with the reason.

        A record that cannot be read, or that meets a bug of ours, never raises. What does raise is an
        encoder or index that fails for everything: that concerns all records, and the runner must retry.
        """
        parsed = [self._parse_record(record) for record in chunk.records]
        documents = [item[1] for item in parsed if not isinstance(item, Rejection)]
        try:
            matches, counts = self.matcher.match(documents)
        except Exception as error:  # noqa: BLE001 - one record may be the reason; told again if it is not
            matches, counts = self.matcher.match_each(documents, error)
        tagged_at = int(now() * 1000)
        ranked = iter(self._rank_all(documents, matches))
        rows = []
        for record, item in zip(chunk.records, parsed, strict=True):
            if isinstance(item, Rejection):
                rows.append(rejected_row(chunk, record, item, self.made_by, tagged_at))
                continue
            tags = next(ranked)
            if isinstance(tags, Rejection):
                rows.append(rejected_row(chunk, record, tags, self.made_by, tagged_at))
            else:
                rows.append(tagged_row(chunk, record, *item, tags, self.made_by, tagged_at))
        bare = [
            record
            for record, item in zip(chunk.records, parsed, strict=True)
            if not isinstance(item, Rejection) and not item[0].text
        ]
        unread = [
            item[0].unread_time
            for item in parsed
            if not isinstance(item, Rejection) and item[0].unread_time is not None
        ]
        return TaggedChunk(
            chunk.source,
            chunk.partition,
            chunk.start,
            chunk.end,
            rows,
            sentences=counts.sentences,
            cached=counts.cached,
            tokens=counts.tokens,
            skipped=counts.skipped,
            title_only=len(bare),
            fields=field_names(bare[0].document, self.config.max_record_bytes) if bare else [],
            warnings=self._first_warnings(chunk),
            leader_epoch=chunk.leader_epoch,
            unread_times=len(unread),
            unread_time=unread[0] if unread else None,
        )

    def _first_warnings(self, chunk: Chunk) -> list[str]:
        """Of the first chunk with records: which fields that the user named none of them has."""
        if self._seen_records or not chunk.records:
            return []
        self._seen_records = True
        warnings = missing_fields((record.document for record in chunk.records), self.config.fields)
        for line in warnings:
            logger.warning("%s: %s", chunk.source or "postings", line)
        return warnings

    def _parsed(self, posting: JobPosting | Mapping[str, object] | bytes | str) -> JobPosting:
        parsed = self._parse(posting)
        if isinstance(parsed, Rejection):
            raise PostingRejectedError(parsed)
        return parsed

    def _parse(self, posting: JobPosting | Mapping[str, object] | bytes | str) -> JobPosting | Rejection:
        match posting:
            case JobPosting():
                return posting
            case bytes():
                return parse_payload(posting, self.config.fields, self.config.max_record_bytes)
            case str():
                return posting_from_mapping({"description": posting})
            case _:
                return posting_from_mapping(posting, self.config.fields)

    def _parse_record(self, record: Record) -> tuple[JobPosting, Document] | Rejection:
        try:
            posting = parse_record(record, self.config.fields, self.config.max_record_bytes)
            return posting if isinstance(posting, Rejection) else (posting, self._read(posting))
        except TooComplexError as error:
            return Rejection(RejectionCode.TOO_COMPLEX, str(error))
        except Exception as error:  # noqa: BLE001 - a bug met in one record must not stop the others
            return internal(error)

    def _read(self, posting: JobPosting) -> Document:
        document = segment(posting)
        sentences = document.sentences
        if self.config.granularity == "posting":
            sentences = [Sentence(document.text, 0, len(document.text), "body")]
        sentences = split_long(sentences, self.matcher.token_spans, self.encoder.max_tokens)
        if self.config.granularity == "posting":
            sentences = sentences[:1]
        return msgspec.structs.replace(document, sentences=sentences)

    def _by_sentence(
        self, document: Document, matches: Mapping[str, SentenceMatches]
    ) -> list[SentenceMatches]:
        """The matches of each sentence that count in the document's language."""
        ordered = [matches[sentence.text] for sentence in document.sentences]
        if self.serves(document.language):
            return ordered
        return [tuple(filter(self._is_technology, found)) for found in ordered]

    def _rank_all(
        self, documents: Sequence[Document], matches: Mapping[str, SentenceMatches]
    ) -> list[list[Tag] | Rejection]:
        """The tags of each document; a bug of ours that one of them meets rejects that one alone."""
        try:
            return list(self._rank(documents, matches))
        except Exception:  # noqa: BLE001 - any bug of ours: each document alone then, to find the one
            return [self._rank_alone(document, matches) for document in documents]

    def _rank(self, documents: Sequence[Document], matches: Mapping[str, SentenceMatches]) -> list[list[Tag]]:
        return self.ranker.rank_documents(
            [(document, self._by_sentence(document, matches)) for document in documents]
        )

    def _rank_alone(
        self, document: Document, matches: Mapping[str, SentenceMatches]
    ) -> list[Tag] | Rejection:
        try:
            return self._rank([document], matches)[0]
        except Exception as error:  # noqa: BLE001 - it rejects this record alone
            return internal(error)

    def serves(self, language: str | None) -> bool:
        """Whether postings in this language are tagged with more than technologies; `None` is not known."""
        return self.matcher.serves(language)

    def _is_technology(self, match: Match) -> bool:
        """Names of products are the same in all languages; "art" and "chef" are not."""
        skill = self.index.skills[match.skill]
        return match.kind != "semantic" and (skill.name_only or bool(skill.same_as))
