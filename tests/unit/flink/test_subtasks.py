"""The prediction against what the classes of Flink 1.19 and Beam's runner 2.70 computed themselves."""

from __future__ import annotations

import pytest

from skillstream.flink import subtask_of
from skillstream.flink.subtasks import default_max_parallelism

# Element → key group of 128, of 1,000; subtask of four: by `FlinkKey.of(element, VarLongCoder.of())` and
# `KeyGroupRangeAssignment` in a JVM.
KNOWN = {
    0: (46, 30, 1),
    1: (122, 34, 3),
    2: (125, 749, 3),
    3: (68, 20, 2),
    16: (13, 317, 0),
    41: (45, 677, 1),
    14: (94, 630, 2),
    43: (121, 153, 3),
    127: (62, 470, 1),
    128: (14, 390, 0),
    300: (31, 567, 0),
    65536: (71, 455, 2),
    2**32 + 1: (105, 905, 3),
    2**60 + 1: (121, 185, 3),
    2**63 - 1: (107, 923, 3),
    -1: (75, 819, 2),
}


@pytest.mark.parametrize("element", KNOWN)
def test_subtasks_are_those_that_flink_computes(element):
    of_128, of_1000, subtask = KNOWN[element]
    # With as many subtasks as key groups, the subtask is the key group.
    assert subtask_of(element, 128, 128) == of_128
    assert subtask_of(element, 1000, 1000) == of_1000
    assert subtask_of(element, 4) == subtask


def test_bare_numbers_were_spread_unevenly():
    assert [subtask_of(number, 4) for number in range(4)] == [1, 3, 3, 2]


@pytest.mark.parametrize(
    ("parallelism", "groups"),
    [(1, 128), (4, 128), (85, 128), (86, 256), (100, 256), (200, 512), (30_000, 32_768)],
)
def test_the_default_number_of_key_groups_is_flinks(parallelism, groups):
    assert default_max_parallelism(parallelism) == groups
