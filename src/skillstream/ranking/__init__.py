"""From sentences and their vectors to ranked tags with confidence."""

from __future__ import annotations

from skillstream.ranking.evaluation import Figures, evaluate, labels_index, read_annotations, read_labels
from skillstream.ranking.heads import LANES, load_heads
from skillstream.ranking.ranker import Match, Ranker, RankingOptions, SentenceMatches

__all__ = [
    "LANES",
    "Figures",
    "Match",
    "Ranker",
    "RankingOptions",
    "SentenceMatches",
    "evaluate",
    "labels_index",
    "load_heads",
    "read_annotations",
    "read_labels",
]
