import json
import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.errors import UsageError
from skillstream.ranking.judgements import (
    JudgedPosting,
    JudgedTag,
    calibration_error,
    judged_figures,
    picture,
    read_judgements,
    reliability,
)
from skillstream.rows import Tag

JUDGED = [
    JudgedPosting(
        "p1",
        [
            JudgedTag("s:sql", "SQL", "r"),
            JudgedTag("s:java", "Java", "o"),
            JudgedTag("s:team", "manage a team", "d"),
            JudgedTag("s:energy", "energy", "w"),
            JudgedTag("o:tableau", "Tableau", "r", "onet"),
        ],
    ),
    JudgedPosting("p2", [JudgedTag("s:weld", "weld metal", "r")]),
]


def tag(uri, confidence=0.8, label="", match="both"):
    return Tag(1, uri, label or uri, 0.5, confidence, match, "", 0, 0, "other", [], "", 0, 0)


def test_what_is_right_debatable_wrong_and_found():
    lists = {"p1": [tag("s:sql"), tag("s:team"), tag("s:energy"), tag("s:java"), tag("s:new")]}
    figures = judged_figures(JUDGED, lists)
    assert (figures.postings, figures.tags, figures.unjudged) == (2, 5, 1)
    assert figures.right == 0.5  # optional ones are right
    assert figures.right_or_debatable == 0.75
    assert figures.wrong == 0.25
    assert figures.recall == 0.5  # the posting without a list counts
    assert figures.precision_at_5 == 0.5


def test_precision_at_5_is_of_the_first_five_judged_tags():
    tags = [JudgedTag(f"s:{i}", str(i), "r" if i < 4 else "w") for i in range(10)]
    posting = JudgedPosting("p", tags)
    listed = [tag("s:new"), *(tag(f"s:{i}") for i in range(10))]
    assert judged_figures([posting], {"p": listed}).precision_at_5 == 0.8


def test_a_judgement_is_found_by_uri_or_else_by_label():
    figures = judged_figures(
        JUDGED, {"p1": [tag("t:tableau", label="tableau"), tag("s:sql", label="Energy")]}
    )
    assert (figures.right, figures.unjudged) == (1.0, 0)


def test_figures_by_kind_count_only_that_kind():
    lists = {"p1": [tag("s:sql"), tag("s:energy", match="semantic"), tag("s:new", match="semantic")]}
    semantic = judged_figures(JUDGED, lists, lambda listed, _: listed.match == "semantic")
    assert (semantic.tags, semantic.unjudged, semantic.wrong, semantic.right) == (2, 1, 1.0, 0.0)
    onet = judged_figures(JUDGED, lists, lambda *_: True, lambda judged: judged.taxonomy == "onet")
    assert onet.recall == 0.0


def test_nothing_to_count():
    figures = judged_figures(JUDGED, {})
    assert (figures.tags, figures.right, figures.recall, figures.precision_at_5) == (0, 0.0, 0.0, 0.0)
    assert figures.reliability == []


def test_the_calibration_error_is_the_distance_within_bins():
    outcomes = [(0.9, True)] * 5 + [(0.9, False)] * 5 + [(0.2, False)] * 10
    bins = reliability(outcomes, 2)
    assert [(part.tags, part.right) for part in bins] == [(10, 0.0), (10, 0.5)]
    assert calibration_error(bins) == pytest.approx((0.2 + 0.4) / 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans())), st.integers(1, 12))
def test_bins_lose_no_tag_and_rise(outcomes, count):
    bins = reliability(outcomes, count)
    assert sum(part.tags for part in bins) == len(outcomes)
    assert len(bins) <= count
    confidences = [part.confidence for part in bins]
    assert all(a <= b + 1e-9 for a, b in pairwise(confidences))
    assert math.isfinite(calibration_error(bins))


def test_the_picture_has_a_line_per_bin():
    lines = picture(reliability([(0.25, False), (0.75, True)], 2), width=20)
    assert len(lines) == 3
    assert lines[1].endswith("     |              ")
    assert lines[2].count("=") == 19


def write(path, *lines):
    path.write_text("\n".join(json.dumps(line) if isinstance(line, dict) else line for line in lines))
    return path


def test_a_file_of_judgements(tmp_path):
    line = {"id": "p1", "missing": [], "tags": [{"uri": "u", "label": "l", "verdict": "o", "rank": 3}]}
    [posting] = read_judgements(write(tmp_path / "j.jsonl", line, ""))
    assert posting == JudgedPosting("p1", [JudgedTag("u", "l", "o")])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no judged postings"),
        (["{}"], "line 1"),
        (
            [{"id": "a", "tags": []}, {"id": "b", "tags": [{"uri": "u", "label": "l", "verdict": "x"}]}],
            "line 2",
        ),
    ],
)
def test_other_files_are_refused(tmp_path, lines, message):
    with pytest.raises(UsageError, match=message):
        read_judgements(write(tmp_path / "j.jsonl", *lines))


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="cannot read"):
        read_judgements(tmp_path / "none.jsonl")
