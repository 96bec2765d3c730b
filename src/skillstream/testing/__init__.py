"""Stand-ins for tests, of skillstream itself and of pipelines built on it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import xxhash

from skillstream.encoder.base import Encoded, Float32

__all__ = ["HashEncoder"]

TOKEN = re.compile(r"\w+|[^\w\s]")


class HashEncoder:
    """An `Encoder` without a model: quick, deterministic, and similar texts have similar vectors.

    A token's vector is the sum of random vectors of its word and of the word's character trigrams; a
    text's vector is the mean of its tokens'. So "write Python code" is near "Python", and "managing"
    near "manage", but meaning beyond the letters is not known to it.
    """

    name = "hash"
    backend = "hash"
    precision = "fp32"

    def __init__(self, dim: int = 384, max_tokens: int = 254) -> None:
        self.dim = dim
        self.max_tokens = max_tokens
        self.fingerprint = xxhash.xxh3_128_hexdigest(f"HashEncoder {dim} {max_tokens}".encode())

    def encode(self, texts: Sequence[str]) -> Float32:
        """float32[n, dim], L2-normalised."""
        return self.encode_tokens(texts).pooled

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        """Pooled and token vectors, with one special token before and one after each text."""
        pooled, tokens, spans, bounds = [], [], [], [0]
        for number, text in enumerate(texts):
            words = self.token_spans(text)
            if len(words) > self.max_tokens:
                raise ValueError(
                    f"text {number} has {len(words)} tokens, the encoder takes {self.max_tokens}"
                )
            vectors = [_word_vector(text[start:end].lower(), self.dim) for start, end in words]
            mean = _normalized(np.sum(vectors, axis=0)) if vectors else _word_vector("", self.dim)
            pooled.append(mean)
            tokens.extend([mean, *vectors, mean])
            spans.extend([(0, 0), *words, (0, 0)])
            bounds.append(len(tokens))
        return Encoded(
            pooled=np.array(pooled, dtype=np.float32).reshape(len(texts), self.dim),
            tokens=np.array(tokens, dtype=np.float32).reshape(-1, self.dim),
            bounds=np.array(bounds, dtype=np.int64),
            spans=np.array(spans, dtype=np.int32).reshape(-1, 2),
        )

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Characters of the words and punctuation marks of a text."""
        return [match.span() for match in TOKEN.finditer(text)]

    def describe(self) -> str:
        """One line for people."""
        return "hash: a stand-in for tests, it knows letters but no meaning"


@lru_cache(maxsize=100_000)
def _word_vector(word: str, dim: int) -> Float32:
    padded = f" {word} "
    trigrams = [padded[i : i + 3] for i in range(len(padded) - 2)]
    # The whole word counts as much as all its trigrams together.
    total = (
        _random_vector(padded, dim)
        + sum(_random_vector(t, dim) for t in trigrams) / max(1, len(trigrams)) ** 0.5
    )
    return _normalized(total)


@lru_cache(maxsize=100_000)
def _random_vector(feature: str, dim: int) -> Float32:
    random = np.random.default_rng(xxhash.xxh3_64_intdigest(feature.encode()))
    return random.standard_normal(dim, dtype=np.float32)


def _normalized(vector: Float32) -> Float32:
    normalized: Float32 = vector / np.linalg.norm(vector)
    return normalized
