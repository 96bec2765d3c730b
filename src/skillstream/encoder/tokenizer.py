"""Texts to token ids and character spans, by the `tokenizers` library alone: no torch, no transformers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from tokenizers import Encoding, Tokenizer, normalizers

from skillstream.encoder.base import Int32, Int64
from skillstream.errors import ModelError

__all__ = ["TextTokenizer", "Tokens"]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """Tokens of n texts, one text after another, special tokens included.

    Attributes:
        ids: int64[total].
        bounds: int64[n + 1]; text i owns bounds[i]:bounds[i + 1].
        spans: int32[total, 2], characters [start, end) in the text; (0, 0) for special tokens.
    """

    ids: Int64
    bounds: Int64
    spans: Int32


class TextTokenizer:
    """A model's own tokenizer, without its truncation and padding.

    Attributes:
        max_length: most tokens of a text, special tokens included.
        max_tokens: the same without the special tokens.
        pad_id: id to fill up a batch with; the attention mask hides it.
    """

    def __init__(self, path: Path, max_length: int, *, lowercase: bool = False) -> None:
        try:
            self._tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise ModelError(f"cannot read the tokenizer {path}: {error}") from error
        padding = self._tokenizer.padding
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        if lowercase:
            steps = [normalizers.Lowercase(), *filter(None, [self._tokenizer.normalizer])]
            self._tokenizer.normalizer = normalizers.Sequence(steps)
        self.pad_id = _pad_id(self._tokenizer, padding)
        self.max_length = max_length
        self.max_tokens = max_length - self._tokenizer.num_special_tokens_to_add(is_pair=False)

    def tokenize(self, texts: Sequence[str]) -> Tokens:
        """Tokens of the texts.

        Raises:
            ValueError: a text is longer than `max_length`, or no valid Unicode.
        """
        encodings = self._encode(texts, special=True)
        lengths = np.fromiter(map(len, encodings), dtype=np.int64, count=len(encodings))
        if len(lengths) and lengths.max() > self.max_length:
            raise self._too_long(lengths)
        bounds = np.concatenate([[0], np.cumsum(lengths)])
        total = int(bounds[-1])
        ids = chain.from_iterable(encoding.ids for encoding in encodings)
        spans = chain.from_iterable(chain.from_iterable(encoding.offsets for encoding in encodings))
        return Tokens(
            ids=np.fromiter(ids, dtype=np.int64, count=total),
            bounds=bounds,
            spans=np.fromiter(spans, dtype=np.int32, count=2 * total).reshape(total, 2),
        )

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Characters [start, end) of the tokens of a text of any length, without special tokens."""
        offsets: list[tuple[int, int]] = self._encode([text], special=False)[0].offsets
        return offsets

    def _encode(self, texts: Sequence[str], *, special: bool) -> list[Encoding]:
        try:
            return self._tokenizer.encode_batch(list(texts), add_special_tokens=special)
        except TypeError as error:  # all that the library says of a lone surrogate
            raise ValueError("texts must be str without lone surrogates (U+D800 to U+DFFF)") from error

    def _too_long(self, lengths: Int64) -> ValueError:
        which = int(lengths.argmax())
        special = self.max_length - self.max_tokens
        return ValueError(
            f"text {which} has {lengths[which] - special:,} tokens, the encoder takes {self.max_tokens};"
            " cut it into windows first (skillstream.postings.sentences.split_long)"
        )


def _pad_id(tokenizer: Tokenizer, padding: dict[str, object] | None) -> int:
    # Some models compute positions from the padding id, so it has to be the model's own.
    if padding is not None:
        return int(str(padding["pad_id"]))
    for token in ("[PAD]", "<pad>"):
        pad_id: int | None = tokenizer.token_to_id(token)
        if pad_id is not None:
            return pad_id
    return 0
