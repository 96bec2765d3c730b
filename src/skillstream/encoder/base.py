"""What an encoder is: the protocol, and the vectors that it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Encoded", "Encoder", "Float32", "Int32", "Int64"]

Float32: TypeAlias = npt.NDArray[np.float32]
Int32: TypeAlias = npt.NDArray[np.int32]
Int64: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Vectors of n texts, all from one forward pass.

    The special tokens around a text ([CLS], [SEP]) are among its tokens, with the span (0, 0): they
    carry meaning of the whole text, and with them even an empty text has a token.

    Attributes:
        pooled: float32[n, dim], one L2-normalised vector a text.
        tokens: float32[total, dim], the L2-normalised last-layer vectors of the tokens of all texts,
            one text after another, without padding.
        bounds: int64[n + 1]; text i owns the rows bounds[i]:bounds[i + 1] of `tokens` and `spans`.
        spans: int32[total, 2], the characters [start, end) of each token in its own text.
    """

    pooled: Float32
    tokens: Float32
    bounds: Int64
    spans: Int32

    def __len__(self) -> int:
        return len(self.pooled)


class Encoder(Protocol):
    """Texts to vectors. Safe to share between threads.

    Attributes:
        name: what the user calls the model: `default`, `base`, a folder's name or a hub id.
        backend: what computes: `openvino`, `onnxruntime` or `torch`.
        precision: what it computes with: `fp32`, `bf16`, `fp16` or `int8`.
        fingerprint: of weights, tokenizer and pooling; the same for every backend and precision, so an index
            made with one can be used with another.
        dim: length of a vector.
        max_tokens: the most tokens a text may have, special tokens not counted.
    """

    @property
    def name(self) -> str: ...
    @property
    def backend(self) -> str: ...
    @property
    def precision(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Float32:
        """Pooled vectors, float32[n, dim], L2-normalised, in the order of the texts.

        Raises:
            ValueError: a text has more than `max_tokens` tokens; nothing is ever cut silently.
        """
        ...

    def encode_tokens(self, texts: Sequence[str]) -> Encoded:
        """Pooled and token vectors; raises as `encode` does."""
        ...

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Characters [start, end) of every token of a text of any length, without special tokens."""
        ...

    def describe(self) -> str:
        """One line for people: what computes, how, and why it was chosen."""
        ...
