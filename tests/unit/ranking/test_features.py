import numpy as np

from skillstream.ranking.exact import ExactMatch
from skillstream.ranking.features import FEATURES, best_names, exact_features, label_lengths, weight_vector


def test_the_surest_name_of_a_skill_counts():
    matches = [
        ExactMatch(7, 0, 3, "alternative", 2),
        ExactMatch(7, 9, 12, "preferred", 1),
        ExactMatch(7, 20, 23, "variant", 1),
        ExactMatch(3, 0, 3, "alternative", 2),
    ]
    names = best_names(matches)
    assert {skill: match.kind for skill, match in names.items()} == {7: "preferred", 3: "alternative"}


def test_exact_features_stand_in_the_rows_of_their_skills():
    features = np.zeros((2, 3, len(FEATURES)), np.float32)
    names = [{}, {5: ExactMatch(5, 0, 3, "alternative", 4)}]
    named = exact_features(features, np.array([[1, 5, 7], [2, 5, 9]]), names)
    assert named.tolist() == [[False] * 3, [False, True, False]]
    assert features[1, 1, FEATURES.index("alternative")] == 1
    assert features[1, 1, FEATURES.index("shared")] == 2
    assert not features[0].any()
    assert not features[1, [0, 2]].any()


def test_weights_come_in_the_order_of_the_features_and_default_to_nothing():
    weights = weight_vector({"token": 0.25})
    assert weights[FEATURES.index("token")] == 0.25
    assert weights.sum() == 0.25


def test_short_labels_are_favoured():
    one, two, four, empty = label_lengths(["SQL", "manage budgets", "a b c d", ""])
    assert one == empty == 0 > two == -1 > four == -2
