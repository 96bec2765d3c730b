import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.ranking.trees import Trees, TreeTables

# Tree 0: x0 <= 1 ? (x1 <= 5 ? -1 : 2) : 4, reached 3, 1 and 4 times; tree 1: one leaf.
TABLES = TreeTables(
    roots=[0, 5],
    feature=[0, 1, -1, -1, -1, -1],
    threshold=[1.0, 5.0, 0.0, 0.0, 0.0, 0.0],
    left=[1, 2, 2, 3, 4, 5],
    right=[4, 3, 2, 3, 4, 5],
    value=[1.875, -0.25, -1.0, 2.0, 4.0, 0.5],
)


def test_each_row_takes_its_own_way_and_what_is_equal_goes_left():
    rows = np.array([[1.0, 5.0, 9.0], [1.0, 5.1, 9.0], [1.1, 0.0, 9.0]], np.float32)
    assert Trees(TABLES).sums(rows).tolist() == [-0.5, 2.5, 4.5]


def test_what_is_not_a_number_goes_right():
    assert Trees(TABLES).sums(np.array([[np.nan, 0.0, 0.0]], np.float32)).tolist() == [4.5]


def test_a_feature_is_credited_with_the_change_below_its_node():
    rows = np.array([[0.0, 6.0, 9.0], [2.0, 6.0, 9.0]], np.float32)
    trees = Trees(TABLES)
    assert trees.base == pytest.approx(2.375)
    assert trees.contributions(rows).tolist() == [[-2.125, 2.25, 0.0], [2.125, 0.0, 0.0]]


def test_no_rows_no_sums():
    assert Trees(TABLES).sums(np.zeros((0, 3), np.float32)).shape == (0,)


@st.composite
def grown(draw):
    """Tables of trees with random splits."""
    tables = TreeTables([], [], [], [], [], [])

    def grow(depth):
        node = len(tables.feature)
        for column in (tables.feature, tables.threshold, tables.left, tables.right, tables.value):
            column.append(0)
        tables.value[node] = draw(st.floats(-3, 3, width=32))
        if depth and draw(st.booleans()):
            tables.feature[node] = draw(st.integers(0, 3))
            tables.threshold[node] = draw(st.floats(-2, 2, width=32))
            tables.left[node], tables.right[node] = grow(depth - 1), grow(depth - 1)
        else:
            tables.feature[node], tables.left[node], tables.right[node] = -1, node, node
        return node

    tables.roots.extend(grow(4) for _ in range(draw(st.integers(1, 4))))
    return tables


@given(
    grown(), st.lists(st.lists(st.floats(-3, 3, width=32), min_size=4, max_size=4), min_size=1, max_size=6)
)
def test_base_and_contributions_sum_to_the_log_odds(tables, rows):
    trees, features = Trees(tables), np.array(rows, np.float32)
    whole = trees.base + trees.contributions(features).sum(axis=1)
    assert whole == pytest.approx(trees.sums(features), abs=1e-4)


@pytest.mark.parametrize("broken", [{"right": [4, 3, 2, 3, 4, 9]}, {"value": [0.0]}, {"roots": [7]}])
def test_tables_that_do_not_fit_together_are_refused(broken):
    tables = {name: getattr(TABLES, name) for name in TABLES.__struct_fields__} | broken
    with pytest.raises(ValueError, match="do not fit"):
        Trees(TreeTables(**tables))
