"""Beam's RunInference around sentence-transformers, as one would write it: a contender of end_to_end.py.

A module of its own, so that Beam pickles the handler by its name: in the script that is run, the model would
be sent along by value, which takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from apache_beam.ml.inference.base import ModelHandler, PredictionResult
from sentence_transformers import SentenceTransformer

from skillstream import Tagger
from skillstream.encoder import resolve_model

TOP_K = 20
# Characters.
BUCKETS = [16, 32, 64, 96, 128, 192, 256, 384, 512]


class Search:
    """A model and the vectors of all labels, float32 of shape (skills, dim)."""

    def __init__(self, model: str) -> None:
        self._encoder = SentenceTransformer(str(resolve_model(model).path), device="cpu")
        self._vectors = np.array(Tagger.load(model=model).index.vectors, np.float32)

    def nearest(self, texts: list[str]) -> np.ndarray:
        """Positions of the TOP_K nearest labels of each text, in no order."""
        found = self._encoder.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return np.argpartition(-(found @ self._vectors.T), TOP_K, axis=1)[:, :TOP_K]


@cache
def load(model: str) -> Search:
    """Loaded once a process, and warm."""
    search = Search(model)
    search.nearest(["warm up"])
    return search


class TopSkills(ModelHandler[str, PredictionResult, Search]):
    """Encodes sentences and finds the nearest labels of each."""

    def __init__(self, model: str, *, buckets: bool) -> None:
        by_length = {"batch_length_fn": len, "batch_bucket_boundaries": BUCKETS} if buckets else {}
        super().__init__(min_batch_size=64, max_batch_size=512, **by_length)
        self._model = model

    def load_model(self) -> Search:
        return load(self._model)

    def run_inference(
        self,
        batch: Sequence[str],
        model: Search,
        inference_args: object = None,  # noqa: ARG002 - Beam passes it
    ) -> Iterable[PredictionResult]:
        return [
            PredictionResult(text, ids) for text, ids in zip(batch, model.nearest(list(batch)), strict=True)
        ]
