"""The ranking loss of the recipe `skills`. Importing this module imports torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor, nn

__all__ = ["MaskedRankingLoss"]


class MaskedRankingLoss(nn.Module):
    """Multiple negatives ranking loss in which no right answer ever counts as a wrong one.

    For each query the softmax over cosine x `scale` runs over all candidates of the batch (the positives of
    all rows, then further columns as extra negatives) without those that are known to be right for it
    (Henderson et al. 2017, https://arxiv.org/abs/1705.00652, plus the mask).

    Texts of very different lengths meet in a batch, so each column is encoded in a few parts sorted by
    length: the vectors are the same, and most of the padding is gone.

    Args:
        model: the encoder.
        known: for each row of the data set the ids of all texts that are right for it.
        candidates: for each row of the data set the ids of its columns behind the query.
        scale: inverse temperature.
    """

    PARTS = 4

    def __init__(
        self,
        model: SentenceTransformer,
        known: Sequence[frozenset[int]],
        candidates: Sequence[Sequence[int]],
        scale: float = 20.0,
    ) -> None:
        super().__init__()
        self.model = model
        self.scale = scale
        self._known = known
        self._candidates = candidates

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor) -> Tensor:
        """`labels` are row numbers of the data set, as many as the batch has rows."""
        columns = [self._embed(features) for features in sentence_features]
        queries, documents = columns[0], torch.cat(columns[1:])
        similarity = queries @ documents.T * self.scale
        return nn.functional.cross_entropy(
            similarity.masked_fill(self.mask(labels.tolist()).to(similarity.device), -torch.inf),
            torch.arange(len(queries), device=similarity.device),
        )

    def mask(self, rows: Sequence[int]) -> Tensor:
        """bool[rows, rows x columns]: where a candidate is right for a query, but not its own positive."""
        width = len(self._candidates[rows[0]])
        ids = [self._candidates[row][column] for column in range(width) for row in rows]
        mask = torch.tensor([[candidate in self._known[row] for candidate in ids] for row in rows])
        mask.fill_diagonal_(False)
        return mask

    def get_config_dict(self) -> dict[str, Any]:
        return {"scale": self.scale, "similarity_fct": "cos_sim", "mask": "known positives"}

    def _embed(self, features: dict[str, Any]) -> Tensor:
        lengths = features["attention_mask"].sum(1)
        order = torch.argsort(lengths, stable=True)
        parts = []
        for part in order.chunk(self.PARTS):
            width = int(lengths[part].max())
            names = ("input_ids", "attention_mask", "token_type_ids")
            cut = {name: features[name][part, :width] for name in names if name in features}
            parts.append(self.model(cut)["sentence_embedding"].float())
        embedded = torch.cat(parts)[torch.argsort(order)]
        return nn.functional.normalize(embedded, dim=-1)
