"""An encoder out of a tokenizer and a function that runs padded batches: what all backends share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapreplace
from typing import TypeAlias

import numpy as np

from skillstream.encoder.base import Encoded, Float32, Int64
from skillstream.encoder.models import ModelFolder
from skillstream.encoder.precision import Measured
from skillstream.encoder.tokenizer import TextTokenizer, Tokens
from skillstream.errors import RunError

__all__ = ["BATCH_TOKENS", "Batch", "BatchEncoder", "Collect", "RunBatches", "even_tokens", "make_batches"]

# Tokens of a batch, padding included. Measured on 2 cores: with many texts 256 to 1,024 are equally fast;
# with those of a single posting 256 takes a fifth less time than 512, since less is padding.
BATCH_TOKENS = 256

# A batch takes, beside its tokens, as long as this part of the most tokens that one may have. By ONNX Runtime
# on one thread it is 1/24; with 1/12, 1/24 and 1/48 single postings took equally long.
EMPTY_BATCH = 1 / 12

# With more batches than this for each that run at a time, it matters little when the last one ends.
MANY_ROUNDS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Texts of about one length, padded.

    Attributes:
        texts: int64[b], which of the texts these are.
        ids: int64[b, length].
        mask: int64[b, length], 1 for a token, 0 for padding.
    """

    texts: Int64
    ids: Int64
    mask: Int64


Collect: TypeAlias = Callable[[Batch, Float32, Float32], None]
"""Takes a batch, its pooled vectors float32[b, dim] and its token vectors float32[b, length, dim], which
belong to the backend and must be copied before it returns. May be called from other threads."""

RunBatches: TypeAlias = Callable[[Iterator[Batch], Collect], None]
"""Runs every batch through the model, in any order, and hands each result to `Collect`."""


class BatchEncoder:
    """An `Encoder`: tokenizes, sorts into batches by length, runs them, and puts results in order.

    Set by who makes or chooses it: `why` for `describe`; `parallel`, the batches that run at a time;
    `measured`, what its precision was chosen by, if it was.
    """

    def __init__(
        self,
        folder: ModelFolder,
        backend: str,
        precision: str,
        dim: int,
        tokenizer: TextTokenizer,
        run: RunBatches,
        how: str,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self.name = folder.name
        self.fingerprint = folder.fingerprint
        self.backend = backend
        self.precision = precision
        self.dim = dim
        self.max_tokens = tokenizer.max_tokens
        self.why = "asked for"
        self.parallel = 1
        self.measured: tuple[Measured, ...] = ()
        self._tokenizer = tokenizer
        self._run = run
        self._how = how
        self._batch_tokens = batch_tokens

    def encode(self, texts: Sequence[str]) -> Float32:
        """Pooled vectors, float32[n, dim]; see `Encoder.encode`."""
        pooled = np.empty((len(texts), self.dim), dtype=np.float32)

        def collect(batch: Batch, batch_pooled: Float32, _: Float32) -> None:
            pooled[batch.texts] = batch_pooled

        self._run(self._batches(self._tokenizer.tokenize(texts)), collect)
        return self._checked(pooled)

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        """Pooled and token vectors; see `Encoder.encode_tokens`."""
        tokens = self._tokenizer.tokenize(texts)
        pooled = np.empty((len(texts), self.dim), dtype=np.float32)
        vectors = np.empty((len(tokens.ids), self.dim), dtype=np.float32)
        bounds = tokens.bounds.tolist()

        def collect(batch: Batch, batch_pooled: Float32, batch_tokens: Float32) -> None:
            pooled[batch.texts] = batch_pooled
            for row, text in enumerate(batch.texts.tolist()):
                start, end = bounds[text], bounds[text + 1]
                vectors[start:end] = batch_tokens[row, : end - start]

        self._run(self._batches(tokens), collect)
        return Encoded(self._checked(pooled), self._checked(vectors), tokens.bounds, tokens.spans)

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the tokens of a text; see `Encoder.token_spans`."""
        return self._tokenizer.spans(text)

    def describe(self) -> str:
        """What computes, how, and why."""
        return f"{self.backend}: {self._how} ({self.why})"

    def _batches(self, tokens: Tokens) -> Iterator[Batch]:
        return make_batches(tokens, self._tokenizer.pad_id, self._batch_tokens, self.parallel)

    def _checked(self, vectors: Float32) -> Float32:
        if not np.isfinite(vectors).all():
            raise RunError(f"the encoder {self.name} ({self._how}) gave vectors that are not finite")
        return vectors


def make_batches(tokens: Tokens, pad_id: int, batch_tokens: int, parallel: int) -> Iterator[Batch]:
    """All texts in batches of about one length, longest first, so that memory is claimed once and for all.

    Args:
        tokens: of the texts.
        pad_id: what fills a batch up.
        batch_tokens: the most tokens of a batch, padding included, but for a text that alone has more.
        parallel: batches that run at a time.
    """
    lengths = np.diff(tokens.bounds)
    order = np.argsort(-lengths, kind="stable")
    ordered = lengths[order].tolist()
    first = 0
    for size in _sizes(ordered, even_tokens(ordered, batch_tokens, parallel)):
        texts = order[first : first + size]
        first += size
        length = lengths[texts[0]]
        columns = np.arange(length)
        inside = columns < lengths[texts, None]  # (b, length)
        positions = np.where(inside, tokens.bounds[texts, None] + columns, 0)
        ids = np.where(inside, tokens.ids[positions], pad_id)
        yield Batch(texts, ids, inside.astype(np.int64))


def even_tokens(lengths: Sequence[int], batch_tokens: int, parallel: int) -> int:
    """Tokens of a batch with which the texts are done soonest.

    Those of one posting fill few batches: of three equal ones that run two at a time, the last runs alone.

    Args:
        lengths: tokens of each text, longest first.
        batch_tokens: the most, with which many texts are done soonest.
        parallel: batches that run at a time.
    """
    if sum(lengths) > MANY_ROUNDS * parallel * batch_tokens:
        return batch_tokens
    least = max(1, batch_tokens // 8)
    return min(
        range(batch_tokens, least - 1, -least),
        key=lambda most: _end(lengths, most, parallel, EMPTY_BATCH * batch_tokens),
    )


def _end(lengths: Sequence[int], batch_tokens: int, parallel: int, empty_batch: float) -> float:
    """When the last batch ends, in the time that a token takes."""
    ends = [0.0] * parallel
    first = 0
    for size in _sizes(lengths, batch_tokens):
        heapreplace(ends, ends[0] + size * lengths[first] + empty_batch)
        first += size
    return max(ends)


def _sizes(lengths: Sequence[int], batch_tokens: int) -> Iterator[int]:
    """How many of the texts, longest first, each batch has."""
    first = 0
    while first < len(lengths):
        size = min(max(1, batch_tokens // lengths[first]), len(lengths) - first)
        yield size
        first += size
