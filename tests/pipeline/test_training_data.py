"""`skillstream training-data` from end to end on small files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from skillstream.errors import OutputError, UsageError
from skillstream.pipelines.training_data import main, run
from skillstream.training.data_config import TrainingDataConfig
from skillstream.training.pair_files import load_pairs
from skillstream.training.pair_sources import PairSource, parse_source
from skillstream.training.pairs import text_id

ROLES = ["baker", "gardener", "nurse", "welder", "driver", "teacher", "cook", "painter"]


@pytest.fixture
def sources(tmp_path: Path) -> list[PairSource]:
    """400 roles of which half are the others with another case or one word more, and two broken rows."""
    with (tmp_path / "roles.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "skills"])
        for number in range(100):
            role = ROLES[number % len(ROLES)]
            text = f"{role} number {number} works for us in the old town near the river all year {number}"
            rows.writerow([text, f"skills of {number}"])
            rows.writerow([text.upper(), f"Skills of {number}"])
            rows.writerow([f"{text} gladly", f"skills of {number}"])
            rows.writerow([f"{text} and well", f"other skills of {number}"])
        rows.writerow(["", "nothing"])
        rows.writerow(["one cell"])
    return [parse_source(f"pairs={tmp_path / 'roles.csv'}:text:skills"), parse_source("phrases=builtin")]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_deduplicated_split_and_described(tmp_path: Path, sources: list[PairSource]) -> None:
    output = tmp_path / "pairs"
    facts = run(TrainingDataConfig(output=str(output), near_duplicates=0.7, held_out=0.1), sources)
    steps = facts["steps"]
    assert steps["read: pairs:roles.csv: role"] == 400
    assert steps["bad: pairs:roles.csv: empty text"] == steps["bad: pairs:roles.csv: not text"] == 1
    assert steps["distinct: role"] == 300
    assert steps["without near duplicates: role"] == 200  # "gladly" falls; "and well" has other skills
    splits = {split: load_pairs(output, split) for split in ("train", "dev", "test")}
    assert sum(map(len, splits.values())) == 200 + steps["without near duplicates: phrase"]
    assert all(splits.values())
    sides = [{text_id(t) for p in pairs for t in (p.anchor, p.positive)} for pairs in splits.values()]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert set(facts["leakage"].values()) == {0}
    # Anchors that are nearly the same stay together though their skills differ.
    side = {
        p.anchor.split(" works")[0]: split
        for split, pairs in splits.items()
        for p in pairs
        if p.kind == "role"
    }
    for split, pairs in splits.items():
        assert all(side[p.anchor.split(" works")[0]] == split for p in pairs if p.kind == "role")
    assert json.loads((output / "data_card.json").read_text()) == facts
    assert facts["splits"]["train"]["tokens"]["anchor"]["max"] > 15
    assert str(tmp_path) not in (output / "data_card.md").read_text()


@pytest.mark.slow
def test_same_bytes_whatever_the_workers(tmp_path: Path, sources: list[PairSource]) -> None:
    one, many = tmp_path / "one", tmp_path / "many"
    run(TrainingDataConfig(output=str(one), shards=2), sources)
    run(TrainingDataConfig(output=str(many), shards=2), sources[::-1], ["--direct_num_workers=3"])
    first, second = files(one), files(many)
    assert first.keys() == second.keys()
    assert {name for name in first if first[name] != second[name]} <= {"data_card.json", "data_card.md"}


@pytest.mark.slow
def test_same_splits_however_the_ids_are_packed(
    tmp_path: Path, sources: list[PairSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(TrainingDataConfig(output=str(tmp_path / "one")), sources)
    monkeypatch.setattr("skillstream.transforms.training_pairs.EDGES", 7)
    run(TrainingDataConfig(output=str(tmp_path / "many")), sources)
    assert files(tmp_path / "one") == files(tmp_path / "many")


@pytest.mark.slow
def test_hard_negatives_stay_on_their_side(tmp_path: Path) -> None:
    taxonomy = tmp_path / "taxonomy.csv"
    taxonomy.write_text(
        "id,label\n" + "".join(f"s:{i},bake {name} bread\n" for i, name in enumerate(ROLES * 5))
    )
    with (tmp_path / "rows.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label"])
        for number in range(40):
            label = f"bake {ROLES[number % len(ROLES)]} bread"
            rows.writerow([f"you will {label} here, shift {number}", label])
    source = parse_source(f"pairs={tmp_path / 'rows.csv'}:text:label")
    config = TrainingDataConfig(
        output=str(tmp_path / "pairs"),
        near_duplicates=1.0,
        held_out=0.3,
        negatives=2,
        negatives_from=str(taxonomy),
        miner="base",
    )
    facts = run(config, [source])
    assert facts["options"]["miner"] == "base"
    splits = {split: load_pairs(tmp_path / "pairs", split) for split in ("train", "dev", "test")}
    side = {pair.positive: split for split, pairs in splits.items() for pair in pairs}
    found = [pair for pairs in splits.values() for pair in pairs if pair.negatives]
    assert found
    assert facts["steps"]["with negatives: role"] == len(found)
    for pair in found:
        assert len(pair.negatives) <= 2
        assert pair.positive not in pair.negatives
        assert {side[label] for label in pair.negatives} == {side[pair.positive]}


def test_folder_in_use_and_wrong_values_are_refused(tmp_path: Path, sources: list[PairSource]) -> None:
    (tmp_path / "pairs").mkdir()
    (tmp_path / "pairs" / "mine.txt").touch()
    with pytest.raises(OutputError, match="not empty"):
        run(TrainingDataConfig(output=str(tmp_path / "pairs")), sources)
    with pytest.raises(UsageError, match="held-out"):
        TrainingDataConfig(output="x", held_out=0.6)


def test_as_a_module_with_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "pairs"
    assert main(["--source=phrases=builtin", f"--output={output}", "--held_out=0.1"]) == 0
    assert json.loads(capsys.readouterr().out)["distinct: phrase"] > 700
    assert main(["--source=wine=x", f"--output={output}"]) == 2
    assert "--source 'wine=x'" in capsys.readouterr().err
