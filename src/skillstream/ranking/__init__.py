"""From sentences and their vectors to ranked tags with confidence."""

from __future__ import annotations

from skillstream.ranking.candidates import only_names_count
from skillstream.ranking.evaluation import Figures, evaluate, labels_index, read_annotations, read_labels
from skillstream.ranking.heads import LANES, load_heads
from skillstream.ranking.judgements import (
    JudgedFigures,
    JudgedPosting,
    JudgedTag,
    judged_figures,
    picture,
    read_judgements,
)
from skillstream.ranking.matches import Match, SentenceMatches
from skillstream.ranking.matching_form import MatchingForm, in_the_text, matching_form
from skillstream.ranking.posting_stage import load_posting_stage
from skillstream.ranking.ranker import Ranker, RankingOptions
from skillstream.ranking.reasons import Reason, band

__all__ = [
    "LANES",
    "Figures",
    "JudgedFigures",
    "JudgedPosting",
    "JudgedTag",
    "Match",
    "MatchingForm",
    "Ranker",
    "RankingOptions",
    "Reason",
    "SentenceMatches",
    "band",
    "evaluate",
    "in_the_text",
    "judged_figures",
    "labels_index",
    "load_heads",
    "load_posting_stage",
    "matching_form",
    "only_names_count",
    "picture",
    "read_annotations",
    "read_judgements",
    "read_labels",
]
