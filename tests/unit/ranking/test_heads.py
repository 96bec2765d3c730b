import msgspec
import numpy as np
import pytest

from skillstream.errors import ModelError
from skillstream.ranking.features import FEATURES
from skillstream.ranking.heads import LANES, Confidence, load_heads, neutral_heads, read_heads, save_heads

CONFIDENCE = Confidence(-5.0, 8.0, 0.2, -0.8, -1.7, [(0.0, 0.0), (0.5, 0.4), (1.0, 0.97)])
NONE_NAMED = np.zeros(4, bool)


def test_confidence_rises_with_the_score_of_a_sentence():
    scores = np.array([0.2, 0.9, 0.5, 0.7], np.float32)
    confidences = CONFIDENCE.of(scores, 0.0, NONE_NAMED)
    assert np.argsort(confidences).tolist() == np.argsort(scores).tolist()
    assert ((confidences >= 0) & (confidences <= 1)).all()


def test_a_rival_lowers_confidence_but_not_of_a_skill_that_is_named():
    alone = CONFIDENCE.of(np.array([0.7], np.float32), 0.0, np.array([False]))
    named = np.array([False, True, False])
    beside = CONFIDENCE.of(np.array([0.9, 0.7, 0.7], np.float32), 0.0, named)
    assert beside[1] == alone[0] > beside[2]


def test_the_gate_lowers_all_of_a_sentence():
    scores = np.array([0.2, 0.9, 0.5, 0.7], np.float32)
    assert (CONFIDENCE.of(scores, -4.0, NONE_NAMED) < CONFIDENCE.of(scores, 2.0, NONE_NAMED)).all()


def test_no_candidates_no_confidences():
    assert CONFIDENCE.of(np.zeros(0, np.float32), 0.0, np.zeros(0, bool)).shape == (0,)


def test_an_unknown_model_gets_neutral_heads_that_say_so():
    heads = load_heads("no such fingerprint")
    assert heads == neutral_heads()
    assert not heads.calibrated
    assert set(heads.lanes) == set(LANES)
    assert heads.gate_logits(np.ones((2, 3), np.float32)).tolist() == [0.0, 0.0]


def test_shipped_heads_are_sound():
    from importlib.resources import files

    shipped = [
        path for path in (files("skillstream") / "data" / "heads").iterdir() if path.name.endswith(".json")
    ]
    assert shipped
    for path in shipped:
        heads = read_heads(path)
        assert heads.calibrated
        assert path.name == f"{heads.fingerprint}.json"
        for lane in heads.lanes.values():
            x, y = zip(*lane.confidence.knots, strict=True)
            assert list(x) == sorted(x)
            assert list(y) == sorted(y)
            assert y[0] >= 0
            assert y[-1] <= 1
            assert set(lane.weights) <= set(FEATURES)
            assert 0 < lane.threshold < 1


def test_heads_survive_a_file(tmp_path):
    heads = msgspec.structs.replace(neutral_heads(), gate=[0.5, -0.25, 1.0], fingerprint="f")
    save_heads(heads, tmp_path / "heads" / "f.json")
    assert read_heads(tmp_path / "heads" / "f.json") == heads
    assert np.allclose(heads.gate_logits(np.array([[1, 1], [0, 0]], np.float32)), [1.25, 1.0])


@pytest.mark.parametrize("content", [b"", b"[]", b'{"model": "x"}', b"\xff"])
def test_a_damaged_file_is_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="fit_heads"):
        read_heads(path)


def test_a_missing_lane_is_refused(tmp_path):
    heads = neutral_heads()
    lanes = {name: lane for name, lane in heads.lanes.items() if name != "exact"}
    save_heads(msgspec.structs.replace(heads, lanes=lanes), tmp_path / "x.json")
    with pytest.raises(ModelError, match="'exact'"):
        read_heads(tmp_path / "x.json")
