"""Pairs, sources, near duplicates and splits: the rules, without Beam and without torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillstream.errors import SourceError
from skillstream.training.near import near_duplicates, signature
from skillstream.training.pair_files import load_pairs, write_shard
from skillstream.training.pair_sources import parse_source, read_pairs
from skillstream.training.pairs import BadRow, TrainingPair, make_pair, normalise, text_id
from skillstream.training.split import SplitTable, assign_splits, components


def made(spec: str) -> tuple[list[tuple[str, str, str]], list[str]]:
    """(anchor, positive, kind) of all pairs, and the reasons of all bad rows."""
    found = list(read_pairs(parse_source(spec)))
    pairs = [(item.anchor, item.positive, item.kind) for item in found if isinstance(item, TrainingPair)]
    return pairs, [item.reason for item in found if isinstance(item, BadRow)]


@given(st.text())
def test_normalised_text_stays_as_it_is_and_fits_utf8(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert "  " not in once
    once.encode()


@pytest.mark.parametrize(
    ("anchor", "positive", "reason"),
    [
        (None, "x", "not text"),
        ("x", 3, "not text"),
        (" \t\ud800", "x", "empty text"),
        ("Welding", "welding ", "both sides the same"),
        ("x" * 4001, "y", "longer than 4000 characters"),
    ],
)
def test_what_makes_no_pair_says_why(anchor: object, positive: object, reason: str) -> None:
    assert make_pair(anchor, positive, "phrase", "s") == BadRow("s", reason)


def test_ids_ignore_case_and_fit_int64() -> None:
    assert text_id("SQL") == text_id("sql") != text_id("sq")
    assert 0 <= text_id("anything") < 2**63


def test_esco_file_gives_descriptions_and_alternative_labels(tmp_path: Path) -> None:
    path = tmp_path / "skills.csv"
    path.write_text(
        "preferred_label,alt_labels,description\nbake bread,bread baking|bake a loaf,Make bread.\nmow,,\n"
    )
    pairs, bad = made(f"esco={path}")
    assert pairs == [
        ("Make bread.", "bake bread", "description"),
        ("bread baking", "bake bread", "alternative"),
        ("bake a loaf", "bake bread", "alternative"),
    ]
    assert not bad


def test_sentences_with_lists_and_with_single_labels(tmp_path: Path) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text(
        "sentence,skills\nYou bake.,\"['bake bread', 'UNK']\"\nYou mow.,mow\nBroken.,\"['a', \"\n"
    )
    pairs, bad = made(f"sentences={path}")
    assert pairs == [("You bake.", "bake bread", "sentence"), ("You mow.", "mow", "sentence")]
    assert bad == ["labels are no list"]


def test_spans_become_the_words_between_the_tags(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    row = {"tokens": list("abcde"), "tags_skill": list("BIOBO"), "tags_knowledge": list("OOOOI")}
    rows = [json.dumps(row), "{broken", json.dumps({"tokens": "abc"}), json.dumps({"tokens": ["x"] * 61})]
    path.write_text("\n".join(rows))
    pairs, bad = made(f"spans={path}")
    assert pairs == [("a b c d e", span, "span") for span in ("a b", "d", "e")]
    assert bad == ["tokens are no list of texts"] * 2 + ["longer than 60 tokens"]


def test_onet_tasks_find_their_activities(tmp_path: Path) -> None:
    (tmp_path / "Task Statements.txt").write_text("Task ID\tTask\n1\tMow the lawn.\n")
    (tmp_path / "DWA Reference.txt").write_text("DWA ID\tDWA Title\nD\tCare for plants.\n")
    (tmp_path / "Tasks to DWAs.txt").write_text("Task ID\tDWA ID\n1\tD\n2\tD\n")
    (tmp_path / "Technology Skills.txt").write_text("Example\tCommodity Title\nMowerSoft\tGarden software\n")
    pairs, bad = made(f"onet={tmp_path}")
    assert pairs == [("Mow the lawn.", "Care for plants", "task"), ("MowerSoft", "Garden software", "tool")]
    assert bad == ["not text"]


def test_ragged_rows_and_wrong_bytes_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    path.write_bytes(b"text,skills\nbaker,flour\nonly one cell\na,b,c\n\xff\xfe,x\x00y\ngardener,mow\n")
    pairs, bad = made(f"pairs={path}:text:skills")
    assert [pair[:2] for pair in pairs] == [("baker", "flour"), ("\ufffd\ufffd", "xy"), ("gardener", "mow")]
    assert bad == ["not text"] * 2


def test_a_csv_is_read_as_those_of_postings_are(tmp_path: Path) -> None:
    """Byte order mark, semicolons, and a quote that is not closed: it costs its own line."""
    path = tmp_path / "roles.csv"
    path.write_text('\ufefftext;skills\n"bakes, and sells";flour\n"gardener;mow\nwelder;weld\n')
    pairs, bad = made(f"pairs={path}:text:skills")
    assert [pair[:2] for pair in pairs] == [("bakes, and sells", "flour"), ("welder", "weld")]
    assert bad == ["not text"]


def test_a_csv_without_a_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    path.write_text("\n\n")
    with pytest.raises(SourceError, match="expected a header"):
        made(f"pairs={path}:text:skills")


@pytest.mark.parametrize("spec", ["esco", "wine=x.csv", "esco=missing.csv", "pairs=missing.csv:a"])
def test_wrong_source_is_refused(spec: str) -> None:
    with pytest.raises(SourceError, match="--source"):
        parse_source(spec)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = tmp_path / "roles.csv"
    path.write_text("text,skills\na,b\n")
    with pytest.raises(SourceError, match="it has text, skills"):
        made(f"pairs={path}:text:labels")


def test_phrasebook_names_only_skills_of_the_built_in_taxonomy() -> None:
    from skillstream.taxonomy.load import load_taxonomy

    pairs, _ = made("phrases=builtin")
    assert len(pairs) > 700
    assert {label for _, label, _ in pairs} <= {skill.label for skill in load_taxonomy("esco").skills}


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_components_are_those_of_a_search(edges: list[tuple[int, int]]) -> None:
    texts, found = components(np.array(edges, np.int64).reshape(-1, 2))
    neighbours: dict[int, set[int]] = {}
    for a, b in edges:
        neighbours.setdefault(a, set()).add(b)
        neighbours.setdefault(b, set()).add(a)
    for text, component in zip(texts.tolist(), found.tolist(), strict=True):
        reached, todo = {text}, [text]
        while todo:
            for other in neighbours[todo.pop()] - reached:
                reached.add(other)
                todo.append(other)
        assert component == min(reached)


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), min_size=1, max_size=80), st.integers(0, 9)
)
def test_no_text_on_two_sides(edges: list[tuple[int, int]], seed: int) -> None:
    pairs = np.array(edges, np.int64)
    table = SplitTable.of(pairs, np.empty((0, 2), np.int64), seed, 0.3)
    assert all(table.find(a) == table.find(b) for a, b in edges)


def test_links_hold_texts_together_and_more_data_moves_nothing() -> None:
    few = assign_splits(dict.fromkeys(range(500), 1), 1, 0.2)
    many = assign_splits(dict.fromkeys(range(1000), 1), 1, 0.2)
    assert few.items() <= many.items()
    assert 60 < list(few.values()).count("test") < 140
    pairs = np.array([(2 * i, 2 * i + 1) for i in range(100)], np.int64)
    links = np.array([(0, 2 * i) for i in range(100)], np.int64)
    table = SplitTable.of(pairs, links, 1, 0.2)
    assert {table.find(i) for i in range(200)} == {"train"}  # one component is all there is


def test_near_duplicates_are_found_and_short_texts_left_alone() -> None:
    long = "We look for a careful gardener who mows the lawns of our park in summer and winter every day"
    texts = [
        long,
        long.replace("careful", "patient"),
        "We look for a baker who makes bread and cakes for our shop in the old part of town",
    ]
    signed = [signature(TrainingPair(text, skill, "role", "s")) for text in texts for skill in ("mow", "cut")]
    found = [item for item in signed if item]
    near = {frozenset((kept.anchor, item.anchor)) for kept, item in near_duplicates(found, 0.7)}
    assert near == {frozenset((text_id(texts[0]), text_id(texts[1])))}
    assert not list(near_duplicates(found, 0.99))
    assert signature(TrainingPair("Java developer", "Java", "phrase", "s")) is None


def test_shards_are_the_same_bytes_in_any_order(tmp_path: Path) -> None:
    pairs = [TrainingPair(f"a{i}", f"b{i % 3}", "phrase", "s") for i in range(50)]
    first = write_shard(tmp_path / "x", "train/part-00000-of-00001.parquet", pairs)
    second = write_shard(tmp_path / "y", "train/part-00000-of-00001.parquet", reversed(pairs))
    assert Path(first).read_bytes() == Path(second).read_bytes()
    assert load_pairs(tmp_path / "x") == sorted(pairs)
    with pytest.raises(SourceError, match="training-data"):
        load_pairs(tmp_path)
